"""One abusive account at work: what a campaign may have it do, and a note of each abusive act."""

from __future__ import annotations

import random
from dataclasses import dataclass

from streams.simulate.recorder import Recorder
from streams.simulate.world import Account

REFUSED = "refused"
SUSPECTED = "suspected"
CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Act:
    """Something a campaign did that a pattern may count: when (ms), what, on which surface."""

    at: int
    what: str
    surface: str


class Stage:
    """Records what one account does for a campaign. Times are ms after the recorder's begin."""

    def __init__(self, account: Account, recorder: Recorder, source: random.Random) -> None:
        self.account = account
        self.source = source
        self.acts: list[Act] = []
        """What patterns may count, at the time they count it."""
        self.started: int | None = None
        """When the first of it was done; a verdict comes later than what it judges."""
        self._recorder = recorder
        self._where = (
            f',"device":"{account.devices[0]}","network":"{account.networks[0]}"'
            f',"session":"s{source.getrandbits(64):016x}"'
        )

    def pause(self, typical_ms: float) -> int:
        """Draw a pause between a half and one and a half times the typical one, ≥ 1 ms."""
        return max(1, int(typical_ms * (0.5 + self.source.random())))

    def refused(self, at: int) -> int:
        """Submit a prompt that is refused; return when it was."""
        self._start(at)
        into = f',"surface":"input"{self._where},"model":"image-xl-2"'
        self._recorder.activity(self.account.id, at, "prompt.submitted", into)
        at += 300 + int(self.source.random() * 700)
        self._recorder.activity(self.account.id, at, "prompt.refused", into)
        self.acts.append(Act(at, REFUSED, "input"))
        return at

    def generated(self, at: int) -> int:
        """Submit a prompt that goes through; return when its output was there."""
        model = f'{self._where},"model":"image-xl-2"'
        say = self._recorder.activity
        say(self.account.id, at, "prompt.submitted", f',"surface":"input"{model}')
        at += 2_000 + int(self.source.random() * 5_000)
        say(self.account.id, at, "image.generated", f',"surface":"output"{model}')
        return at

    def suspected(self, at: int, surface: str = "output") -> int:
        """Do something on the surface that a classifier suspects; return when it said so."""
        self._start(at)
        at = self._use(at, surface)
        judged = at + 500 + int(self.source.random() * 2_500)
        score = 0.62 + self.source.random() * 0.33
        how = f',"verdict":"suspected","source":"classifier","category":"csam","score":{score:.3f}'
        where = f',"surface":"{surface}","detector":"screen-{surface}-4"'
        self._recorder.hit(self.account.id, judged, at, how + where)
        self.acts.append(Act(judged, SUSPECTED, surface))
        return judged

    def confirmed(self, at: int) -> int:
        """Upload something a vetted list knows exactly; return when the match was reported."""
        self._start(at)
        content = f',"content_ref":"c{self.source.getrandbits(96):024x}"'
        at = self._use(at, "upload", content)
        judged = at + 400 + int(self.source.random() * 1_500)
        how = ',"verdict":"confirmed","source":"hash_match","category":"csam"'
        where = f',"surface":"upload","detector":"exact-list-1"{content}'
        self._recorder.hit(self.account.id, judged, at, how + where)
        self.acts.append(Act(judged, CONFIRMED, "upload"))
        return judged

    def _start(self, at: int) -> None:
        self.started = at if self.started is None else min(at, self.started)

    def _use(self, at: int, surface: str, content: str = "") -> int:
        if surface == "output":
            return self.generated(at)
        say = self._recorder.activity
        here = f',"surface":"{surface}"{self._where}{content}'
        if surface == "upload":
            say(self.account.id, at, "upload.created", here)
        elif surface == "message":
            peer = f"a{self.source.getrandbits(96):024x}"
            say(self.account.id, at, "message.sent", f'{here},"peer":"{peer}"')
        else:
            say(self.account.id, at, "prompt.submitted", here)
        return at
