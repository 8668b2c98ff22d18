"""What a rule says of itself, for the person who judges what it found."""

from __future__ import annotations

import re

import msgspec

from streams.patterns import Pattern

_SECTION = re.compile(r"^(Why|Review|Thresholds):\s*", re.MULTILINE)


class About(msgspec.Struct):
    """`text` is its description where it has no such parts."""

    why: str = ""
    review: str = ""
    thresholds: str = ""
    text: str = ""
    falsepositives: tuple[str, ...] = ()


def about(pattern: Pattern | None) -> About:
    """What the rule file says; nothing without a pattern."""
    if pattern is None:
        return About()
    pieces = _SECTION.split(pattern.description)
    parts = {
        name.lower(): " ".join(text.split())
        for name, text in zip(pieces[1::2], pieces[2::2], strict=True)
    }
    return About(**parts, text=" ".join(pieces[0].split()), falsepositives=pattern.falsepositives)
