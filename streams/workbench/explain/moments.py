"""Signals and decisions in words, as moments of a time line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from streams.workbench.words import duration

SIGNAL, DETECTION, DECISION = "signal", "detection", "decision"

_IN_WORDS = frozenset(
    ("id", "account", "at", "kind", "category", "source", "verdict", "outcome", "stage")
)
_ASIDE = frozenset(
    (
        *("device", "network", "payment", "session", "model", "detector_version", "viewed"),
        *("peer", "age_band", "peer_age_band"),
    )
)
"""Fields seen only where a pattern asks for them: most say nothing to a person."""

_LEAST_DELAY_MS = 1_000


class Moment(msgspec.Struct, kw_only=True):
    """One line of a time line. `at` is ms since the epoch.

    `kind` is what it is: a signal of the account, a detection, or something done about it. `what`
    says it in words, `details` are the fields worth seeing, `fields` all of them. `evidence` says
    that the detection rests on it, and `matched` as which of the pattern's rules; `behind` that
    something derived rests on it which the detection rests on. `account` is whose signal it is.
    """

    at: int
    kind: str
    what: str
    topic: str
    id: str
    details: list[str] = []
    fields: dict[str, Any] = {}
    evidence: bool = False
    matched: list[str] = []
    behind: bool = False
    account: str = ""


def signal_moment(signal: Any, telling: Collection[str] = ()) -> Moment:
    """A signal the decoders accepted: ids, closed lists and numbers are all there is in it.

    `telling` are fields the pattern asks for.
    """
    fields = {
        name: value
        for name in signal.__struct_fields__
        if (value := getattr(signal, name)) not in (None, ())
    }
    return Moment(
        at=signal.at,
        kind=SIGNAL,
        what=_WORDS[signal.topic](signal),
        topic=signal.topic,
        id=signal.id,
        details=[] if signal.topic == "account-signals" else list(_details(fields, telling)),
        fields=fields,
        account=signal.account,
    )


def _activity(signal: Any) -> str:
    return str(signal.kind).replace(".", " ").replace("_", " ")


def _hit(signal: Any) -> str:
    category = signal.category.replace("_", " ")
    return f"{category} {signal.verdict} by {signal.source.replace('_', ' ')}"


def _review(signal: Any) -> str:
    return f"review ({signal.stage}): {signal.outcome}"


def _command(signal: Any) -> str:
    return f"command: {signal.kind}"


def heard(signal: Any) -> str:
    """What another agent said of the account: ``content is confirmed: content.remove``."""
    said = _HEARD.get(signal.kind, signal.kind)
    return f"{said}: {signal.action}" if signal.action else said


_HEARD = {
    "entity": "an entity it shares",
    "content": "what it holds is confirmed",
}


_WORDS = {
    "activity": _activity,
    "moderation-hits": _hit,
    "reviews": _review,
    "account-commands": _command,
    "account-signals": heard,
}


def _details(fields: Mapping[str, Any], telling: Collection[str]) -> Iterator[str]:
    """The surface first, for it says where to look; then what else is there, short."""
    if "surface" in fields:
        yield f"on {fields['surface'].replace('_', ' ')}"
    if "score" in fields:
        yield f"score {fields['score']:.2f}"
    act_at = fields.get("act_at")
    if act_at is not None and fields["at"] - act_at >= _LEAST_DELAY_MS:
        yield f"about an act {duration(fields['at'] - act_at)} before"
    for name, value in fields.items():
        if name in _IN_WORDS or name in ("surface", "score", "act_at"):
            continue
        if name not in _ASIDE or name in telling:
            shown = ", ".join(value) if isinstance(value, tuple) else value
            yield f"{name.replace('_', ' ')} {shown}"
