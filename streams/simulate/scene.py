"""What the accounts of one instance of a campaign or a persona have in common."""

from __future__ import annotations

import random
from collections.abc import Iterator

from streams.simulate.recorder import Recorder
from streams.simulate.sessions import Sessions
from streams.simulate.world import Account, World


class Scene:
    """What the accounts of one instance share, and who else acts in it.

    Args:
        name: tells this instance's references from those of others.
        strangers: numbers of accounts nobody has met yet.
    """

    def __init__(
        self,
        world: World,
        recorder: Recorder,
        source: random.Random,
        *,
        name: str,
        strangers: Iterator[int],
    ) -> None:
        self.world = world
        self.recorder = recorder
        self.source = source
        self.sessions = Sessions(world, recorder, source)
        self.aside: list[str] = []
        """Accounts that act in it beside those it is about."""
        self._name = name
        self._strangers = strangers

    def ours(self, letter: str, what: str = "") -> str:
        """Return a reference all of the instance's accounts share, beginning with `letter`."""
        return self.world.pseudonym(letter, f"{self._name} {letter} {what}")

    def stranger(self) -> Account:
        """Return an account that does nothing but what it is made to do here."""
        return self.world.account(next(self._strangers))
