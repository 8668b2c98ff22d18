"""Osprey (roostorg): what its rules said of an action, from the topic `osprey.execution_results`.

A result is one flat object of features named by the platform's rules, and four of Osprey's own:
``__action_id``, ``__timestamp``, ``__verdicts`` (words) and ``__entity_label_mutations``
(``TYPE/LABEL/STATUS``, status 1 added, 3 added by hand). Format: roostorg/osprey at 699ff64,
`osprey_worker/…/kafka_output_sink.py`, `custom_extracted_features.py`, `shared_constants.py`.

The action itself becomes activity where the dictionary has a kind for its name; verdicts and labels
become hits where it has a category for them. Others say nothing here: `allow` is a verdict, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from streams.adapters.foreign import Foreign, missing, moment, reader
from streams.adapters.making import Given, Made, hits, made

_FEATURES = {"account": "UserId", "action": "ActionName"}
"""Our fields and the features that usually hold them; the dictionary's `fields` go before."""

_ADDED = frozenset({"1", "3"})


class _Result(
    msgspec.Struct,
    rename={
        "action_id": "__action_id",
        "timestamp": "__timestamp",
        "verdicts": "__verdicts",
        "mutations": "__entity_label_mutations",
    },
):
    action_id: int
    timestamp: str
    verdicts: tuple[str, ...] = ()
    mutations: tuple[str, ...] = ()


_read: Any = reader(_Result)
_read_features: Any = reader(dict[str, Any])


def adapt(foreign: Foreign, given: Given) -> list[Made]:
    """Return activity and hits of one execution result."""
    result: _Result = _read(foreign.value)
    found = _read_features(foreign.value)
    features = {
        ours: found.get(theirs) for ours, theirs in (_FEATURES | given.words.fields).items()
    }
    kind = given.words.kinds.get(str(features["action"]))
    named = map(given.words.category, _words(result))
    categories = {category for category in named if category is not None}
    if kind is None and not categories:
        return []
    if not isinstance(features["account"], str | int):
        raise missing("account")
    at = moment(result.timestamp, "__timestamp")
    records = []
    if kind is not None:
        refs = given.refs("activity", features)
        event = given.ids.event("osprey", result.action_id)
        records.append(made("activity", **(refs | {"id": event, "kind": kind, "at": at})))
    refs = given.refs("moderation-hits", features)
    records += hits(
        given,
        source_id=("osprey", result.action_id),
        at=at,
        categories=categories,
        source="classifier",
        verdict="suspected",
        **({"detector": "osprey"} | refs),
    )
    return records


def _words(result: _Result) -> Iterator[str]:
    yield from result.verdicts
    for mutation in result.mutations:
        _, _, rest = mutation.partition("/")
        label, _, status = rest.rpartition("/")
        if status in _ADDED:
            yield label
