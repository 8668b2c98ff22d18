"""What harmless acts set off: false alarms of classifiers, users' reports, and who looks at them."""

from __future__ import annotations

import random
from bisect import bisect
from itertools import accumulate

from streams.simulate.recorder import Recorder
from streams.simulate.world import OFTEN_REFUSED_RATE, Account, World

_FALSE_ALARM = 1 / 1_500
_OFTEN = 12
"""Share of harmless outputs, uploads and data a classifier suspects; for the accounts whose honest
work trips filters so many times as often."""
_MESSAGE_ALARM = 1 / 3_000
_REPORTED_MESSAGE = 1 / 3_000
"""Shares of harmless messages a classifier suspects, and a recipient reports."""
_REVIEWED = 0.3
_CHILD_SAFETY_REPORT_REVIEWED = 0.97
_UPHELD = 0.35
"""Share of reviews, of things that are no matter of child safety, that find a rule broken."""
_APPEALED = 0.15
_APPEAL_WON = 0.4
_REVIEWERS = 40

_SEEN = (
    *("spam", "policy_other", "violence", "hate", "fraud", "self_harm"),
    *("csam", "csem", "sexualisation_of_minor"),
)
_SEEN_WEIGHTS = tuple(accumulate((0.27, 0.17, 0.18, 0.12, 0.07, 0.06, 0.07, 0.02, 0.04)))
_WRITTEN = ("spam", "hate", "fraud", "self_harm", "grooming", "solicitation", "sextortion")
_WRITTEN_WEIGHTS = tuple(accumulate((0.58, 0.13, 0.12, 0.08, 0.04, 0.03, 0.02)))
_CHILD_SAFETY = frozenset((*_SEEN[-3:], *_WRITTEN[-3:]))


class Alarms:
    """Sets off alarms over what accounts of `world` do, into `recorder`.

    `about` is JSON text of the fields an alarm takes over from the act.
    """

    def __init__(self, world: World, recorder: Recorder, source: random.Random) -> None:
        self._world = world
        self._recorder = recorder
        self._source = source
        self._draw = source.random

    def over(self, account: Account, at: int, surface: str, about: str) -> None:
        """Perhaps a classifier suspects what was made or uploaded."""
        often = account.refusal_rate == OFTEN_REFUSED_RATE
        if self._draw() < (_FALSE_ALARM * _OFTEN if often else _FALSE_ALARM):
            category = _SEEN[bisect(_SEEN_WEIGHTS, self._draw())]
            self._suspects(account, at, surface, category, about)

    def over_message(self, account: Account, peer: Account, at: int, about: str) -> None:
        """Perhaps a classifier suspects a message, or its recipient reports it."""
        if self._draw() < _MESSAGE_ALARM:
            category = _WRITTEN[bisect(_WRITTEN_WEIGHTS, self._draw())]
            self._suspects(account, at, "message", category, about)
        if self._draw() < _REPORTED_MESSAGE:
            later = at + 60_000 + int(self._source.expovariate(1 / 3_600_000))
            self._recorder.activity(peer.id, later, "report.filed", f',"peer":"{account.id}"')
            category = _WRITTEN[bisect(_WRITTEN_WEIGHTS, self._draw())]
            says = f',"source":"user_report","reporter":"{peer.id}","surface":"message"{about}'
            reviewed = _CHILD_SAFETY_REPORT_REVIEWED if category in _CHILD_SAFETY else _REVIEWED
            self._suspect(account, (at, later + 500), category, says, reviewed)

    def _suspects(self, account: Account, at: int, surface: str, category: str, about: str) -> None:
        score = 0.5 + self._draw() * 0.35
        says = f',"source":"classifier","score":{score:.3f},"detector":"screen-{surface}-4"'
        times = (at, at + 400 + int(self._draw() * 2_500))
        self._suspect(account, times, category, f'{says},"surface":"{surface}"{about}', _REVIEWED)

    def _suspect(
        self, account: Account, times: tuple[int, int], category: str, says: str, reviewed: float
    ) -> None:
        act_at, at = times
        what = f',"verdict":"suspected","category":"{category}"{says}'
        self._recorder.hit(account.id, at, act_at, what)
        if self._draw() < reviewed:
            at += 600_000 + int(self._source.expovariate(1 / 5_400_000))
            self._look(account, at, category)

    def _look(self, account: Account, at: int, category: str) -> None:
        """A person looks, at a decision from before the simulated time; some appeal."""
        upheld = category not in _CHILD_SAFETY and self._draw() < _UPHELD
        decision = self._world.pseudonym("e", f"decision {self._source.getrandbits(64)}")
        self._review(account, at, decision, "first", upheld=upheld)
        if upheld and self._draw() < _APPEALED:
            at += int(self._source.expovariate(1 / 7_200_000))
            self._recorder.activity(account.id, at, "appeal.filed", "")
            at += 3_600_000 + int(self._source.expovariate(1 / 18_000_000))
            won = self._draw() < _APPEAL_WON
            self._review(account, at, decision, "appeal", upheld=not won)

    def _review(
        self, account: Account, at: int, decision: str, stage: str, *, upheld: bool
    ) -> None:
        reviewer = self._world.pseudonym("r", f"reviewer {int(self._draw() * _REVIEWERS)}")
        about = f',"decision":"{decision}","reviewer":"{reviewer}","stage":"{stage}"'
        outcome = "upheld" if upheld else "overturned"
        self._recorder.review(account.id, at, f'{about},"outcome":"{outcome}"')
