"""Drafts as XML: valid, and with nothing in them but words of the form, references and times.

Checked against our own schema of the form's facts, and against NCMEC's as well where
VIGIL_CYBERTIPLINE_XSD names a copy of it.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.reporting.cybertip import BadReporter, Reporter, file_xml, read_reporter, report_xml
from streams.reporting.report import INCIDENT_TYPE, Report, report_of
from tests.reporting.incidents import incidents, times

OURS = Path(__file__).with_name("cybertipline.xsd")
SCHEMAS = [OURS, *(Path(name) for name in [os.environ.get("VIGIL_CYBERTIPLINE_XSD")] if name)]

WORDS = {INCIDENT_TYPE, "platform reference", "Upload", "Other", "true", "false"}
REFERENCE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")

reports = st.builds(
    report_of,
    incidents,
    st.just("a1"),
    times,
    taken_over=st.booleans(),
    disabled_at=st.just(0) | times,
)
lines = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)
reporters = st.builds(Reporter, *[st.none() | lines] * 6)


@cache
def schemas() -> list[xmlschema.XMLSchema]:
    return [xmlschema.XMLSchema(str(path)) for path in SCHEMAS]


def documents(report: Report, reporter: Reporter = Reporter()) -> list[bytes]:  # noqa: B008
    files = [file_xml(file, 7, "f1") for file in report.draft.files]
    return [report_xml(report.draft, reporter), *files]


@settings(max_examples=200, deadline=None)
@given(reports, reporters)
def test_every_document_is_valid(report, reporter):
    for document in documents(report, reporter):
        for schema in schemas():
            schema.validate(document.decode())


@settings(max_examples=200, deadline=None)
@given(reports)
def test_a_draft_holds_references_times_and_words_of_the_form_and_nothing_else(report):
    for document in documents(report):
        for element in ET.fromstring(document).iter():
            for text in (element.text or "", element.tail or "", *element.attrib.values()):
                said = text.strip()
                assert not said or said in WORDS or REFERENCE.fullmatch(said)


@settings(max_examples=200, deadline=None)
@given(reports)
def test_what_is_read_back_from_the_topic_gives_the_same_documents(report):
    read = msgspec.json.decode(msgspec.json.encode(report), type=Report)
    assert documents(read) == documents(report)


@given(incidents)
def test_a_file_was_viewed_or_generated_only_if_one_of_its_own_hits_says_so(incident):
    said = {one.file_name: one for one in report_of(incident, "a1", 0).draft.files}
    named = {hit.content_ref for hit in incident.hits if hit.content_ref}
    assert set(said) == named
    for name, file in said.items():
        mine = [hit for hit in incident.hits if hit.content_ref == name]
        assert file.file_viewed_by_esp == any(hit.viewed for hit in mine)
        assert bool(file.generative_ai) == any(hit.generated for hit in mine)
        assert (b"generativeAi" in file_xml(file, 1, "f")) == bool(file.generative_ai)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('frist_name = "A"', "frist_name is not known here"),
        ("phone = 12", "phone must be one line"),
        ('service = "a\\nb"', "service must be one line"),
        ("= 1", "can't be read"),
    ],
)
def test_a_file_that_says_who_reports_is_checked(tmp_path, text, complaint):
    path = tmp_path / "reporter.toml"
    path.write_text(text)
    with pytest.raises(BadReporter, match=complaint):
        read_reporter(path)
    path.write_text('service = "Example & Sons <images>"\nemail = "t-and-s@example.org"\n')
    assert read_reporter(path).service == "Example & Sons <images>"
