"""Policy: what is done to a person, and on the strength of what.

It is the room in which somebody is warned or locked out, so it is small and pure: no clock, no
I/O but reading the policy file, no agent, no engine. `ladders` has what a policy says, `reading`
turns a file into it and names every mistake, `case` is what is remembered of one account,
`deciding` what an offence leads to, `settling` what verdicts, reviews and the like do to what was
decided, `victims` when somebody is not the offender. docs/policy.md explains it to people.
"""

from streams.policy.case import REMEMBERED_MS, AccountCase, Action, Case, Status, Subject, strikes
from streams.policy.deciding import (
    LOCK,
    PRESERVE,
    Decision,
    Established,
    Offence,
    Step,
    Why,
    decide,
    established,
    remember,
)
from streams.policy.ladders import (
    LADDER,
    Budget,
    Ladder,
    Minors,
    Policy,
    Rung,
    Takeover,
)
from streams.policy.mistakes import Mistake, PolicyError
from streams.policy.reading import check, load, parse, shipped, spelled
from streams.policy.settling import (
    OVERTURNED,
    Effects,
    Review,
    Verdict,
    VerdictKind,
    erase,
    retracted,
    reviewed,
    settle,
    snooze,
)
from streams.policy.victims import notice, taken_over

__all__ = [
    "LADDER",
    "LOCK",
    "OVERTURNED",
    "PRESERVE",
    "REMEMBERED_MS",
    "AccountCase",
    "Action",
    "Budget",
    "Case",
    "Decision",
    "Effects",
    "Established",
    "Ladder",
    "Minors",
    "Mistake",
    "Offence",
    "Policy",
    "PolicyError",
    "Review",
    "Rung",
    "Status",
    "Step",
    "Subject",
    "Takeover",
    "Verdict",
    "VerdictKind",
    "Why",
    "check",
    "decide",
    "erase",
    "established",
    "load",
    "notice",
    "parse",
    "remember",
    "retracted",
    "reviewed",
    "settle",
    "shipped",
    "snooze",
    "spelled",
    "strikes",
    "taken_over",
]
