"""Filing one report, so that it is filed once, however often something fails or is killed.

1. Submit the report, and note its number.
2. Upload each file and describe it.
3. Note that it is about to be finished.
4. Finish it, and note that it is filed.

What is in doubt before 3 is left (and retracted there, or it vanishes by itself) and begun anew: an
unfinished report reaches nobody. What is in doubt after 3 is asked to be finished again: the server
says whether it was. If it knows nothing of it then, a person has to look before it is filed anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from streams.filing.journal import Journal, Step
from streams.filing.wire import (
    ALREADY_FINISHED,
    ALREADY_RETRACTED,
    NO_SUCH_REPORT,
    Busy,
    FilingError,
    NoAnswer,
    Refused,
    Wire,
)
from streams.reporting.cybertip import Reporter, file_xml, report_xml
from streams.reporting.report import Report

TRIES = 6
_FIRST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 60.0

T = TypeVar("T")
Pause = Callable[[float], Awaitable[None]]


class Unclear(FilingError):
    """Nobody here can know whether it was filed: a person has to look."""


class MediaMissing(FilingError):
    """Files of a report aren't there; nothing was begun."""


class Filer(NamedTuple):
    """Files reports over a wire. `media` holds the files by reference; None files without any."""

    wire: Wire
    journal: Journal
    reporter: Reporter
    media: Path | None
    pause: Pause

    async def file(self, report: Report, *, anew: bool = False) -> int:
        """File a confirmed report; its number. One that is filed stays so, and nothing is sent.

        `anew`: a person has looked, and what was about to be finished is not there.
        Raises `FilingError`.
        """
        entry = self.journal.of(report.id)
        if entry is not None and entry.step in (Step.FILED, Step.RETRACTED):
            return entry.number
        if entry is not None and entry.step is Step.FINISHING and not anew:
            return await self._finish(report, entry.number)
        if entry is not None and entry.step is not Step.LEFT:
            await self._leave(report, entry.number)
        self._insist_on_media(report)
        number = await self._prepared(report)
        self.journal.note(report.id, Step.FINISHING, number)
        return await self._finish(report, number)

    async def retract(self, report: Report) -> int | None:
        """Take back what was filed, or may have been; None if nothing was. Raises `FilingError`."""
        entry = self.journal.of(report.id)
        if entry is None or entry.step is Step.LEFT:
            return None
        if entry.step is not Step.RETRACTED:
            try:
                await self._again(lambda: self.wire.retract(entry.number), NoAnswer)
            except Refused as refused:
                if refused.code not in (ALREADY_RETRACTED, NO_SUCH_REPORT):
                    raise
            self.journal.note(report.id, Step.RETRACTED, entry.number)
        return entry.number

    async def _prepared(self, report: Report) -> int:
        """Submitted, with all files: the number."""
        document = report_xml(report.draft, self.reporter)
        for attempt in range(TRIES):
            number = None
            try:
                number = await self._again(lambda: self.wire.submit(document))
                self.journal.note(report.id, Step.BEGUN, number)
                await self._add_files(report, number)
            except NoAnswer:
                if number is not None:
                    await self._leave(report, number)
                if attempt == TRIES - 1:
                    raise
                await self.pause(_pause(attempt))
            else:
                return number
        raise AssertionError("the last attempt returns or raises")

    async def _add_files(self, report: Report, number: int) -> None:
        if self.media is None:
            return
        for file in report.draft.files:
            path = self.media / file.file_name
            id_ = await self._again(lambda: self.wire.upload(number, file.file_name, path))  # noqa: B023 - awaited here
            await self._again(lambda: self.wire.describe(file_xml(file, number, id_)))  # noqa: B023 - same

    async def _finish(self, report: Report, number: int) -> int:
        try:
            await self._again(lambda: self.wire.finish(number), NoAnswer)
        except Refused as refused:
            if refused.code == NO_SUCH_REPORT:
                raise Unclear(
                    f"report {report.id} was about to be finished as {number}, and there is no such"
                    " report now. Look it up with the CyberTipline; if it is not there, file it"
                    " with --anew"
                ) from None
            if refused.code != ALREADY_FINISHED:
                raise
        self.journal.note(report.id, Step.FILED, number)
        return number

    async def _leave(self, report: Report, number: int) -> None:
        """What is half-finished will not be finished. If it isn't retracted, it vanishes."""
        try:
            await self.wire.retract(number)
        except Refused as refused:
            if refused.access:
                raise
        except FilingError:
            pass
        self.journal.note(report.id, Step.LEFT, number)

    async def _again(self, ask: Callable[[], Awaitable[T]], also: type[FilingError] = Busy) -> T:
        """Ask until it is taken, or not at all; only what may be asked twice."""
        for attempt in range(TRIES):
            try:
                return await ask()
            except (Busy, also) as error:
                if attempt == TRIES - 1:
                    raise
                after = error.after_s if isinstance(error, Busy) else None
                await self.pause(after if after is not None else _pause(attempt))
        raise AssertionError("the last attempt returns or raises")

    def _insist_on_media(self, report: Report) -> None:
        if self.media is None:
            return
        names = [file.file_name for file in report.draft.files]
        missing = [name for name in names if not (self.media / name).is_file()]
        if missing:
            raise MediaMissing(
                f"report {report.id}: {self.media} has no file {', '.join(missing)}."
                " Nothing was filed"
            )


def _pause(attempt: int) -> float:
    return min(_FIRST_PAUSE_S * (1 << attempt), _LONGEST_PAUSE_S)
