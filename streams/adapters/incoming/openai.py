"""OpenAI-style moderation results and safety cases.

`moderation`: the answer of `POST /v1/moderations` (and of those who copied it) in the envelope of
`context`: ``{"id", "model", "results": [{"flagged", "categories", "category_scores"}]}``. What is
flagged becomes a suspected hit with the highest score of its category.

`safety`: a case, as `GET /v1/safety/cases/{id}` answers: ``{"id", "object": "safety.case",
"created_at", "entity_identifier", "reason", "notice": {"type"}}``. The webhooks
`safety.warning_issued` and `safety.deactivation_issued` carry as ``data`` the case's id alone, so
their receiver fetches the case and hands it on, by itself or in the place of the ``data``; an event
as it came is refused, for it names no account.

Format: the provider's API reference (moderations, safety cases, safety enforcement notifications).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import msgspec

from streams.adapters.foreign import Foreign, missing, moment, reader
from streams.adapters.incoming.context import Context, fields, identity
from streams.adapters.making import Given, Made, hits

CATEGORIES = MappingProxyType(
    {
        "sexual/minors": "sexualisation_of_minor",
        "hate": "hate",
        "hate/threatening": "hate",
        "harassment/threatening": "violence",
        "violence": "violence",
        "violence/graphic": "violence",
        "self-harm": "self_harm",
        "self-harm/intent": "self_harm",
        "self-harm/instructions": "self_harm",
    }
)
"""Their categories that have one of ours; `policy_other` for all others."""

_OTHER = "policy_other"
_SAFETY = "safety."


class _Result(msgspec.Struct):
    categories: dict[str, bool | None] = {}
    category_scores: dict[str, float | None] = {}


class _Answer(msgspec.Struct):
    results: tuple[_Result, ...]
    id: str = ""
    model: str = "moderation"


class _Moderation(Context, kw_only=True):
    answer: _Answer


class _Case(msgspec.Struct):
    id: str
    created_at: int | None = None
    entity_identifier: str | None = None
    reason: str | None = None


class _Notice(_Case):
    """A case, or an event about one."""

    type: str = ""
    data: _Case | None = None


_read_moderation: Any = reader(_Moderation)
_read_notice: Any = reader(_Notice)


def moderation(foreign: Foreign, given: Given) -> list[Made]:
    """Return a hit per category that is flagged."""
    call: _Moderation = _read_moderation(foreign.value)
    scores: dict[str, float] = {}
    for result in call.answer.results:
        for theirs, flagged in result.categories.items():
            if flagged:
                ours = given.words.category(theirs, given=CATEGORIES) or _OTHER
                score = result.category_scores.get(theirs) or 0.0
                scores[ours] = max(scores.get(ours, 0.0), score)
    common = fields(call, given)
    return [
        record
        for category, score in scores.items()
        for record in hits(
            given,
            source_id=("openai", call.id or call.answer.id or identity(call, foreign, given)),
            categories=[category],
            source="classifier",
            verdict="suspected",
            score=score,
            detector=given.ids.ref("detector", call.answer.model),
            **common,
        )
    ]


def safety(foreign: Foreign, given: Given) -> list[Made]:
    """Return the hit of a warning or deactivation."""
    notice: _Notice = _read_notice(foreign.value)
    if notice.type and not notice.type.startswith(_SAFETY):
        return []
    case = notice if notice.data is None else notice.data
    if case.entity_identifier is None:
        raise missing("entity_identifier")
    created_at = notice.created_at if case.created_at is None else case.created_at
    if created_at is None:
        raise missing("created_at")
    return hits(
        given,
        source_id=("openai", case.id),
        account=given.ids.ref("account", case.entity_identifier),
        at=moment(created_at * 1000, "created_at"),
        categories=[given.words.category(case.reason or "") or _OTHER],
        source="trusted_flagger",
        verdict="suspected",
        detector="openai-safety",
    )
