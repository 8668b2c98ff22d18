"""One shared signal: a partner's opinion of an account, and nothing else.

No time but a day, no evidence, no pattern, no reference to content: what isn't in it can't leak.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

FORMAT: Final = "vigil-shared-1"

POSITIVE: Final = "positive_class"
"""Reviewed and upheld."""
SEED: Final = "investigation_seed"
"""Worth a look: decided by rules, and nobody has looked yet."""
NEGATIVE: Final = "negative_class"
"""Reviewed and overturned, or taken back: an earlier opinion no longer holds."""

Opinion = Literal["positive_class", "investigation_seed", "negative_class"]
"""ThreatExchange's words (`SignalOpinionCategory` of python-threatexchange)."""

SCORES: Mapping[str, float] = MappingProxyType({POSITIVE: 0.5, SEED: 0.25})
"""How much a partner's opinion counts here: always less than what a rule of ours acts upon (0.6)."""


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an exchange. `id` and `account` are pseudonyms made for this partner."""

    format: Literal["vigil-shared-1"]
    id: str
    account: str
    category: str
    opinion: Opinion
    day: str
    """``2026-01-05``: of the newest decision, UTC."""
