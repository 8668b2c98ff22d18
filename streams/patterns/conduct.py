"""The abusive conduct the catalogue answers for, one row each: the tag its patterns carry.

A pattern says ``tags: [conduct.slow-drip]``. Where a conduct has a side no pattern covers,
`elsewhere` says what covers it, or that nothing does.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

NAMESPACE = "conduct."


class Conduct(NamedTuple):
    """What somebody does, in words, and what no pattern sees of it."""

    words: str
    elsewhere: str = ""


CONDUCT: Mapping[str, Conduct] = MappingProxyType(
    {
        "refusal-ladder": Conduct("many refusals, reworded, then success"),
        "hits-after-refusals": Conduct("output hits after input refusals"),
        "repeated-suspected-hits": Conduct("repeated suspected hits"),
        "confirmed-hash-match": Conduct("a confirmed hash match"),
        "upload-then-transform": Conduct("upload, then transformation of the same content"),
        "finetune-or-dataset-abuse": Conduct("abuse in fine-tuning or data set uploads"),
        "dormant-account": Conduct("a dormant account activated for abuse"),
        "new-account-straight-to-abuse": Conduct("a new account, straight to abuse"),
        "account-farm": Conduct("an account farm on one device, payment or network"),
        "ban-evasion": Conduct(
            "ban evasion: a new account of somebody who lost one",
            "Hits name a device and no payment instrument, so the way over a payment is not "
            "covered: 'Account farm on one payment instrument' sees it from four accounts on.",
        ),
        "sharing-ring": Conduct("a sharing ring: one content over many accounts"),
        "lockstep-group": Conduct(
            "groups that act in lockstep",
            "Only on one content within minutes. Groups that meet again and again on different "
            "contents take a graph over days, not a window: nothing here covers them.",
        ),
        "coordinated-reports": Conduct("coordinated, brigaded or unfounded reports"),
        "appeal-abuse": Conduct("appeals without end"),
        "takeover-then-abuse": Conduct("an account taken over, then abused"),
        "adult-contacting-minors": Conduct("an adult who contacts many minors"),
        "minor-on-a-restricted-surface": Conduct("a minor on a restricted surface"),
        "sextortion-sequence": Conduct("a sextortion sequence"),
        "solicitation": Conduct("solicitation of minors"),
        "api-key-resale": Conduct("an API key resold: one account, many end users"),
        "probing": Conduct("probing: scores kept just below a threshold"),
        "slow-drip": Conduct("abuse slow enough for every short window"),
        "surface-hopping": Conduct("hopping from surface to surface"),
        "burst-after-a-warning": Conduct("a burst after a warning"),
        "detector-silence": Conduct(
            "a detector that stops reporting",
            "That a whole topic stops is seen by the alerts on consumer lag and signal rates.",
        ),
        "unreviewed-report": Conduct("a report of harm that nobody looks at"),
    }
)
"""The list of shared/reference/safety.md in its order; the last row is our own."""
