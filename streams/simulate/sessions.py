"""What one account does in one harmless session."""

from __future__ import annotations

import random
from bisect import bisect
from itertools import accumulate

from streams.simulate.alarms import Alarms
from streams.simulate.recorder import Recorder
from streams.simulate.world import Account, World

_TRY_AGAIN = 0.6  # after a refusal the prompt is reworded…
_REFUSED_AGAIN = 0.2  # …and refused once more
_FAILED_LOGIN = 0.05
_FAILED_AGAIN = 0.3
_FORGOTTEN = 0.1  # who failed more than once makes a new password: about twice a year
_CREDENTIALS_CHANGED = 0.0006
_PAYMENT_ADDED = 0.002
_AGE_SIGNAL = 0.001
_MAIN_DEVICE = 0.85
_AT_HOME = 0.6
_SMALL_MODEL = 0.4
_SHARED_ON = 0.25  # of uploads
_MADE_FROM = 0.1  # of uploads, a picture is made
_BUILDS = 0.1  # of a developer's sessions
_API_KEY = 0.01  # of the sessions of an account behind an API
_SAME_AGE = 0.7  # friends are mostly both young or both not

_FLOWS = ("text", "image", "video", "upload", "message")
_FLOW_WEIGHTS = tuple(accumulate((0.46, 0.25, 0.02, 0.09, 0.18)))
_MODELS = {
    "text": ("text-large-3", "text-small-3"),
    "image": ("image-xl-2", "image-fast-2"),
    "video": ("video-1", "video-1"),
}
_MEAN_STEPS = 5.0
_API_MEAN_STEPS = 25.0
_DATA_MEAN_STEPS = 20.0
_PAUSE_MS = 38_000
_API_PAUSE_MS = 2_500
_DATA_PAUSE_MS = 800
_END_USERS = 400  # of one account behind an API
_PEERS = 40  # people an account writes to


class Sessions:
    """Plays sessions of accounts of `world` into `recorder`."""

    def __init__(self, world: World, recorder: Recorder, source: random.Random) -> None:
        self._world = world
        self._recorder = recorder
        self._source = source
        self._draw = source.random
        self._alarms = Alarms(world, recorder, source)
        self._arrived: set[int] = set()

    def play(self, account: Account, at: int) -> None:
        """One session of the account, from `at` (ms after the recorder's begin)."""
        draw = self._draw
        say = self._recorder.activity
        device = account.devices[0 if draw() < _MAIN_DEVICE else -1]
        network = account.networks[0 if draw() < _AT_HOME else 1]
        place = f',"device":"{device}","network":"{network}"'
        if account.newcomer and account.number not in self._arrived:
            self._arrived.add(account.number)
            say(account.id, at, "account.created", place)
            at += 900 + int(draw() * 20_000)
        session = f',"session":"s{self._source.getrandbits(64):016x}"'
        if account.through_api:
            self._serve_end_users(account, at, place, session)
            return
        at = self._log_in(account, at, place)
        if account.payment and draw() < _PAYMENT_ADDED:
            pays = f'{place}{session},"payment":"{account.payment}"'
            say(account.id, at + 900, "payment.added", pays)
        if draw() < _AGE_SIGNAL:
            say(account.id, at + 950, "account.age_signal", f',"age_band":"{account.age_band}"')
        if account.developer and draw() < _BUILDS:
            self._build(account, at, place, session)
            return
        flow = _FLOWS[bisect(_FLOW_WEIGHTS, draw())]
        for _ in range(1 + int(self._source.expovariate(1 / _MEAN_STEPS))):
            at += 4_000 + int(self._source.expovariate(1 / _PAUSE_MS))
            if flow == "upload":
                at = self._upload(account, at, place, session)
            elif flow == "message":
                self._message(account, at, place, session)
            else:
                at = self._prompt(account, at, flow, place, session)

    def _log_in(self, account: Account, at: int, place: str) -> int:
        draw = self._draw
        say = self._recorder.activity
        failed = 0
        again = _FAILED_LOGIN
        while draw() < again:
            say(account.id, at, "login.failed", place)
            at += 2_000 + int(draw() * 9_000)
            failed += 1
            again = _FAILED_AGAIN
        if failed > 1 and draw() < _FORGOTTEN:
            at += 60_000
            say(account.id, at, "credentials.changed", place)
            at += 3_000
        say(account.id, at, "login.succeeded", place)
        if draw() < _CREDENTIALS_CHANGED:
            say(account.id, at + 800, "credentials.changed", place)
        return at

    def _prompt(self, account: Account, at: int, flow: str, place: str, session: str) -> int:
        draw = self._draw
        say = self._recorder.activity
        where = f'{place}{session},"model":"{_MODELS[flow][draw() < _SMALL_MODEL]}"'
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
        self._alarms.over(account, at, "output", place)
        return at

    def _upload(self, account: Account, at: int, place: str, session: str) -> int:
        place = f'{place},"content_ref":"c{self._source.getrandbits(96):024x}"'
        say = self._recorder.activity
        say(account.id, at, "upload.created", f',"surface":"upload"{place}{session}')
        self._alarms.over(account, at, "upload", place)
        if self._draw() < _SHARED_ON:
            at += 5_000 + int(self._draw() * 60_000)
            say(account.id, at, "content.shared", f"{place}{session}")
        if self._draw() < _MADE_FROM:
            at = self._prompt(account, at + 8_000, "image", place, session)
        return at

    def _message(self, account: Account, at: int, place: str, session: str) -> None:
        peer = self._peer(account)
        if peer.young != account.young and self._draw() < _SAME_AGE:
            peer = self._peer(account)
        ages = f',"age_band":"{account.age_band}","peer_age_band":"{peer.age_band}"'
        whom = f',"surface":"message"{place}{session},"peer":"{peer.id}"{ages}'
        self._recorder.activity(account.id, at, "message.sent", whom)
        self._alarms.over_message(account, peer, at, place)

    def _peer(self, account: Account) -> Account:
        step = 1 + int(self._draw() ** 2 * _PEERS)  # some peers are closer than others
        return self._world.account((account.number + step * step) % self._world.size)

    def _build(self, account: Account, at: int, place: str, session: str) -> None:
        """A data set is put together and a model is tuned with it."""
        say = self._recorder.activity
        data = f'{place},"dataset_ref":"b{self._source.getrandbits(96):024x}"'
        band = f',"age_band":"{account.age_band}"'
        say(account.id, at, "dataset.created", f"{data}{session}{band}")
        for _ in range(5 + int(self._source.expovariate(1 / _DATA_MEAN_STEPS))):
            at += 100 + int(self._source.expovariate(1 / _DATA_PAUSE_MS))
            item = f'{data},"content_ref":"c{self._source.getrandbits(96):024x}"'
            say(account.id, at, "upload.created", f',"surface":"training_dataset"{item}{session}')
            self._alarms.over(account, at, "training_dataset", item)
        tunes = f'{data}{session},"model":"image-xl-2"{band}'
        say(account.id, at + 30_000, "finetune.created", tunes)

    def _serve_end_users(self, account: Account, at: int, place: str, session: str) -> None:
        if self._draw() < _API_KEY and account.age_band != "minor":
            band = f',"age_band":"{account.age_band}"'
            self._recorder.activity(account.id, at, "api_key.created", f"{place}{session}{band}")
        for _ in range(1 + int(self._source.expovariate(1 / _API_MEAN_STEPS))):
            at += 200 + int(self._source.expovariate(1 / _API_PAUSE_MS))
            user = self._world.pseudonym("u", f"{account.number} {int(self._draw() * _END_USERS)}")
            served = f'{place},"end_user":"{user}"'
            at = self._prompt(account, at, "text", served, session)
