"""What a stress test must not fall under: a TOML file, and the judgement by it."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.simulate.campaigns import CAMPAIGNS
from streams.stress.findings import Findings

_SHARES = ("recall", "campaign_recall")
_COUNTS = ("false_per_million", "lookalikes_punished")
_FLOORS = "campaigns"


class GateError(Exception):
    """A gate file that can't be used. Names every mistake, and what to write."""


@dataclass(frozen=True, slots=True)
class Gate:
    """The limits; a None limits nothing.

    `recall` is the least over all detectable instances, `campaign_recall` the least of each kind of
    campaign, unless `campaigns` gives it one of its own; `false_per_million` is the most live
    detections on harmless accounts per million of their signals, `lookalikes_punished` the most
    look-alikes something wrong is done to.
    """

    recall: float | None = None
    campaign_recall: float | None = None
    false_per_million: float | None = None
    lookalikes_punished: float | None = None
    campaigns: Mapping[str, float] | None = None


def read(path: Path) -> Gate:
    """Read a gate file.

    Raises:
        GateError: it can't be read, or has mistakes.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise GateError(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise GateError(f"{path}: is not UTF-8: save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise GateError(f"{path}: is not TOML: {error}") from None
    mistakes = [*_mistakes(document), *_mistaken_floors(document.get(_FLOORS, {}))]
    if mistakes:
        raise GateError("\n".join(f"{path}: {mistake}" for mistake in mistakes))
    return Gate(**document)


def _mistakes(document: Mapping[str, Any]) -> list[str]:
    found = []
    for name, value in document.items():
        if name in _SHARES and not _is_share(value):
            found.append(f"{name}: must be a share from 0 to 1, as in {name} = 0.95")
        elif name in _COUNTS and not _is_count(value):
            found.append(f"{name}: must be a number, 0 or more")
        elif name not in (*_SHARES, *_COUNTS, _FLOORS):
            found.append(f"{name}: unknown key: {_hint(name, (*_SHARES, *_COUNTS, _FLOORS))}")
    if not document:
        found.append(f"limits nothing: write at least one of {', '.join((*_SHARES, *_COUNTS))}")
    return found


def _mistaken_floors(floors: object) -> list[str]:
    if not isinstance(floors, dict):
        return [f"{_FLOORS}: must be a table: write [{_FLOORS}]"]
    found = []
    for name, floor in floors.items():
        if name not in CAMPAIGNS:
            found.append(f"{_FLOORS}.{name}: no such campaign: {_hint(name, tuple(CAMPAIGNS))}")
        elif not _is_share(floor):
            found.append(f"{_FLOORS}.{name}: must be a share from 0 to 1")
    return found


def _hint(name: str, allowed: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, allowed, n=1)
    return f"did you mean {close[0]}?" if close else f"use one of {', '.join(allowed)}"


def _is_count(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12  # noqa: PLR2004 - no NaN, no infinity


def _is_share(value: object) -> bool:
    return _is_count(value) and value <= 1  # type: ignore[operator]


def judged(findings: Findings, gate: Gate) -> list[str]:
    """Why the findings don't pass the gate; empty if they do.

    What was not tried is not judged: a campaign without a detectable instance has no recall.
    """
    found = []
    total = findings.total
    if _under(total.recall, gate.recall):
        found.append(
            f"recall {total.recall:.3f} is under {gate.recall:g}: "
            f"{total.found} of {total.detectable} detectable campaigns were found"
        )
    floors = gate.campaigns or {}
    for one in findings.campaigns:
        floor = floors.get(one.campaign, gate.campaign_recall)
        if _under(one.total.recall, floor):
            found.append(
                f"{one.campaign}: recall {one.total.recall:.3f} is under {floor:g}: "
                f"{one.total.found} of {one.total.detectable} were found"
            )
    most = gate.false_per_million
    if most is not None and findings.false_per_million > most:
        worst = ", ".join(f"{name} {count}" for name, count in findings.false.items())
        found.append(
            f"{findings.false_per_million:.1f} false live detections per million benign signals "
            f"are over {most:g}: {worst}"
        )
    if gate.lookalikes_punished is not None and findings.punished > gate.lookalikes_punished:
        who = ", ".join(
            f"{one.lookalike} {one.punished} of {one.instances}"
            for one in findings.lookalikes
            if one.punished
        )
        found.append(
            f"{findings.punished} look-alikes were punished, "
            f"{gate.lookalikes_punished:g} may be: {who}"
        )
    if findings.dead_letters:
        found.append(
            f"{findings.dead_letters} simulated records were dead-lettered: a pattern raises on "
            "them; `vigil replay` of a simulation shows which"
        )
    return found


def _under(recall: float | None, floor: float | None) -> bool:
    return recall is not None and floor is not None and recall < floor
