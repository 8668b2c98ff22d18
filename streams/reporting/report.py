"""The record on topic `reports`: a draft in the shape of a CyberTipline submission.

`draft` has that form's names (`streams.reporting.cybertip` has the source). What only the platform
knows, who reports and who a reference is, comes in when it is exported or filed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter

import msgspec

from streams.reporting.incident import Hit, Incident
from streams.signals.times import format_ms

KIND = "cybertipline"

INCIDENT_TYPE = "Child Pornography (possession, manufacture, and distribution)"
"""The form's own word for known child sexual abuse material; others Vigil doesn't draft about."""

UPLOADS = frozenset({"upload", "training_dataset", "finetune_upload"})
"""Surfaces where the act was an upload; of others the form's event is ``Other``."""


class _Form(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True, frozen=True):
    """Part of the form: its field names, nothing that isn't known."""


class IncidentSummary(_Form, frozen=True):
    """What happened, and when first."""

    incident_type: str
    incident_date_time: str


class DeviceId(_Form, frozen=True):
    """A device it was done with: a reference of the platform's."""

    id_type: str
    id_value: str
    event_name: str
    date_time: str


class Reported(_Form, frozen=True):
    """Whose account. `associated` is the end user behind it, where the account is a customer's."""

    esp_identifier: str
    compromised_account: bool | None = None
    device_id: Sequence[DeviceId] = ()
    disabled_date: str | None = None
    associated_account: str | None = None


class ReportedFile(_Form, frozen=True):
    """One file, by reference. `generative_ai` stands there only if a hit said so."""

    file_name: str
    file_viewed_by_esp: bool
    uploaded_to_esp_timestamp: str | None = None
    generative_ai: bool | None = None


class Draft(_Form, frozen=True):
    """A whole submission."""

    incident_summary: IncidentSummary
    person_or_user_reported: Reported
    files: Sequence[ReportedFile] = ()


class Report(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A report as it stands: the newest record with its id counts.

    `amended` rises with each change of the draft. `doubted_by` asked for its retraction first.
    """

    id: str
    kind: str
    account: str
    due_at: str
    preserve_until: str
    draft: Draft
    status: str
    amended: int = 0
    at: str
    detections: Sequence[str]
    end_user: str | None = None
    dataset_ref: str | None = None
    confirmed_by: str | None = None
    confirmed_at: str | None = None
    doubted_by: str | None = None
    retracted_by: str | None = None


def report_of(
    incident: Incident, account: str, now: int, *, taken_over: bool = False, disabled_at: int = 0
) -> Report:
    """The record for an incident as it stands `now` (ms).

    `taken_over`: there were signs that somebody else had the account. `disabled_at`: it is
    suspended, since then (0: it isn't).
    """
    return Report(
        id=incident.id,
        kind=KIND,
        account=account,
        due_at=format_ms(incident.due_at),
        preserve_until=format_ms(incident.preserve_until),
        draft=Draft(
            incident_summary=IncidentSummary(
                incident_type=INCIDENT_TYPE,
                incident_date_time=format_ms(min(hit.at for hit in incident.hits)),
            ),
            person_or_user_reported=Reported(
                esp_identifier=account,
                compromised_account=taken_over or None,
                device_id=_devices(incident.hits),
                disabled_date=format_ms(disabled_at) if disabled_at else None,
                associated_account=incident.end_user,
            ),
            files=_files(incident.hits),
        ),
        status=incident.status.value,
        amended=incident.amended,
        at=format_ms(now),
        detections=incident.detections,
        end_user=incident.end_user,
        dataset_ref=incident.dataset_ref,
        confirmed_by=incident.confirmed_by,
        confirmed_at=format_ms(incident.confirmed_at) if incident.confirmed_at else None,
        doubted_by=incident.doubted_by,
        retracted_by=incident.retracted_by,
    )


def _devices(hits: Iterable[Hit]) -> tuple[DeviceId, ...]:
    """Each device once, with its first act."""
    first: dict[str, Hit] = {}
    for hit in sorted(hits, key=attrgetter("at")):
        if hit.device is not None:
            first.setdefault(hit.device, hit)
    return tuple(
        DeviceId(
            id_type="platform reference",
            id_value=device,
            event_name="Upload" if hit.surface in UPLOADS else "Other",
            date_time=format_ms(hit.at),
        )
        for device, hit in first.items()
    )


def _files(hits: Iterable[Hit]) -> tuple[ReportedFile, ...]:
    """Each content reference once. A hit without one is part of the incident, but no file."""
    known = sorted((hit for hit in hits if hit.content_ref), key=lambda hit: hit.content_ref or "")
    return tuple(
        _file(name or "", list(same)) for name, same in groupby(known, attrgetter("content_ref"))
    )


def _file(name: str, hits: list[Hit]) -> ReportedFile:
    uploads = [hit.at for hit in hits if hit.surface in UPLOADS]
    return ReportedFile(
        file_name=name,
        file_viewed_by_esp=any(hit.viewed for hit in hits),
        uploaded_to_esp_timestamp=format_ms(min(uploads)) if uploads else None,
        generative_ai=any(hit.generated for hit in hits) or None,
    )
