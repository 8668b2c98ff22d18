"""Making a rule set current: a new one from directories, or one that was published before."""

from __future__ import annotations

import getpass
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams import __version__
from streams.engine.inline import play
from streams.patterns import (
    Finding,
    Result,
    RuleFile,
    RuleSet,
    Severity,
    check_files,
    read_files,
    run_tests,
)
from streams.patterns.pattern import LIVE
from streams.rules.published import (
    CURRENT_KEY,
    MAX_BEFORE,
    Current,
    PublishedSet,
    encode_current,
    encode_set,
    set_key,
    texts,
)
from streams.rules.shelf import NoSuchSet, Shelf
from streams.rules.topic import read_shelf, write
from streams.signals import Schema
from streams.signals.times import format_ms


class NotPublishable(Exception):
    """Rules that `vigil check` finds fault with, or whose inline tests fail."""

    def __init__(self, findings: Sequence[Finding], failed: Sequence[Result]) -> None:
        super().__init__(f"{len(findings)} findings, {len(failed)} inline tests failed")
        self.findings = tuple(findings)
        self.failed = tuple(failed)


@dataclass(frozen=True, slots=True)
class Made:
    """What came of making a set current. `was` is the one before, None where there was none.

    `new` says whether the set had to be written, `switched` whether another one was current.
    """

    ruleset: str
    live: int
    shadow: int
    was: str | None
    new: bool
    switched: bool


@dataclass(frozen=True, slots=True)
class Publisher:
    """Writes to the topic `rules` of one deployment. `note` is for people."""

    connection: Mapping[str, Any]
    prefix: str = ""
    note: str = ""
    clock: Callable[[], float] = time.time

    def publish(
        self, paths: Sequence[Path | str], schema: Schema, schema_file: Path | None
    ) -> Made:
        """Make the rules below `paths` the current set.

        1. The files are read, once: what is checked is what is published.
        2. They are checked as `vigil check` does, and every inline test runs.
        3. The set is written, unless it is there already, and acknowledged.
        4. It becomes the current one, unless it is already.

        Raises `NotPublishable` before anything is written, `SetTooLarge`, and what `read_shelf` and
        `write` raise.
        """
        # 1.
        files, unread = read_files(paths)
        # 2.
        ruleset = _approved(files, unread, schema)
        # 3.
        shelf = read_shelf(self.connection, self.prefix)
        modes = Counter(pattern.mode for pattern in ruleset.patterns)
        published = PublishedSet(
            ruleset=ruleset.hash,
            files=texts(files),
            live=modes[LIVE],
            shadow=len(ruleset) - modes[LIVE],
            at=self._now(),
            by=self._who(),
            note=self.note,
            schema=_sha256(schema_file),
            vigil=__version__,
        )
        new = ruleset.hash not in shelf
        if new:
            write(self.connection, self.prefix, [(set_key(ruleset.hash), encode_set(published))])
        # 4.
        return self._make_current(shelf, published, new=new)

    def roll_back(self, to: str | None = None) -> Made:
        """Make a published set current again: the one that was before, or `to` (see `Shelf.find`).

        Raises `NoSuchSet`, and what `read_shelf` and `write` raise.
        """
        shelf = read_shelf(self.connection, self.prefix)
        if to is not None:
            return self._make_current(shelf, shelf[shelf.find(to)], new=False)
        before = shelf.current.before if shelf.current else ()
        for place, ruleset in enumerate(before):
            if ruleset in shelf:
                return self._make_current(
                    shelf, shelf[ruleset], new=False, before=before[place + 1 :]
                )
        raise NoSuchSet(
            "no rule set was current before this one: name one of vigil rules list, or publish one"
        )

    def _make_current(
        self,
        shelf: Shelf,
        published: PublishedSet,
        *,
        new: bool,
        before: tuple[str, ...] | None = None,
    ) -> Made:
        was = shelf.current
        switched = was is None or was.ruleset != published.ruleset
        if switched:
            if before is None and was is not None:
                before = (was.ruleset, *was.before)
            current = Current(
                ruleset=published.ruleset,
                at=self._now(),
                by=self._who(),
                note=self.note,
                before=(before or ())[:MAX_BEFORE],
            )
            write(self.connection, self.prefix, [(CURRENT_KEY, encode_current(current))])
        return Made(
            ruleset=published.ruleset,
            live=published.live,
            shadow=published.shadow,
            was=was.ruleset if was else None,
            new=new,
            switched=switched,
        )

    def _now(self) -> str:
        return format_ms(int(self.clock() * 1000))

    def _who(self) -> str:
        """The principal Kafka knows us by; without one, whoever is logged in."""
        principal = self.connection.get("sasl_plain_username")
        if principal:
            return str(principal)
        try:
            return getpass.getuser()
        except (KeyError, OSError):  # a user without a name, as in many containers
            return "unknown"


def _approved(files: Sequence[RuleFile], unread: Sequence[Finding], schema: Schema) -> RuleSet:
    ruleset, found = check_files(files, schema)
    findings = sorted([*unread, *found, *_same_names(files)])
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise NotPublishable(findings, ())
    failed = [result for result in run_tests(ruleset, play) if not result.passed]
    if findings or failed:
        raise NotPublishable(findings, failed)
    return ruleset


def _same_names(files: Sequence[RuleFile]) -> Iterator[Finding]:
    """A set is one directory: of two files with one name in it, one would be lost."""
    first: dict[str, RuleFile] = {}
    for file in files:
        other = first.setdefault(file.name, file)
        if other is not file:
            yield Finding(
                file.shown,
                0,
                Severity.ERROR,
                f"has the same name as {other.shown}, and in the published set both are {file.name}",
                "rename one",
            )


def _sha256(schema_file: Path | None) -> str:
    return hashlib.sha256(schema_file.read_bytes()).hexdigest() if schema_file else ""
