"""Reports as they stand: the newest record of each, from the topic or from recordings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from streams.reporting.incident import Status
from streams.reporting.report import Report

TOPIC = "reports"


class NoSuchReport(Exception):
    """No report has that id, or more than one begins with it."""


class WrongPerson(Exception):
    """That person can't give this order, or it makes no sense any more."""


class Reports:
    """What was read; records are given in the order of their topic's partitions."""

    def __init__(self, values: Iterable[Any]) -> None:
        self._newest: dict[str, Report] = {}
        for value in values:
            report = msgspec.convert(value, Report)
            self._newest[report.id] = report

    def in_order(self, statuses: Iterable[str] = (), account: str | None = None) -> list[Report]:
        """Those of these statuses (all, without any), what is due first in front."""
        wanted = set(statuses) or set(Status)
        found = [
            one
            for one in self._newest.values()
            if one.status in wanted and account in (None, one.account)
        ]
        return sorted(found, key=lambda one: (one.status != Status.DRAFT, one.due_at, one.id))

    def get(self, id_: str) -> Report:
        """One by its id, or by what it begins with. Raises `NoSuchReport`."""
        found = [one for one in self._newest.values() if one.id.startswith(id_)]
        exact = [one for one in found if one.id == id_]
        if len(exact or found) != 1:
            how_many = "more than one report begins with" if found else "there is no report"
            raise NoSuchReport(f"{how_many} {id_}; see vigil report list --all")
        return (exact or found)[0]


def insist(report: Report, kind: str, reviewer: str) -> str:
    """What will come of an order, in words. Raises `WrongPerson` where nothing would."""
    if report.status == Status.RETRACTED:
        raise WrongPerson(f"report {report.id} is retracted: that is final")
    if kind == "confirm":
        if report.status == Status.CONFIRMED:
            raise WrongPerson(f"report {report.id} is confirmed already, by {report.confirmed_by}")
        return "confirmed: it may be filed, and is preserved for a year from now"
    first = report.confirmed_by or report.doubted_by
    if first == reviewer:
        raise WrongPerson(
            f"{reviewer} was the first person to decide about report {report.id}:"
            " another has to retract it"
        )
    return (
        "retracted: it must not be filed" if first else "to be retracted, if a second person agrees"
    )
