"""What a partner says becomes a hit, which by itself leads to a look and to nothing else.

The hit is a `trusted_flagger`'s who suspects (never `confirmed`, never a `hash_match`: those
establish facts), and its score is below what any shipped pattern acts upon (`shared.SCORES`).
It names no surface, content, device or end user. So it can't fill a window that something is done
upon, and neither can a thousand of them. What remains is that reported harm to a child is looked at
within a day. An opinion that is negative says nothing: nobody is cleared by a partner either.

A signal about somebody who isn't here is dropped, and leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from streams.adapters.foreign import Foreign, moment, reader
from streams.adapters.making import Given, Incoming, Made, hits
from streams.adapters.pseudonyms import Pseudonyms
from streams.sharing.shared import SCORES, Shared

_read: Any = reader(Shared)


def known(accounts: Iterable[str], partner: Pseudonyms) -> Mapping[str, str]:
    """Our accounts by their pseudonyms between us and the partner."""
    return {partner.made("account", account): account for account in accounts}


def incoming(name: str, ours: Mapping[str, str]) -> Incoming:
    """The adapter for signals of a partner called `name`, about our accounts."""

    def adapt(foreign: Foreign, given: Given) -> list[Made]:
        signal: Shared = _read(foreign.value)
        at = moment(f"{signal.day}T00:00:00Z", "day")
        account = ours.get(signal.account)
        score = SCORES.get(signal.opinion)
        if account is None or score is None:
            return []
        return hits(
            given,
            source_id=(f"shared.{name}", given.ids.made("event", f"{name}\0{signal.id}")),
            account=account,
            at=at,
            categories=[signal.category],
            source="trusted_flagger",
            verdict="suspected",
            score=score,
        )

    return adapt
