"""Reading the ladders of a policy file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streams.policy.case import REMEMBERED_MS
from streams.policy.document import Document
from streams.policy.ladders import LADDER, NO_END, Ladder, Rung, strength
from streams.policy.mistakes import Path
from streams.records import MILD
from streams.signals.durations import format_duration

DEFAULT = "default"
"""The ladder of every harm no other one names."""

_KEYS = ("harms", "decay", "cooldown", "rungs")
_SECOND_MS = 1000
_DAY_MS = 86_400_000
_MOST_COOLDOWN_MS = 30 * _DAY_MS


def read_ladders(
    document: Document, value: object, harms: Sequence[str]
) -> tuple[Ladder, dict[str, Ladder]]:
    """The default ladder, and those of the harms that have one of their own."""
    reader = _Reader(document, harms)
    names = value if isinstance(value, dict) else ()
    tables = document.table(("ladders",), value, names)
    if isinstance(value, dict) and DEFAULT not in value:
        hint = "add [ladders.default], for the harms no other ladder names"
        document.wrong(("ladders",), "has no default", hint)
    ladders = {name: reader.ladder(name, table) for name, table in tables.items()}
    return ladders.get(DEFAULT, _NONE), reader.by_harm(ladders)


_NONE = Ladder(DEFAULT, (), 0, 0)
"""What stands in for a ladder that isn't there; the mistake is noted."""


class _Reader:
    def __init__(self, document: Document, harms: Sequence[str]) -> None:
        self._document = document
        self._harms = harms
        self._named: dict[str, str] = {}  # harm → name of its ladder

    def by_harm(self, ladders: Mapping[str, Ladder]) -> dict[str, Ladder]:
        return {harm: ladders[name] for harm, name in self._named.items()}

    def ladder(self, name: str, value: object) -> Ladder:
        path = ("ladders", name)
        needed = _KEYS[1:] if name == DEFAULT else _KEYS
        table = self._document.table(path, value, _KEYS, needed)
        if "harms" in table:
            self._read_harms(name, table["harms"])
        decay = cooldown = None
        rungs: tuple[Rung, ...] = ()
        if "decay" in table:
            decay = self._document.duration(
                (*path, "decay"), table["decay"], _DAY_MS, REMEMBERED_MS
            )
        if "cooldown" in table:
            cooldown = self._document.duration(
                (*path, "cooldown"), table["cooldown"], 0, _MOST_COOLDOWN_MS
            )
        if "rungs" in table:
            rungs = self._rungs((*path, "rungs"), table["rungs"])
        return Ladder(name, rungs, decay or 0, cooldown or 0)

    def _read_harms(self, name: str, value: object) -> None:
        path: Path = ("ladders", name, "harms")
        if name == DEFAULT:
            self._document.wrong(path, "the default ladder is for all other harms", "remove harms")
            return
        for harm in sorted(self._document.words(path, value, self._harms)):
            other = self._named.setdefault(harm, name)
            if other != name:
                self._document.wrong(path, f"{harm} has the ladder {other} already", "remove one")

    def _rungs(self, path: Path, value: object) -> tuple[Rung, ...]:
        if not isinstance(value, list) or not value:
            hint = 'write [{strikes = 0, action = "warn"}, …]'
            self._document.wrong(path, "must be a list of rungs", hint)
            return ()
        found: list[Rung] = []
        for number, item in enumerate(value):
            rung = self._rung((*path, number), item)
            if rung is not None:
                self._compare((*path, number), found[-1] if found else None, rung)
                found.append(rung)
        return tuple(found)

    def _rung(self, path: Path, value: object) -> Rung | None:
        read = self._document
        table = read.table(path, value, ("strikes", "action", "lasts"), ("strikes", "action"))
        if "strikes" not in table or "action" not in table:
            return None
        strikes = read.whole((*path, "strikes"), table["strikes"], 0)
        action = read.word((*path, "action"), table["action"], LADDER)
        if strikes is None or action is None:
            return None
        return Rung(strikes, action, self._lasts(path, action, table))

    def _lasts(self, path: Path, action: str, table: Mapping[str, Any]) -> int:
        if "lasts" not in table:
            if action == "restrict":
                self._document.wrong(
                    path,
                    "a restriction needs an end",
                    'add lasts = "7d"; only a suspension may wait for a person to lift it',
                )
            return NO_END
        if action in MILD:
            self._document.wrong((*path, "lasts"), f"{action} has no end to wait for", "remove it")
            return NO_END
        lasts = self._document.duration((*path, "lasts"), table["lasts"], _SECOND_MS, REMEMBERED_MS)
        return lasts or NO_END

    def _compare(self, path: Path, below: Rung | None, rung: Rung) -> None:
        """Each rung must take more strikes than the one below, and not be milder."""
        wrong = self._document.wrong
        if below is None:
            if rung.strikes:
                wrong((*path, "strikes"), "the first rung takes no strikes", "write strikes = 0")
            if rung.action not in MILD:
                wrong(
                    (*path, "action"),
                    f"a ladder can't begin with {rung.action}",
                    f"begin with one of {', '.join(sorted(MILD))}: findings that may be no more"
                    " than a warning need a rung",
                )
            return
        if rung.strikes <= below.strikes:
            wrong(
                (*path, "strikes"),
                f"must be more than the {below.strikes} of the rung before",
                "rungs stand in order, mildest first",
            )
        if strength(rung.action) < strength(below.action):
            wrong(
                (*path, "action"),
                f"{rung.action} is milder than {below.action} on the rung before",
                "more strikes can't lead to less",
            )
        elif rung.action == below.action and _shorter(rung.lasts, below.lasts):
            before = format_duration(below.lasts) if below.lasts else "no end"
            wrong(
                (*path, "lasts"),
                f"is shorter than on the rung before ({before})",
                "more strikes can't lead to less",
            )


def _shorter(lasts: int, before: int) -> bool:
    return lasts != NO_END and (before == NO_END or lasts < before)
