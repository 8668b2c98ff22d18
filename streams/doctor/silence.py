"""What used to come and no longer does, and which patterns are blind without it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from streams.doctor.finding import Finding, Severity
from streams.doctor.sample import Seen
from streams.patterns import Pattern
from streams.patterns.blindness import hangs_on
from streams.signals.records import SOURCES, SURFACES

HITS = "moderation-hits"

_LEAST = 10
"""Records below which nothing is known of how often they come."""
_GAPS = 20
"""Times the mean distance of records from which on their absence is told. Our own figure."""
_HOUR_MS = 3_600_000


class _Hit(msgspec.Struct):
    source: str = ""
    surface: str = ""


_hit = msgspec.json.Decoder(_Hit).decode


def topics(
    sample: Iterable[Seen], patterns: Collection[Pattern], *, now_ms: int, prefix: str
) -> Iterator[Finding]:
    """Topics on which nothing has come for far longer than usual."""
    times: dict[str, list[int]] = defaultdict(list)
    for seen in sample:
        times[seen.topic].append(seen.timestamp)
    for topic, told in _silent(times, now_ms).items():
        name = topic.removeprefix(prefix)
        blind = [one for one in patterns if any(s.topic == name for s in one.searches)]
        yield _finding(topic, f"no record {told}", blind, "VigilSourceSilent")


def detectors(
    hits: Iterable[Seen], patterns: Collection[Pattern], *, now_ms: int, prefix: str
) -> Iterator[Finding]:
    """Sources and surfaces of hits that have fallen silent; `hits` have their values."""
    by_source: dict[str, list[int]] = defaultdict(list)
    by_surface: dict[str, list[int]] = defaultdict(list)
    for seen in hits:
        try:
            hit = _hit(seen.value or b"{}")
        except (msgspec.MsgspecError, UnicodeError):
            continue
        by_source[hit.source].append(seen.timestamp)
        by_surface[hit.surface].append(seen.timestamp)
    for field, times, values in (("source", by_source, SOURCES), ("surface", by_surface, SURFACES)):
        for value, told in _silent(times, now_ms).items():
            # Closed lists: whoever can write there could write anything.
            if value in values:
                blind = [one for one in patterns if value in hangs_on(one, HITS, field, values)]
                problem = f"no hit of {field} {value} {told}"
                yield _finding(prefix + HITS, problem, blind, "VigilDetectorSilent")


def _silent(times: Mapping[str, Sequence[int]], now_ms: int) -> dict[str, str]:
    """Of what has been silent for too long, for how long, in words."""
    found = {}
    for name, seen in times.items():
        if len(seen) >= _LEAST:
            usual = (max(seen) - min(seen)) / (len(seen) - 1)
            silent = now_ms - max(seen)
            if silent > max(_HOUR_MS, _GAPS * usual):
                found[name] = (
                    f"for {silent / _HOUR_MS:.1f} h, of the newest one came every"
                    f" {usual / 1000:.0f} s"
                )
    return found


def _finding(topic: str, problem: str, blind: Collection[Pattern], runbook: str) -> Finding:
    titles = ", ".join(sorted(pattern.title for pattern in blind)) or "no pattern"
    return Finding(
        Severity.WARNING,
        topic,
        f"{problem}; blind without: {titles}",
        f"Ask whoever writes it, unless it is usual at this hour: docs/runbooks/{runbook}.md",
    )
