"""Reading a policy file: what it leaves out is as shipped, and every mistake in it is named."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import structs

from streams.policy.document import Document, parse_document, read_document
from streams.policy.ladder_reader import read_ladders
from streams.policy.ladders import (
    LADDER,
    PUNISHING,
    Budget,
    Minors,
    Policy,
    Takeover,
    strength,
)
from streams.policy.mistakes import Mistake, PolicyError
from streams.records import MILD, PROPOSABLE, Breaker
from streams.signals import Schema
from streams.signals.records import AGE_BANDS

DEFAULT = Path(__file__).with_name("default.toml")
HASH_CHARS = 26

LEAST_REVIEWS = 20
"""Fewer reviews say nothing about a pattern's precision (DESIGN.md, 'Govern')."""

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_MOST_TAKEOVER_MS = 30 * _DAY_MS
_MOST_DUE_MS = 90 * _DAY_MS
_MOST_SURGE = 1000.0

SECTIONS = ("ladders", "raised_to", "takeover", "minors", "review_due", "budgets", "breaker")


def load(path: Path | None = None, schema: Schema | None = None) -> Policy:
    """The policy of a file, or the shipped one. `schema` says which harms and kinds there are.

    Raises `PolicyError` with every mistake; then there is no policy, not half of one.
    """
    return _read(read_document(path or DEFAULT), schema or Schema.load())


@lru_cache(maxsize=8)
def shipped(schema: Schema) -> Policy:
    """The shipped policy, for that schema; read once."""
    return load(schema=schema)


def parse(name: str, contents: bytes, schema: Schema) -> Policy:
    """`load` for a file that was read already; `name` is what mistakes call it."""
    return _read(parse_document(name, contents), schema)


def _read(document: Document, schema: Schema) -> Policy:
    policy = _Reader(document, read_document(DEFAULT).values, schema).read()
    if document.found:
        raise PolicyError(sorted(document.found, key=lambda one: one.line))
    return policy


def check(path: Path, schema: Schema | None = None) -> tuple[Mistake, ...]:
    """Every mistake in a policy file, in its order; nothing if it can be used."""
    try:
        load(path, schema)
    except PolicyError as error:
        return error.mistakes
    return ()


class _Reader:
    def __init__(self, document: Document, shipped: Mapping[str, Any], schema: Schema) -> None:
        self._document = document
        self._shipped = shipped
        self._harms = schema.fields("moderation-hits")["category"].values or ()
        self._kinds = schema.fields("activity")["kind"].values or ()
        self._own = document.table((), document.values, SECTIONS)

    def read(self) -> Policy:
        """The policy; where something was noted as wrong, not to be used."""
        ladders = self._own.get("ladders", self._shipped["ladders"])
        default, by_harm = read_ladders(self._document, ladders, self._harms)
        due = self._review_due()
        policy = Policy(
            default=default,
            by_harm=MappingProxyType(by_harm),
            raised_to=MappingProxyType(self._raised_to()),
            takeover=self._takeover(),
            minors=self._minors(),
            review_due_default=due.pop("default"),
            review_due=MappingProxyType(due),
            budgets=MappingProxyType(self._budgets()),
            breaker=self._breaker(),
            hash="",
        )
        return replace(policy, hash=_hash(policy))

    def _section(self, name: str, keys: Iterable[str]) -> dict[str, Any]:
        """A section of the file over the shipped one."""
        shipped: Mapping[str, Any] = self._shipped[name]
        return {**shipped, **self._document.table((name,), self._own.get(name, {}), keys)}

    def _raised_to(self) -> dict[str, str]:
        found = {}
        for asked, value in self._section("raised_to", LADDER).items():
            path = ("raised_to", asked)
            most = self._document.word(path, value, LADDER)
            if most is not None and strength(most) < strength(asked):
                self._document.wrong(
                    path, f"{most} is less than {asked}", f"{asked} itself is the least"
                )
            found[asked] = most or asked
        return found

    def _takeover(self) -> Takeover:
        section = self._section("takeover", ("window", "signs", "turns"))
        read, path = self._document, "takeover"
        turns = read.words((path, "turns"), section["turns"], LADDER)
        if "suspend" not in turns:
            read.wrong(
                (path, "turns"),
                "leaves out suspend: a victim of a takeover would be suspended",
                'add "suspend"',
            )
        window = read.duration((path, "window"), section["window"], _HOUR_MS, _MOST_TAKEOVER_MS)
        signs = read.words((path, "signs"), section["signs"], self._kinds)
        return Takeover(window or 0, signs, turns)

    def _minors(self) -> Minors:
        section = self._section("minors", ("bands", "protective"))
        read, path = self._document, "minors"
        bands = read.words((path, "bands"), section["bands"], AGE_BANDS)
        if "minor" not in bands:
            read.wrong((path, "bands"), "leaves out minor", 'add "minor"')
        protective = read.words((path, "protective"), section["protective"], LADDER)
        for action in sorted(protective & PUNISHING):
            read.wrong(
                (path, "protective"),
                f"{action} takes something away, it doesn't protect",
                f"remove {action}; {' and '.join(sorted(MILD))} may stand here",
            )
        return Minors(bands, protective)

    def _review_due(self) -> dict[str, int]:
        section = self._section("review_due", ("default", *self._harms))
        return {
            harm: self._document.duration(("review_due", harm), value, _MINUTE_MS, _MOST_DUE_MS)
            or 0
            for harm, value in section.items()
        }

    def _budgets(self) -> dict[str, Budget]:
        section = self._section("budgets", PROPOSABLE)
        return {action: self._budget(action, value) for action, value in section.items()}

    def _budget(self, action: str, value: object) -> Budget:
        path = ("budgets", action)
        table = self._document.table(path, value, ("hour", "day"))
        figures = {
            key: self._document.whole((*path, key), value, 0) for key, value in table.items()
        }
        hour, day = figures.get("hour"), figures.get("day")
        if hour is not None and day is not None and day < hour:
            self._document.wrong((*path, "day"), "is less than one hour's", f"write {hour} or more")
        return Budget(hour, day)

    def _breaker(self) -> Breaker:
        section = self._section("breaker", ("surge", "surge_least", "precision", "reviews"))
        read, path = self._document, "breaker"
        return Breaker(
            surge=read.number((path, "surge"), section["surge"], 1, _MOST_SURGE) or 0,
            surge_least=read.whole((path, "surge_least"), section["surge_least"], 1) or 0,
            precision=read.number((path, "precision"), section["precision"], 0, 1) or 0,
            reviews=read.whole((path, "reviews"), section["reviews"], LEAST_REVIEWS) or 0,
        )


def spelled(policy: Policy) -> dict[str, str]:
    """What a policy says, value by value: dotted name → JSON. Durations are in ms."""
    found: dict[str, str] = {}

    def spell(name: str, value: Any) -> None:
        if isinstance(value, dict) and value:
            for key, one in value.items():
                spell(f"{name}.{key}" if name else key, one)
        else:
            found[name] = msgspec.json.encode(value).decode()

    spell("", _plain(policy))
    del found["hash"]
    return found


def _hash(policy: Policy) -> str:
    said = msgspec.json.encode(_plain(policy), order="deterministic")
    return base64.b32encode(hashlib.sha256(said).digest()).decode().lower()[:HASH_CHARS]


def _plain(value: Any) -> Any:
    """A policy as what JSON has; sets, which have no order, sorted."""
    if isinstance(value, Breaker):
        return structs.asdict(value)
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value
