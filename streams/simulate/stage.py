"""The accounts of a campaign or a persona at work: what they may be made to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from streams.simulate.rhythm import MINUTE_MS
from streams.simulate.scene import Scene
from streams.simulate.world import Account

_HOPS = ("upload", "message", "output", "input")
NOTHING: Mapping[str, str] = MappingProxyType({})
_UPLOADED = ("upload", "training_dataset", "finetune_upload")


class Stage:
    """Records what one actor does, with one account or, in turn, with several.

    Times are ms after the recorder's begin; what takes time returns when it was done.

    Args:
        number: which of the instance's actors this is, from 0.
        hop: whatever is judged happens on one surface after the other.
    """

    def __init__(
        self, scene: Scene, accounts: Sequence[Account], number: int = 0, *, hop: bool = False
    ) -> None:
        self.scene = scene
        self.accounts = tuple(accounts)
        self.number = number
        self.started: int | None = None
        """When the first abusive thing was done; a verdict comes later than what it judges."""
        self.ended = 0
        """When the last of it was done or judged."""
        self._recorder = scene.recorder
        self._source = scene.source
        self._hop = hop
        self._hits = 0
        self._turn = 0
        self._sessions = [f"s{self._source.getrandbits(64):016x}" for _ in self.accounts]

    @property
    def account(self) -> Account:
        """The account whose turn it is; after each abusive act it is the next one's."""
        return self.accounts[self._turn]

    def extra(self) -> Stage:
        """Return the stage of a stranger who acts along without being what it is about."""
        account = self.scene.stranger()
        self.scene.aside.append(account.id)
        return Stage(self.scene, (account,))

    def pause(self, typical_ms: float) -> int:
        """Draw a pause between a half and one and a half times the typical one, ≥ 1 ms."""
        return max(1, int(typical_ms * (0.5 + self._source.random())))

    def some(self, least: int, most: int) -> int:
        """Draw a number, both ends included."""
        return self._source.randint(least, most)

    def content(self) -> str:
        """Draw a content reference that nobody else has."""
        return f"c{self._source.getrandbits(96):024x}"

    def somebody(self) -> str:
        """Draw the id of an account that lives here."""
        return self.scene.world.account(self._source.randrange(self.scene.world.size)).id

    def arrives(self, at: int, **fields: str) -> int:
        """Make the accounts: an `account.created` each."""
        for account in self.accounts:
            here = f"{_place(account, fields)}{_text(fields)}"
            self._recorder.activity(account.id, at, "account.created", here)
            at += 900 + int(self._source.random() * 8_000)
        return at

    def does(self, at: int, kind: str, **fields: str) -> int:
        """Something anybody may do. `device` and `network` are its own unless given."""
        where = "" if "session" in fields else f',"session":"{self._sessions[self._turn]}"'
        here = f"{_place(self.account, fields)}{where}{_text(fields)}"
        self._recorder.activity(self.account.id, at, kind, here)
        return at

    def abuses(self, at: int, kind: str, **fields: str) -> int:
        """Something that is part of the abuse."""
        self.does(at, kind, **fields)
        self._note(at, at)
        return at

    def refused(self, at: int, **fields: str) -> int:
        """Submit a prompt that is refused."""
        into = {"surface": "input", "model": "image-xl-2", **fields}
        self.does(at, "prompt.submitted", **into)
        later = at + 300 + int(self._source.random() * 700)
        self.does(later, "prompt.refused", **into)
        self._note(at, later)
        return later

    def generated(self, at: int, kind: str = "image.generated", **fields: str) -> int:
        """Submit a prompt that goes through."""
        model = {"model": "video-1" if kind == "video.generated" else "image-xl-2", **fields}
        self.does(at, "prompt.submitted", surface="input", **model)
        at += 2_000 + int(self._source.random() * 5_000)
        return self.does(at, kind, surface="output", **model)

    def judged(
        self,
        at: int,
        surface: str = "output",
        *,
        category: str = "csam",
        source: str = "classifier",
        verdict: str = "suspected",
        score: float | None = None,
        detector: str | None = None,
        reporter: str | None = None,
        about: Mapping[str, str] = NOTHING,
    ) -> int:
        """Do something on a surface that moderation then judges; returns when it did.

        A classifier's score is drawn from 0.62 to 0.95 and its name follows from the surface unless
        they are given; a report is by whoever the message went to. `about` are fields of the act
        and of the hit.
        """
        if self._hop:
            surface = _HOPS[self._hits % len(_HOPS)]
        self._hits += 1
        if surface in _UPLOADED:
            about = {"content_ref": self.content(), **about}
        if source == "user_report":
            reporter = reporter or self.somebody()
        done = self._use(at, surface, about, reporter)
        judged = done + 500 + int(self._source.random() * 2_500)
        said = {"source": source, "verdict": verdict, "category": category, "surface": surface}
        if source == "classifier":
            detector = detector or f"screen-{surface}-4"
        elif source == "hash_match":
            detector = "exact-list-1" if verdict == "confirmed" else "near-list-2"
        said |= {"detector": detector} if detector else {}
        said |= {"reporter": reporter} if reporter else {}
        how = _text({**said, **about}) + _place(self.account, about)
        if source == "classifier":
            how += f',"score":{0.62 + self._source.random() * 0.33 if score is None else score:.3f}'
        self._recorder.hit(self.account.id, judged, done, how)
        self._note(at, judged)
        return judged

    def reported(self, at: int, by: Stage, category: str, **place: str) -> int:
        """Somebody reports the account, whatever it did; returns when moderation has the report."""
        by.does(at, "report.filed", peer=self.account.id, **place)
        said = {"source": "user_report", "verdict": "suspected", "category": category}
        about = {**said, "surface": "message", "reporter": by.account.id}
        self._recorder.hit(self.account.id, at + 500, at - MINUTE_MS, _text(about))
        self._note(at, at + 500)
        return at + 500

    def confirmed(self, at: int, *, about: Mapping[str, str] = NOTHING) -> int:
        """Upload something a vetted list knows exactly."""
        return self.judged(at, "upload", source="hash_match", verdict="confirmed", about=about)

    def reviewed(self, at: int, outcome: str, stage: str = "first") -> int:
        """A person looks at something the account did before."""
        decision = self.scene.ours("e", f"{self.account.id} {at}")
        reviewer = self.scene.world.pseudonym("r", f"reviewer {self._source.randrange(40)}")
        about = {"decision": decision, "reviewer": reviewer, "stage": stage, "outcome": outcome}
        self._recorder.review(self.account.id, at, _text(about))
        return at

    def lives(self, begin: int, end: int, records: int) -> None:
        """Harmless sessions of each account within a time, together so many records or a few more."""
        for account in self.accounts:
            known = replace(account, newcomer=False)  # it has arrived, or never is seen to
            goal = self._recorder.made + records // len(self.accounts)
            for _ in range(records):
                if self._recorder.made >= goal:
                    break
                self.scene.sessions.play(known, self._source.randint(begin, max(begin, end)))

    def _note(self, began: int, ended: int) -> None:
        self.started = began if self.started is None else min(began, self.started)
        self.ended = max(ended, self.ended)
        self._turn = (self._turn + 1) % len(self.accounts)

    def _use(self, at: int, surface: str, about: Mapping[str, str], peer: str | None) -> int:
        if surface == "output":
            return self.generated(at, **about)
        if surface == "message":
            ages = {"age_band": self.account.age_band, "peer_age_band": "unknown"}
            whom = {"peer": peer or self.somebody(), **ages, **about}
            return self.does(at, "message.sent", surface="message", **whom)
        kind = "upload.created" if surface in _UPLOADED else "prompt.submitted"
        return self.does(at, kind, surface=surface, **about)


def _text(fields: Mapping[str, str]) -> str:
    return "".join(f',"{name}":"{value}"' for name, value in fields.items())


def _place(account: Account, given: Mapping[str, str]) -> str:
    """The account's device and network as JSON text, without those given otherwise."""
    own = {"device": account.devices[0], "network": account.networks[0]}
    return _text({name: value for name, value in own.items() if name not in given})
