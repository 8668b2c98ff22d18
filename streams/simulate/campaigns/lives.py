"""Campaigns in the life of an account: new, dormant, warned, taken over, banned."""

from __future__ import annotations

from streams.simulate.campaigns.campaign import HOP, HOUR_MS, PAD, SPLIT, Campaign
from streams.simulate.recount import (
    HARM,
    SEEN,
    act,
    distinct,
    harm,
    hit,
    no,
    one,
    opening,
    ordered,
    review,
    within,
)
from streams.simulate.rhythm import DAY_MS, MINUTE_MS
from streams.simulate.stage import Stage

_CREATED = act("account.created")
_SEEN_HARM = harm(source=SEEN)


def _arrive_for_it(stage: Stage, at: int, pace: float) -> None:
    """A new account, and straight to abuse."""
    at = stage.arrives(at) + stage.pause(20 * MINUTE_MS / pace)
    for _ in range(3):
        at = stage.judged(at) + stage.pause(90 * MINUTE_MS / pace)


def _wake(stage: Stage, at: int, pace: float) -> None:
    """An account that was quiet for months logs in, for abuse."""
    at = stage.does(at, "login.succeeded") + stage.pause(15 * MINUTE_MS / pace)
    for _ in range(3):
        at = stage.judged(at) + stage.pause(2 * HOUR_MS / pace)


def _after_warning(stage: Stage, at: int, pace: float) -> None:
    """A person confirmed what the account did; it makes haste while it can."""
    at = stage.reviewed(at, "upheld") + stage.pause(3 * HOUR_MS / pace)
    for _ in range(3):
        at = stage.judged(at) + stage.pause(2 * HOUR_MS / pace)


def _take_over(stage: Stage, at: int, pace: float) -> None:
    """Guess a password, change it, and abuse somebody else's account."""
    where = {"device": stage.scene.ours("d"), "network": stage.scene.ours("n")}
    for _ in range(stage.some(4, 6)):
        at = stage.abuses(at, "login.failed", **where) + stage.pause(20_000 / pace)
    stage.does(at, "login.succeeded", **where)
    at += stage.pause(4 * MINUTE_MS / pace)
    at = stage.abuses(at, "credentials.changed", **where) + stage.pause(2 * HOUR_MS / pace)
    for _ in range(2):
        at = stage.judged(at, about=where) + stage.pause(HOUR_MS / pace)


def _farm_device(stage: Stage, at: int, _pace: float) -> None:
    """Accounts made one after the other on one device."""
    device = {"device": stage.scene.ours("d")}
    at = stage.arrives(at, **device)
    stage.abuses(at + 30_000, "login.succeeded", **device)


def _farm_payment(stage: Stage, at: int, pace: float) -> None:
    """Accounts on devices of their own that one card pays for."""
    at = stage.arrives(at) + stage.pause(HOUR_MS / pace)
    stage.abuses(at, "payment.added", payment=stage.scene.ours("p"))


def _farm_network(stage: Stage, at: int, _pace: float) -> None:
    """Accounts on devices of their own, made behind one network."""
    network = {"network": stage.scene.ours("n")}
    at = stage.arrives(at, **network)
    stage.abuses(at + 30_000, "login.succeeded", **network)


def _evade_ban(stage: Stage, at: int, pace: float) -> None:
    """The first account is caught; new ones appear on its device."""
    device = {"device": stage.scene.ours("d")}
    if stage.number == 0:
        stage.confirmed(at, about=device)
        return
    at = stage.arrives(at + int(6 * HOUR_MS / pace), **device)
    stage.abuses(at + 60_000, "login.succeeded", **device)


CAMPAIGNS = (
    Campaign(
        name="new-account-straight-to-abuse",
        act=_arrive_for_it,
        met=within(DAY_MS, ordered(_CREATED, _SEEN_HARM, _SEEN_HARM)),
        actors=3,
        lasts_ms=8 * HOUR_MS,
        strangers=True,
        evasions=(SPLIT, HOP, PAD),
    ),
    Campaign(
        name="dormant-account-activated",
        act=_wake,
        met=opening(
            act("login.succeeded"),
            30 * DAY_MS,
            within(DAY_MS, ordered(act("login.succeeded"), harm(), harm()), no(_CREATED)),
        ),
        actors=3,
        lasts_ms=8 * HOUR_MS,
        strangers=True,
        evasions=(SPLIT, HOP),
    ),
    Campaign(
        name="burst-after-review",
        act=_after_warning,
        met=within(3 * DAY_MS, ordered(review(outcome="upheld"), _SEEN_HARM, _SEEN_HARM)),
        actors=3,
        lasts_ms=13 * HOUR_MS,
        evasions=(SPLIT, HOP, PAD),
    ),
    Campaign(
        name="takeover-then-abuse",
        act=_take_over,
        met=within(
            3 * DAY_MS,
            ordered(*[act("login.failed")] * 3, act("credentials.changed"), harm()),
        ),
        actors=3,
        lasts_ms=6 * HOUR_MS,
        evasions=(SPLIT, HOP, PAD),
    ),
    Campaign(
        name="account-farm-device",
        act=_farm_device,
        met=one("device", within(DAY_MS, distinct(5, "account", _CREATED))),
        actors=7,
        lasts_ms=MINUTE_MS,
        strangers=True,
        together=True,
        evasions=(PAD,),
    ),
    Campaign(
        name="account-farm-payment",
        act=_farm_payment,
        met=one("payment", within(7 * DAY_MS, distinct(4, "account", act("payment.added")))),
        actors=6,
        lasts_ms=2 * HOUR_MS,
        strangers=True,
        together=True,
        evasions=(PAD,),
    ),
    Campaign(
        name="account-farm-network",
        act=_farm_network,
        met=one("network", within(HOUR_MS, distinct(15, "account", _CREATED))),
        actors=20,
        lasts_ms=MINUTE_MS,
        strangers=True,
        together=True,
        evasions=(PAD,),
    ),
    Campaign(
        name="ban-evasion-device",
        act=_evade_ban,
        met=one(
            "device",
            within(30 * DAY_MS, ordered(hit(category=HARM, verdict="confirmed"), _CREATED)),
        ),
        actors=3,
        lasts_ms=8 * HOUR_MS,
        strangers=True,
        together=True,
        evasions=(PAD,),
    ),
)
