"""Where simulated records are kept until their minute comes."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator

from streams.signals.times import format_ms
from streams.simulate.lines import ACTIVITY, HITS, REVIEWS, Line, order_of
from streams.simulate.rhythm import MINUTE_MS

_SECONDS = tuple(f"{ms // 1000:02d}.{ms % 1000:03d}" for ms in range(MINUTE_MS))
_TO_THE_MINUTE = len("2026-01-05T00:00:")


class Recorder:
    """Takes records in any order and gives them back minute by minute.

    All times are ms after `begin`. What lies past the last minute is not recorded: the simulation
    ends there. `fields` is the rest of a record as JSON text: ``,"surface":"input"`` and so on;
    building text directly instead of encoding a dict is what makes 100 000 records a second.

    Args:
        begin: first minute, ms since the epoch, a multiple of a minute.
        minutes: how many.
        source: draws the ids of records.
    """

    def __init__(self, begin: int, minutes: int, source: random.Random) -> None:
        self.minutes = minutes
        self.made = 0
        """Records taken so far."""
        self._begin = begin
        self._source = source
        self._buckets: defaultdict[int, list[Line]] = defaultdict(list)
        self._stamps = [
            format_ms(begin + minute * MINUTE_MS)[:_TO_THE_MINUTE] for minute in range(minutes)
        ]

    def activity(self, account: str, at: int, kind: str, fields: str) -> None:
        """Record that the account did something of `kind`."""
        self._add(ACTIVITY, account, at, f',"kind":"{kind}"{fields}')

    def hit(self, account: str, at: int, act_at: int, fields: str) -> None:
        """Record that moderation judged at `at` what the account did at `act_at` ≤ `at`."""
        if at < self.minutes * MINUTE_MS:
            self._add(HITS, account, at, f',"act_at":"{self._text(act_at)}"{fields}')

    def review(self, account: str, at: int, fields: str) -> None:
        """Record that a person looked at a decision about the account."""
        self._add(REVIEWS, account, at, fields)

    def so_far(self) -> Iterator[Line]:
        """Go through what was recorded and not yet taken, in no order."""
        for lines in self._buckets.values():
            yield from lines

    def take(self, minute: int) -> list[Line]:
        """Return what was recorded for that minute, in no order, and forget it."""
        return self._buckets.pop(minute, [])

    def _text(self, at: int) -> str:
        minute, ms = divmod(at, MINUTE_MS)
        return f"{self._stamps[minute]}{_SECONDS[ms]}Z"

    def _add(self, topic: str, account: str, at: int, fields: str) -> None:
        minute, ms = divmod(at, MINUTE_MS)
        if minute >= self.minutes:
            return
        self.made += 1
        number = self._source.getrandbits(80)
        when = f"{self._stamps[minute]}{_SECONDS[ms]}Z"
        self._buckets[minute].append(
            (
                order_of(topic, self._begin + at),
                topic,
                account,
                f'{{"id":"{number:020x}","account":"{account}","at":"{when}"{fields}}}',
            )
        )
