"""When the person behind an account is not, or not simply, the offender.

Signs of a takeover are kept as spans of time, not one by one: two signs with no more than two
windows between them leave no gap in which a takeover isn't suspected, so only the first and the
last of such a run matter. Somebody who changes a password every day has one span.
"""

from __future__ import annotations

from streams.policy.case import REMEMBERED_MS, AccountCase
from streams.policy.ladders import Policy

MOST_SPANS = 16
"""Spans of signs kept per account; the oldest go first."""


def notice(
    policy: Policy, account: AccountCase, kind: str, at: int, age_band: str | None = None
) -> bool:
    """Take in what an activity says about whose account it is; whether anything changed.

    Not for activity of an end user behind the account: that says nothing about the account's owner.
    """
    changed = kind in policy.takeover.signs and note_sign(policy, account, at)
    band = age_band if age_band in policy.minors.bands else ""
    if age_band not in (None, "unknown") and band != account.age_band and at >= account.age_at:
        account.age_band, account.age_at = band, at
        changed = True
    return changed


def note_sign(policy: Policy, account: AccountCase, at: int) -> bool:
    """Keep a sign of a takeover; whether that changed anything."""
    reach = 2 * policy.takeover.window
    first, last = at, at
    apart = []
    for span in account.signs:
        if span[0] <= at <= span[1]:
            return False
        if span[0] - reach <= at <= span[1] + reach:
            first, last = min(first, span[0]), max(last, span[1])
        else:
            apart.append(span)
    spans = sorted([*apart, (first, last)])
    oldest = spans[-1][1] - REMEMBERED_MS
    account.signs = [span for span in spans if span[1] > oldest][-MOST_SPANS:]
    return True


def taken_over(policy: Policy, account: AccountCase, act_at: int) -> bool:
    """Whether an act lies within the window of a sign: a thief acts after it, an owner finds out."""
    window = policy.takeover.window
    return any(first - window <= act_at <= last + window for first, last in account.signs)


def suspected_minor(
    policy: Policy, account: AccountCase, end_user: str | None, age_band: str | None
) -> bool:
    """Whether the person may be a minor.

    `age_band` is what the offending signal itself said. Of an end user the account's is not asked.
    """
    bands = policy.minors.bands
    return age_band in bands or (end_user is None and account.age_band in bands)
