"""The obvious model of a case: everything that ever happened in one list, asked again each time.

It shares the policy's figures with the product and nothing else: no functions, no records.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any

DAY = 86_400_000
FIRST_LEAP_DAY = 789 * DAY  # 1972-02-29


def a_year(moment: int) -> int:
    """365 days, or 366 if 29 February lies between (true until 2100)."""
    leap = any(
        moment < FIRST_LEAP_DAY + day * DAY + DAY <= moment + 366 * DAY
        for day in range(0, 50_000, 1461)
    )
    return (366 if leap else 365) * DAY


ORDER = ["prevention.message", "warn", "restrict", "suspend"]


@dataclass
class Done:
    """One action: what it is, and what was said about it, in order, with the moment."""

    id: str
    harm: str
    user: str | None
    pattern: str
    detection: str
    rung: str
    counts: bool
    needs: int
    moment: int
    said: list[tuple[int, str]] = field(default_factory=list)

    def status(self, before: float = float("inf")) -> str:
        """What it was just before a moment, by reading all that was said."""
        status = "reserved"
        for moment, what in self.said:
            if moment >= before or status in ("voided", "undone"):
                continue
            leads = {
                "reserved": ("held", "granted", "voided", "undone"),
                "held": ("granted", "voided", "undone"),
                "granted": ("expired", "undone"),
                "expired": ("undone",),
            }
            if what in leads[status]:
                status = what
        return status


class Reference:
    def __init__(self, policy: Any) -> None:
        self.policy = policy
        self.done: list[Done] = []
        self.signs: list[int] = []
        self.minor = False
        self.snoozed = 0

    def ladder(self, harm: str) -> Any:
        return self.policy.by_harm.get(harm, self.policy.default)

    def standing(self, harm: str, user: str | None, known: int, decay_at: int) -> list[Done]:
        """Confirmed actions that stand, of those granted before `known`, not decayed."""
        return [
            one
            for one in self.done
            if one.counts
            and (one.harm, one.user) == (harm, user)
            and one.status() in ("granted", "expired")
            and one.status(known) in ("granted", "expired")
            and decay_at - one.moment < self.ladder(harm).decay
        ]

    def strikes(self, harm: str, user: str | None, known: int, until: float = float("inf")) -> int:
        """The most of them that lie a cool-down apart from each other, by trying all choices."""
        moments = sorted(
            one.moment for one in self.standing(harm, user, known, known) if one.moment <= until
        )
        apart = self.ladder(harm).cooldown
        for size in range(len(moments), 0, -1):
            for chosen in combinations(moments, size):
                if all(b - a >= apart for a, b in pairwise(chosen)):
                    return size
        return 0

    def expected(self, offence: Any, moment: int) -> tuple[str, list[tuple[str, int]], bool]:
        """(why, [(action, lasts)], a person is to look)."""
        taken = any(abs(offence.act_at - at) <= self.policy.takeover.window for at in self.signs)
        young = offence.age_band in self.policy.minors.bands or (
            offence.end_user is None and self.minor
        )
        if offence.established == "account":
            person = "credentials.lock" if taken else "protect" if young else "suspend"
            done = [("preserve", a_year(moment)), ("content.remove", 0), (person, 0)]
            return "zero_tolerance", done, person != "suspend"
        if offence.established == "dataset":
            return "dataset", [("content.remove", 0), ("dataset.quarantine", 0)], True
        if offence.asked not in ORDER:
            lasts = a_year(moment) if offence.asked == "preserve" else 0
            return "passed", [(offence.asked, lasts)], False
        if moment < self.snoozed:
            return "snoozed", [], False
        if offence.surface in ("training_dataset", "finetune_upload"):
            return "ingested", [], True
        if any(one.detection == offence.detection for one in self.done):
            return "repeated", [], False
        ladder = self.ladder(offence.harm)
        rung, needs = self.rung(offence, moment)
        strong = ORDER.index(rung.action)
        mine = [
            one
            for one in self.done
            if one.user == offence.end_user
            and one.rung
            and one.status() not in ("voided", "undone")
            and ORDER.index(one.rung) >= strong
        ]
        if any(o.pattern == offence.pattern and o.status() == "held" for o in mine):
            return "pending", [], False
        if any(
            self.ladder(one.harm) is ladder
            and one.status() != "held"
            and moment - one.moment < ladder.cooldown
            for one in mine
        ):
            return "cooling", [], False
        if taken and rung.action in self.policy.takeover.turns:
            return "takeover", [("credentials.lock", 0)], True
        if young and rung.action not in self.policy.minors.protective:
            return "minor", [("protect", 0)], rung.action in ("restrict", "suspend")
        why = "lowered" if strong < ORDER.index(offence.asked) else "asked"
        return "raised" if needs else why, [(rung.action, rung.lasts)], False

    def rung(self, offence: Any, moment: int) -> tuple[Any, int]:
        ladder = self.ladder(offence.harm)
        struck = self.strikes(
            offence.harm, offence.end_user, moment, until=moment - ladder.cooldown
        )
        most = ORDER.index(self.policy.raised_to[offence.asked])
        if offence.cause:
            most = min(most, ORDER.index("restrict"))
        if offence.capped or offence.reports_only:
            most = min(most, ORDER.index("warn"))
        first, *others = ladder.rungs
        asked = first
        for rung in others:  # where what was asked for begins
            mild = ORDER.index(rung.action) <= ORDER.index(offence.asked)
            if mild and rung.action != asked.action:
                asked = rung
        chosen = first
        for rung in others:
            allowed = ORDER.index(rung.action) <= most
            below = ladder.rungs.index(rung) <= ladder.rungs.index(asked)
            if allowed and (below or rung.strikes <= struck):
                chosen = rung
        raised = ladder.rungs.index(chosen) > ladder.rungs.index(asked)
        return chosen, chosen.strikes if raised else 0

    def leaning(self, undone: set[str], moment: int) -> list[str]:
        """What is in force and rested on strikes that stood until just now, and no longer do."""
        found = []
        for one in self.done:
            if not one.needs or one.status() in ("voided", "undone"):
                continue
            until = one.moment - self.ladder(one.harm).cooldown
            now = self.strikes(one.harm, one.user, one.moment, until)
            if now < one.needs <= self._with(undone, moment, one, until):
                found.append(one.id)
        return found

    def _with(self, undone: set[str], moment: int, one: Done, until: float) -> int:
        """The strikes as they would be, had the last thing not been said."""
        said = {o.id: o.said for o in self.done}
        for other in self.done:
            if other.id in undone:
                other.said = [entry for entry in other.said if entry[0] < moment]
        count = self.strikes(one.harm, one.user, one.moment, until)
        for other in self.done:
            other.said = said[other.id]
        return count
