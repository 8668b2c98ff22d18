"""All rule sets of a topic, and which of them is current."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from streams.logs import Event, tell
from streams.rules.published import (
    CURRENT_KEY,
    SET_KEY,
    Current,
    NotBelieved,
    PublishedSet,
    decode_current,
    decode_set,
)


class Place(NamedTuple):
    """Where a record stands, for the log."""

    topic: str
    partition: int
    offset: int


class NoSuchSet(Exception):
    """No published rule set is meant by what was given."""


class Shelf:
    """What the records read so far say, in whatever order the partitions came.

    A record that isn't believed changes nothing: the one believed before it stays. Sets are kept as
    they were written, compressed.
    """

    def __init__(self) -> None:
        self.current: Current | None = None
        self._values: dict[str, bytes] = {}

    def take(self, place: Place, key: bytes | None, value: bytes | None) -> None:
        """Take in one record."""
        try:
            self._take(key or b"", value)
        except NotBelieved as problem:
            # Its key isn't said: whoever wrote it could have written anything there.
            tell(
                Event.RULES_UNBELIEVED,
                topic=place.topic,
                partition=place.partition,
                offset=place.offset,
                why=str(problem),
            )

    def _take(self, key: bytes, value: bytes | None) -> None:
        if key == CURRENT_KEY:
            self.current = None if value is None else decode_current(value)
        elif key.startswith(SET_KEY):
            ruleset = key.removeprefix(SET_KEY).decode(errors="replace")
            if value is None:
                self._values.pop(ruleset, None)
            else:
                decode_set(ruleset, value)
                self._values[ruleset] = value
        else:
            raise NotBelieved("Vigil writes no such key")

    def __contains__(self, ruleset: str) -> bool:
        return ruleset in self._values

    def __iter__(self) -> Iterator[str]:
        """The hashes of all sets."""
        return iter(self._values)

    def __getitem__(self, ruleset: str) -> PublishedSet:
        """The set of that hash. Raises `KeyError`."""
        return decode_set(ruleset, self._values[ruleset])

    def in_line(self) -> tuple[str, ...]:
        """The set that is to run, and those to fall back on if it can't, in that order."""
        if self.current is None:
            return ()
        return tuple(dict.fromkeys((self.current.ruleset, *self.current.before)))

    def find(self, given: str) -> str:
        """The hash meant by its first characters, or by the word `current`. Raises `NoSuchSet`."""
        if given == "current":
            if self.current is None:
                raise NoSuchSet("no rule set has been published: run vigil rules publish DIR")
            given = self.current.ruleset
        found = [ruleset for ruleset in self if given and ruleset.startswith(given)]
        if len(found) == 1:
            return found[0]
        if found:
            raise NoSuchSet(f"{given!r} begins the hashes of {', '.join(sorted(found))}: say more")
        raise NoSuchSet(f"no published rule set's hash begins with {given!r}: see vigil rules list")
