"""Statements and notices: valid, from the decision alone, and naming nobody."""

from __future__ import annotations

import re
import shutil
from datetime import date

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.policy import Why
from streams.records import ACTIONS, Enforcement
from streams.reporting import notices
from streams.reporting.notices import LANGUAGES, SHIPPED, BadTemplates, notice_of, read_templates
from streams.reporting.statement_rules import problems
from streams.reporting.statements import STATED, statement_of
from streams.signals.records import CATEGORIES, SEVERITIES
from streams.signals.times import format_ms
from tests.reporting.incidents import maybe_refs, refs

SECRETS = {
    "account": "acc-zq-secret",
    "end_user": "user-zq-secret",
    "content_ref": "cont-zq-secret",
    "dataset_ref": "data-zq-secret",
    "reviewer": "rev-zq-secret",
}
days = st.integers(1_577_836_800_000, 2_145_916_800_000).map(format_ms)  # 2020 to 2038
records = st.builds(
    Enforcement,
    id=st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26),
    action=st.sampled_from(ACTIONS),
    harm=st.sampled_from([*CATEGORIES, "declared_by_a_schema"]),
    severity=st.sampled_from(SEVERITIES),
    detections=st.lists(refs, max_size=3),
    pattern=st.uuids().map(str),
    version=refs,
    ruleset=refs,
    at=days,
    expires_at=st.none() | days,
    undoes=maybe_refs,
    strikes=st.integers(0, 9),
    automated=st.sampled_from(["fully", "partially", "not"]),
    why=st.none() | st.sampled_from(Why).map(str),
    **{name: st.just(secret) for name, secret in SECRETS.items()},
)


@settings(max_examples=500)
@given(records)
def test_every_statement_is_one_the_database_takes_and_names_nobody(record):
    statement = statement_of(record)
    assert (statement is not None) == (record.action in STATED)
    if statement is not None:
        assert not problems(statement)
        assert "secret" not in msgspec.json.encode(statement).decode()
        assert statement["puid"] == record.id


@settings(max_examples=500)
@given(records, st.sampled_from(LANGUAGES))
def test_every_notice_says_what_was_done_and_names_nobody(record, language):
    notice = notice_of(record, language, notices.shipped(language))
    assert (notice is None) == (record.action == "preserve")
    if notice is not None:
        assert notice.subject
        assert not re.search(r"[{}]|secret", notice.text + notice.subject)
        assert notice.decision in notice.text


def stated(**fields):
    given = {
        "id": "d" * 26, "account": "a1", "action": "suspend", "harm": "csam",
        "severity": "critical", "detections": ["x"], "pattern": "p", "version": "v",
        "ruleset": "r", "at": "2026-11-24T15:00:00.000Z", "strikes": 1, "automated": "fully",
        "why": "zero_tolerance", **fields,
    }  # fmt: skip
    return Enforcement(**given)


def test_known_material_is_stated_as_illegal_and_all_else_as_against_the_terms():
    known, asked = statement_of(stated()), statement_of(stated(why="asked", harm="spam"))
    assert known["decision_ground"] == "DECISION_GROUND_ILLEGAL_CONTENT"
    assert known["category"] == "STATEMENT_CATEGORY_PROTECTION_OF_MINORS"
    assert known["category_specification"] == ["KEYWORD_CHILD_SEXUAL_ABUSE_MATERIAL"]
    assert asked["decision_ground"] == "DECISION_GROUND_INCOMPATIBLE_CONTENT"


def test_what_is_stated_follows_the_action():
    def of(action, **fields):
        return statement_of(stated(action=action, **fields))

    until = {"expires_at": "2026-12-01T15:00:00.000Z"}
    assert of("suspend", **until)["end_date_account_restriction"] == "2026-12-01"
    assert "end_date_account_restriction" not in of("suspend")
    assert of("restrict", **until)["end_date_service_restriction"] == "2026-12-01"
    assert of("content.remove")["decision_visibility"] == ["DECISION_VISIBILITY_CONTENT_REMOVED"]
    assert (
        of("suspend", automated="not")["automated_decision"] == "AUTOMATED_DECISION_NOT_AUTOMATED"
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"puid": "a.b"}, "puid must be"),
        ({"puid": "x" * 501}, "puid must be"),
        ({"decision_facts": "x" * 5001}, "at most 5000"),
        ({"decision_facts": ""}, "decision_facts is missing"),
        ({"decision_account": None}, "is needed"),
        ({"category": "OTHER"}, "category can't be OTHER"),
        ({"content_type": ["CONTENT_TYPE_IMAGE"]}, "content_type_other goes with"),
        ({"application_date": "2019-12-31"}, "application_date must be"),
        ({"content_date": "2026-02-30"}, "content_date must be"),
        ({"content_date": "2026-11-24T15:00:00Z"}, "content_date must be"),
        ({"illegal_content_explanation": ""}, "illegal_content_explanation is needed"),
        ({"incompatible_content_ground": "x"}, "incompatible_content_ground must not"),
        ({"account": "a1"}, "account is no field"),
        ({"category_specification": ["KEYWORD_X"]}, "list of the known words"),
    ],
)
def test_what_the_database_would_refuse_is_found(change, problem):
    statement = {**statement_of(stated()), **change}
    assert any(problem in one for one in problems(statement)), problems(statement)
    assert date.fromisoformat(statement_of(stated())["content_date"]) == date(2026, 11, 24)


def test_a_notice_has_what_article_17_asks_for():
    text = notice_of(stated(), "en", notices.shipped("en")).text
    for part in (
        "can't be used",
        "child sexual abuse material",
        "until it is lifted",
        "matches known illegal material",
        "automatically",
        "within six months",
        "Reference: " + "d" * 26,
    ):
        assert part in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_a_text_for_every_action_harm_and_reason(language):
    texts = notices.shipped(language)
    assert set(texts["measures"]) == set(texts["subjects"]) == set(ACTIONS) - notices.UNTOLD
    assert set(texts["harms"]) == set(CATEGORIES)
    done = [
        why for why in Why if why not in ("snoozed", "ingested", "repeated", "pending", "cooling")
    ]
    assert set(texts["reasons"]) == set(done)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('warn = "A warning', 'wran = "A warning', "has no text for warn"),
        ("[closing]", "[clossing]", r"\[closing\] is missing"),
        ("{harm}. Nothing", "{name}. Nothing", "only {harm}"),
        ("{harm}. Nothing", "{harm. Nothing", "expected '}'"),
        ("[closing]", "[closing]\nmore = 'x'", "more is not known"),
        ("[closing]", "[closing", "can't be read"),
    ],
)
def test_a_template_file_of_one_s_own_is_checked(tmp_path, old, new, complaint):
    path = tmp_path / "de.toml"
    shutil.copy(SHIPPED / "en.toml", path)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(BadTemplates, match=complaint):
        read_templates(path)
