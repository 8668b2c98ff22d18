"""Which regular expressions a rule may use: those that RE2 takes and no other engine chokes on.

Vigil itself runs them with RE2, in time linear to the text. But the same rule file is also turned
into warehouse queries, and most of those engines backtrack: an unbounded repetition of something
that repeats or branches into the same beginning can take them hours on forty characters.
"""

from __future__ import annotations

from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from re import error as SreError  # noqa: N812 - an exception named like a function
from typing import Any

import re2

_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT)
_BOUNDED = 20
"""A repetition up to so often is harmless inside another."""


def fault_in(expression: str) -> tuple[str, str] | None:
    """What is wrong with a regular expression, as (reason, suggestion); None if nothing."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(expression, options)
    except re2.error as error:
        reason = error.args[0]
        text = reason.decode() if isinstance(reason, bytes) else str(reason)
        return (
            f"the regular expression is not valid in RE2 syntax: {text}",
            "lookaround and backreferences don't exist there; say it with several searches",
        )
    try:
        parsed = sre_parser.parse(expression)
    except (SreError, OverflowError, RecursionError):
        # RE2 knows a few things Python doesn't (\pN, \z); what RE2 takes is what counts.
        return None
    if _explodes(parsed, inside=False):
        return (
            (
                "the regular expression repeats something that itself repeats or branches, "
                "without bound: engines that backtrack take exponential time on it"
            ),
            "give the inner or outer repetition a small upper bound, or remove one",
        )
    return None


def _explodes(parsed: Any, *, inside: bool) -> bool:
    """Whether an unbounded repetition holds another, or alternatives that begin alike."""
    for operation, argument in parsed:
        if operation in _REPEATS:
            _, most, body = argument
            unbounded = most is sre.MAXREPEAT or most > _BOUNDED
            if unbounded and inside:
                return True
            if _explodes(body, inside=inside or unbounded):
                return True
        elif operation is sre.BRANCH:
            branches = argument[1]
            firsts = [str(branch[0]) if len(branch) else "" for branch in branches]
            if inside and len(set(firsts)) < len(firsts):
                return True
            if any(_explodes(branch, inside=inside) for branch in branches):
                return True
        elif operation is sre.SUBPATTERN and _explodes(argument[-1], inside=inside):
            return True
    return False
