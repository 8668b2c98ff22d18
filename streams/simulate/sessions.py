"""What one account does in one harmless session, and the false alarms it may set off."""

from __future__ import annotations

import random
from bisect import bisect
from itertools import accumulate

from streams.simulate.recorder import Recorder
from streams.simulate.world import OFTEN_REFUSED_RATE, Account, World

_FALSE_ALARM = 1 / 1_500
_OFTEN = 12
"""Share of harmless outputs and uploads a classifier suspects; for the accounts whose honest work
trips filters so many times as often."""
_FLAGGED_MESSAGE = 1 / 3_000
"""Share of harmless messages a recipient reports."""
_REVIEWED = 0.3
_TRY_AGAIN = 0.6  # after a refusal the prompt is reworded…
_REFUSED_AGAIN = 0.2  # …and refused once more
_FAILED_LOGIN = 0.05
_PAYMENT_ADDED = 0.002
_AGE_SIGNAL = 0.001
_MAIN_DEVICE = 0.85
_AT_HOME = 0.6
_SMALL_MODEL = 0.4
_SHARED_ON = 0.25  # of uploads

_FLOWS = ("text", "image", "upload", "message")
_FLOW_WEIGHTS = tuple(accumulate((0.46, 0.27, 0.09, 0.18)))
_MODELS = {"text": ("text-large-3", "text-small-3"), "image": ("image-xl-2", "image-fast-2")}
_MEAN_STEPS = 5.0
_API_MEAN_STEPS = 25.0
_PAUSE_MS = 38_000
_API_PAUSE_MS = 2_500
_END_USERS = 400  # of one account behind an API
_PEERS = 40  # people an account writes to
_REVIEWERS = 40

_CATEGORIES = (
    "spam",
    "policy_other",
    "violence",
    "hate",
    "fraud",
    "self_harm",
    "csam",
    "csem",
    "sexualisation_of_minor",
)
_CATEGORY_WEIGHTS = tuple(accumulate((0.27, 0.17, 0.18, 0.12, 0.07, 0.06, 0.07, 0.02, 0.04)))


class Sessions:
    """Plays sessions of accounts of `world` into `recorder`."""

    def __init__(self, world: World, recorder: Recorder, source: random.Random) -> None:
        self._world = world
        self._recorder = recorder
        self._source = source
        self._draw = source.random
        self._arrived: set[int] = set()

    def play(self, account: Account, at: int) -> None:
        """One session of the account, from `at` (ms after the recorder's begin)."""
        draw = self._draw
        say = self._recorder.activity
        if account.newcomer and account.number not in self._arrived:
            self._arrived.add(account.number)
            say(account.id, at, "account.created", "")
            at += 900 + int(draw() * 20_000)
        device = account.devices[0 if draw() < _MAIN_DEVICE else -1]
        network = account.networks[0 if draw() < _AT_HOME else 1]
        place = f',"device":"{device}","network":"{network}"'
        where = f'{place},"session":"s{self._source.getrandbits(64):016x}"'
        if account.through_api:
            self._serve_end_users(account, at, where)
            return
        if draw() < _FAILED_LOGIN:
            say(account.id, at, "login.failed", place)
            at += 2_000 + int(draw() * 9_000)
        say(account.id, at, "login.succeeded", place)
        if account.payment and draw() < _PAYMENT_ADDED:
            say(account.id, at + 900, "payment.added", f'{where},"payment":"{account.payment}"')
        if draw() < _AGE_SIGNAL:
            say(account.id, at + 950, "account.age_signal", f',"age_band":"{account.age_band}"')
        flow = _FLOWS[bisect(_FLOW_WEIGHTS, draw())]
        for _ in range(1 + int(self._source.expovariate(1 / _MEAN_STEPS))):
            at += 4_000 + int(self._source.expovariate(1 / _PAUSE_MS))
            if flow == "upload":
                at = self._upload(account, at, where)
            elif flow == "message":
                self._message(account, at, where)
            else:
                at = self._prompt(account, at, flow, where)

    def _prompt(self, account: Account, at: int, flow: str, where: str) -> int:
        draw = self._draw
        say = self._recorder.activity
        where = f'{where},"model":"{_MODELS[flow][draw() < _SMALL_MODEL]}"'
        into = f',"surface":"input"{where}'
        say(account.id, at, "prompt.submitted", into)
        refused = draw() < account.refusal_rate
        while refused:
            at += 300 + int(draw() * 700)
            say(account.id, at, "prompt.refused", into)
            if draw() > _TRY_AGAIN:
                return at
            at += 9_000 + int(draw() * 40_000)
            say(account.id, at, "prompt.submitted", into)
            refused = draw() < _REFUSED_AGAIN
        at += 700 + int(draw() * 6_000)
        say(account.id, at, f"{flow}.generated", f',"surface":"output"{where}')
        if draw() < self._false_alarm_rate(account):
            self._false_alarm(account, at, "output", "")
        return at

    def _upload(self, account: Account, at: int, where: str) -> int:
        content = f',"content_ref":"c{self._source.getrandbits(96):024x}"'
        say = self._recorder.activity
        say(account.id, at, "upload.created", f',"surface":"upload"{where}{content}')
        if self._draw() < self._false_alarm_rate(account):
            self._false_alarm(account, at, "upload", content)
        if self._draw() < _SHARED_ON:
            at += 5_000 + int(self._draw() * 60_000)
            say(account.id, at, "content.shared", f"{where}{content}")
        return at

    def _message(self, account: Account, at: int, where: str) -> None:
        step = 1 + int(self._draw() ** 2 * _PEERS)  # some peers are closer than others
        peer = self._world.account((account.number + step * step) % self._world.size).id
        say = self._recorder.activity
        say(account.id, at, "message.sent", f',"surface":"message"{where},"peer":"{peer}"')
        if self._draw() < _FLAGGED_MESSAGE:
            about = f',"source":"user_report","category":"spam","reporter":"{peer}"'
            later = at + 60_000 + int(self._source.expovariate(1 / 3_600_000))
            self._suspect(account, at, later, f'{about},"surface":"message"')

    def _serve_end_users(self, account: Account, at: int, where: str) -> None:
        for _ in range(1 + int(self._source.expovariate(1 / _API_MEAN_STEPS))):
            at += 200 + int(self._source.expovariate(1 / _API_PAUSE_MS))
            user = self._world.pseudonym("u", f"{account.number} {int(self._draw() * _END_USERS)}")
            at = self._prompt(account, at, "text", f'{where},"end_user":"{user}"')

    def _false_alarm_rate(self, account: Account) -> float:
        often = account.refusal_rate == OFTEN_REFUSED_RATE
        return _FALSE_ALARM * _OFTEN if often else _FALSE_ALARM

    def _false_alarm(self, account: Account, at: int, surface: str, content: str) -> None:
        category = _CATEGORIES[bisect(_CATEGORY_WEIGHTS, self._draw())]
        score = 0.5 + self._draw() * 0.35
        about = f',"source":"classifier","category":"{category}","score":{score:.3f}'
        where = f',"surface":"{surface}","detector":"screen-{surface}-4"{content}'
        self._suspect(account, at, at + 400 + int(self._draw() * 2_500), about + where)

    def _suspect(self, account: Account, act_at: int, at: int, about: str) -> None:
        self._recorder.hit(account.id, at, act_at, f',"verdict":"suspected"{about}')
        if self._draw() < _REVIEWED:
            self._overturn(account, at + 600_000 + int(self._source.expovariate(1 / 5_400_000)))

    def _overturn(self, account: Account, at: int) -> None:
        """A person looked and found nothing, at a decision from before the simulated time."""
        decision = self._world.pseudonym("e", f"decision {self._source.getrandbits(64)}")
        reviewer = self._world.pseudonym("r", f"reviewer {int(self._draw() * _REVIEWERS)}")
        about = f',"decision":"{decision}","reviewer":"{reviewer}"'
        self._recorder.review(account.id, at, f'{about},"stage":"first","outcome":"overturned"')
