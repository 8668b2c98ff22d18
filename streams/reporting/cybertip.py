"""A draft as the XML documents the CyberTipline takes.

The form's facts (names, order, what may be left out) are of NCMEC's published XML schema for its
reporting API, https://report.cybertip.org/ispws/xsd, as of 2026-11-24. tests/reporting has those
we use as a schema of our own and checks every document against it, and against NCMEC's where it
is at hand (docs/reporting.md says how).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from xml.etree import ElementTree as ET

from streams.reporting.report import Draft, ReportedFile

MAX_SETTING_CHARS = 500


class BadReporter(Exception):
    """The file that says who reports can't be used: file, key, and what it must be."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports: the platform, and the person it names. Nothing of it is ever in a topic."""

    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    email: str | None = None
    service: str | None = None
    legal_url: str | None = None


def read_reporter(path: Path) -> Reporter:
    """Who reports, from a TOML file with those keys. Raises `BadReporter`."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadReporter(f"{path}: can't be read: {error}") from None
    known = [one.name for one in fields(Reporter)]
    for name, value in values.items():
        if name not in known:
            raise BadReporter(f"{path}: {name} is not known here; use {', '.join(known)}")
        if not isinstance(value, str) or not value.isprintable() or len(value) > MAX_SETTING_CHARS:
            raise BadReporter(
                f"{path}: {name} must be one line of text, at most {MAX_SETTING_CHARS} characters"
            )
    return Reporter(**values)


def report_xml(draft: Draft, reporter: Reporter = Reporter()) -> bytes:
    """The document for `/submit`."""
    root = ET.Element("report")
    summary = _add(root, "incidentSummary")
    _add(summary, "incidentType", draft.incident_summary.incident_type)
    _add(summary, "incidentDateTime", draft.incident_summary.incident_date_time)
    _reporter(root, reporter)
    _reported(root, draft, reporter)
    return _document(root)


def file_xml(file: ReportedFile, report_id: int, file_id: str) -> bytes:
    """The document for `/fileinfo`, once the file was uploaded and has an id."""
    root = ET.Element("fileDetails")
    _add(root, "reportId", str(report_id))
    _add(root, "fileId", file_id)
    _add(root, "fileName", file.file_name)
    if file.uploaded_to_esp_timestamp:
        _add(root, "uploadedToEspTimestamp", file.uploaded_to_esp_timestamp)
    _add(root, "fileViewedByEsp", "true" if file.file_viewed_by_esp else "false")
    if file.generative_ai:
        _add(_add(root, "fileAnnotations"), "generativeAi", "true")
    return _document(root)


def _reporter(root: ET.Element, reporter: Reporter) -> None:
    element = _add(root, "reporter")
    person = _add(element, "reportingPerson")
    for name, value in (
        ("firstName", reporter.first_name),
        ("lastName", reporter.last_name),
        ("phone", reporter.phone),
        ("email", reporter.email),
    ):
        if value:
            _add(person, name, value)
    if reporter.legal_url:
        _add(element, "legalURL", reporter.legal_url)


def _reported(root: ET.Element, draft: Draft, reporter: Reporter) -> None:
    said = draft.person_or_user_reported
    person = _add(root, "personOrUserReported")
    _add(person, "espIdentifier", said.esp_identifier)
    if reporter.service:
        _add(person, "espService", reporter.service)
    if said.compromised_account:
        _add(person, "compromisedAccount", "true")
    for device in said.device_id:
        element = _add(person, "deviceId")
        _add(element, "idType", device.id_type)
        _add(element, "idValue", device.id_value)
        _add(element, "eventName", device.event_name)
        _add(element, "dateTime", device.date_time)
    if said.disabled_date:
        # A suspension, even one without end, may be lifted on appeal: the form's word for that.
        element = _add(person, "accountTemporarilyDisabled", "true")
        element.set("disabledDate", said.disabled_date)
    if said.associated_account:
        _add(
            _add(person, "associatedAccount", type="Other"),
            "espIdentifier",
            said.associated_account,
        )


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, name, attributes)
    element.text = text or None
    return element


def _document(root: ET.Element) -> bytes:
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return document + b"\n"
