"""Matches of ThreatExchange's Hasher-Matcher-Actioner: what `/m/lookup` and `/m/raw_lookup` answer.

In the envelope of `context`, as ``answer``, one of
- ``{"pdq": ["BANK", …], "video_md5": […]}``: banks by kind of hash (`/m/lookup` of a file),
- ``["BANK", …]``: banks for the envelope's `signal_type` (`/m/lookup` of a hash),
- ``{"matches": [{"content_id": 7, "distance": "12"}, …]}`` or ids alone (`/m/raw_lookup`), with the
  envelope's `signal_type` and the `bank` that was asked.
Format: facebook/ThreatExchange at 027742c, `hasher-matcher-actioner/…/blueprints/matching.py`.

A perceptual match is a `match`, however near. Only an equal cryptographic hash from a bank that the
dictionary calls vetted is `confirmed`, for that alone can suspend an account at once. A bank without
a category is refused: a bank somebody forgot to name must not be passed over. No hash is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streams.adapters.foreign import Foreign, missing, reader
from streams.adapters.incoming.context import Context, fields, identity
from streams.adapters.making import Given, Made, hits
from streams.signals import Reason, Refused

EXACT = frozenset({"md5", "sha1", "sha256", "video_md5"})
"""Kinds of hash that are equal or not; all others tell how near."""

_VERDICTS = ("match", "confirmed")  # by whether it is established


class _Lookup(Context, kw_only=True):
    answer: dict[str, Any] | list[str]
    signal_type: str | None = None
    bank: str | None = None


_read: Any = reader(_Lookup)


def adapt(foreign: Foreign, given: Given) -> list[Made]:
    """Return a hit per category and strength of match."""
    lookup: _Lookup = _read(foreign.value)
    found: dict[str, tuple[bool, str]] = {}
    for kind, bank in _matches(lookup):
        category = given.words.category(bank)
        if category is None:
            raise Refused(Reason.UNDECLARED_VALUE, ["bank"])
        fact = kind in EXACT and bank in given.words.vetted
        # One hit per category: what is established goes before what is near.
        found[category] = max(found.get(category, (False, "")), (fact, kind))
    common = fields(lookup, given)
    return [
        record
        for category, (fact, kind) in found.items()
        for record in hits(
            given,
            source_id=("hma", identity(lookup, foreign, given)),
            categories=[category],
            source="hash_match",
            verdict=_VERDICTS[fact],
            detector=given.ids.ref("detector", f"hma.{kind}"),
            **common,
        )
    ]


def _matches(lookup: _Lookup) -> Iterator[tuple[str, str]]:
    """Kind of hash and bank of each match."""
    answer = lookup.answer
    if isinstance(answer, list):
        if lookup.signal_type is None:
            raise missing("signal_type")
        yield from ((lookup.signal_type, bank) for bank in answer)
        return
    if "matches" in answer:
        if lookup.signal_type is None or lookup.bank is None:
            raise missing("signal_type" if lookup.signal_type is None else "bank")
        matches = answer["matches"]
        if not isinstance(matches, list):
            raise Refused(Reason.WRONG_TYPE, ["answer.matches"])
        if matches:
            yield lookup.signal_type, lookup.bank
        return
    for kind, banks in answer.items():
        if not isinstance(banks, list) or not all(isinstance(bank, str) for bank in banks):
            raise Refused(Reason.WRONG_TYPE, ["answer"])
        yield from ((kind, bank) for bank in banks)
