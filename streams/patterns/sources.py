"""Classes of source, for rules that want evidence from independent ones (``evidence: k``).

Two hits of one classifier are one opinion twice. What counts is the class: a list of known
material, a classifier, users, a trusted flagger, a person. A report without a reporter adds
nothing, for it may be anybody's, and neither does what the account itself did. A review is a
person's word.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

CLASSES = ("hash_match", "classifier", "user_report", "trusted_flagger", "human")
"""As `source` of a moderation hit names them; the bit of each is 1 << its place."""

_BITS: Mapping[str, int] = MappingProxyType({name: 1 << n for n, name in enumerate(CLASSES)})


def source_bit(signal: Any) -> int:
    """The class of source a signal speaks for, as a bit; 0 for none."""
    if signal.topic == "moderation-hits":
        if signal.source == "user_report" and signal.reporter is None:
            return 0
        return _BITS[signal.source]
    return _BITS["human"] if signal.topic == "reviews" else 0
