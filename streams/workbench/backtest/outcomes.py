"""What reviewers said of finds, as far as the recording knows.

A review speaks of a find when its `decision` is the id of the detection or of what was done about
it, on either side: of a pair both then have the outcome. A review of a decision neither side made
(of an older rule set, or from another system) speaks of its account: of the finds without a word of
their own in the 30 days before it. Of several words the latest counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from streams.agents.precision import wilson
from streams.workbench.backtest.finds import Find, Finds
from streams.workbench.backtest.pairing import Pairs

UPHELD, OVERTURNED = "upheld", "overturned"
ACCOUNT_REACH_MS = 30 * 86_400_000


class Review(NamedTuple):
    """An upheld or overturned decision; `at` is ms since the epoch."""

    account: str
    decision: str
    upheld: bool
    at: int


class Known(NamedTuple):
    """The outcome of a find, and whether it is only that of its account."""

    upheld: bool
    by_account: bool


class Precision(msgspec.Struct):
    """How many finds with an outcome were upheld; `by_account` of them only by their account's."""

    upheld: int = 0
    overturned: int = 0
    by_account: int = 0

    def count(self, known: Known) -> None:
        """One find more."""
        if known.upheld:
            self.upheld += 1
        else:
            self.overturned += 1
        self.by_account += known.by_account

    @property
    def n(self) -> int:
        """Finds with an outcome."""
        return self.upheld + self.overturned

    @property
    def share(self) -> float:
        """The share upheld; there must be one at least."""
        return self.upheld / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Where the true share lies with 95 % confidence."""
        return wilson(self.upheld, self.overturned)


def known_outcomes(
    reviews: Iterable[Review], old: Finds, new: Finds, pairs: Pairs
) -> tuple[Mapping[str, Known], Mapping[str, Known]]:
    """Outcomes by detection id, for the old and the new side."""
    direct: tuple[dict[str, Known], dict[str, Known]] = ({}, {})
    of_account: dict[str, list[Review]] = {}
    for review in sorted(reviews, key=lambda review: review.at):
        spoken = False
        for known, finds in zip(direct, (old, new), strict=True):
            find = finds.by_id.get(finds.decisions.get(review.decision, review.decision))
            if find is not None and find.account == review.account:
                known[find.id] = Known(review.upheld, by_account=False)
                spoken = True
        if not spoken:
            of_account.setdefault(review.account, []).append(review)
    for before, after in pairs.both:
        for one, other, known, others in (
            (before, after, direct[0], direct[1]),
            (after, before, direct[1], direct[0]),
        ):
            if one.id not in known and other.id in others:
                known[one.id] = others[other.id]
    for known, finds in zip(direct, (old, new), strict=True):
        for find in finds.by_id.values():
            if find.id not in known:
                word = _of_account(find, of_account.get(find.account, ()))
                if word is not None:
                    known[find.id] = Known(word.upheld, by_account=True)
    return direct


def _of_account(find: Find, reviews: Iterable[Review]) -> Review | None:
    """The latest of an account's reviews, given in the order of time, that may mean the find."""
    meant = [review for review in reviews if 0 <= review.at - find.at <= ACCOUNT_REACH_MS]
    return meant[-1] if meant else None
