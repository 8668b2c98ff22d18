"""What a platform tells a partner: its opinion of the accounts it acted against.

One signal per account and category, of the decisions that take something from an account or warn
it. Whoever was ever protected (a suspected minor) or locked (perhaps the victim of a takeover) is
never told of, nor an end user's deeds as those of the customer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from streams.adapters.pseudonyms import Pseudonyms
from streams.recording import Record
from streams.sharing.shared import FORMAT, NEGATIVE, POSITIVE, SEED, Opinion, Shared
from streams.signals import Schema
from streams.signals.times import parse_ms
from streams.workbench.backtest.outcomes import Review
from streams.workbench.backtest.survey import Reviews

TOPICS = ("enforcement", "reviews")

TOLD = frozenset({"warn", "restrict", "suspend", "content.remove"})
SPARED = frozenset({"protect", "credentials.lock"})


class NotOurs(Exception):
    """A record on `enforcement` that Vigil can't have written."""


class _Decision(msgspec.Struct, gc=False):
    """What is needed of an enforcement record."""

    id: str
    account: str
    action: str
    harm: str
    at: str
    detections: tuple[str, ...] = ()
    end_user: str | None = None
    undoes: str | None = None


class Opinions:
    """What decisions and reviews come to. Grows with decisions, not with signals."""

    def __init__(self, schema: Schema, categories: Collection[str]) -> None:
        self._categories = categories
        self._reviews = Reviews(schema)
        self._decisions: dict[str, _Decision] = {}
        self._undone: set[str] = set()
        self._spared: set[str] = set()
        self._read = msgspec.json.Decoder(_Decision).decode

    def add(self, records: Iterable[Record]) -> None:
        """Note some records. Raises NotOurs."""
        records = list(records)
        self._reviews.note(records)
        for topic, _, value, _ in records:
            if topic != "enforcement" or value is None:
                continue
            decision = self._decision(value)
            if decision.undoes is not None:
                self._undone.add(decision.undoes)
            elif decision.action in SPARED:
                self._spared.add(decision.account)
            elif (
                decision.action in TOLD
                and decision.harm in self._categories
                and decision.end_user is None
            ):
                self._decisions[decision.id] = decision

    def told(self, partner: Pseudonyms) -> Iterator[Shared]:
        """The signals for one partner, ordered by their ids, which tell nothing."""
        together: dict[tuple[str, str], list[_Decision]] = {}
        for decision in self._decisions.values():
            if decision.account not in self._spared:
                together.setdefault((decision.account, decision.harm), []).append(decision)
        signals = [
            Shared(
                format=FORMAT,
                id=partner.made("shared", f"{account}\0{harm}"),
                account=partner.made("account", account),
                category=harm,
                opinion=self._opinion(decisions),
                day=max(decisions, key=lambda one: parse_ms(one.at)).at[:10],
            )
            for (account, harm), decisions in together.items()
        ]
        yield from sorted(signals, key=lambda one: one.id)

    def _decision(self, value: bytes) -> _Decision:
        try:
            return self._read(value)
        except msgspec.MsgspecError:
            pass
        # Out here, because the library's message may quote the record.
        raise NotOurs("a record of enforcement is not of the form Vigil writes (vigil tap --json)")

    def _opinion(self, decisions: Iterable[_Decision]) -> Opinion:
        standing = False
        for decision in decisions:
            upheld = _upheld(decision, self._reviews.latest)
            if decision.id in self._undone or upheld is False:
                continue
            if upheld:
                return POSITIVE
            standing = True
        return SEED if standing else NEGATIVE


def _upheld(decision: _Decision, reviews: Mapping[tuple[str, str], Review]) -> bool | None:
    """The latest word on a decision, by its own id or by that of a detection it rests on."""
    names = (decision.id, *decision.detections)
    said = [
        reviews[decision.account, name] for name in names if (decision.account, name) in reviews
    ]
    return max(said, key=lambda review: review.at).upheld if said else None
