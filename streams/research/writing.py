"""A candidate as a Sigma file of its own, with the tests that belong beside it.

Everything follows from the candidate: the same one found again is the same pattern, with its id and
its semantic version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

import yaml

from streams.research.candidates import Candidate
from streams.research.items import Item
from streams.signals.durations import format_duration

_IDS = UUID("6d0b6f0e-6a3f-5f0c-9d0e-2f1f5d7d7a45")
_SECOND = 1000
_HIT = {"source": "classifier", "verdict": "suspected"}
_OTHERS = ({"kind": "login.succeeded"}, {"kind": "payment.added"})
"""What the harmless do in tests, of which one is not what is looked for."""


def pattern_id(candidate: Candidate) -> str:
    """The id of its rule."""
    return str(uuid5(_IDS, repr(candidate)))


def file_name(candidate: Candidate) -> str:
    """The name of its file."""
    kind = "count" if candidate.at_least else "ordered"
    return f"mined_{kind}_{_mark(candidate)}.yml"


def rule_file(candidate: Candidate, found: str) -> bytes:
    """The file. `found` says in a few lines what speaks for it."""
    names = {
        item: f"mined_{_mark(candidate)}_{n}" for n, item in enumerate(_distinct(candidate), 1)
    }
    documents = [
        _correlation(candidate, names, found),
        *(_detection(candidate, item, name) for item, name in names.items()),
    ]
    text = yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, encoding="utf-8"
    )
    assert isinstance(text, bytes)
    return text


def _correlation(candidate: Candidate, names: dict[Item, str], found: str) -> dict[str, Any]:
    correlation: dict[str, Any] = {
        "type": "event_count" if candidate.at_least else "temporal_ordered",
        "rules": [names[item] for item in candidate.items],
        "group-by": ["account"],
        "timespan": format_duration(candidate.timespan),
    }
    if candidate.at_least:
        correlation["condition"] = {"gte": candidate.at_least}
    return {
        "title": f"Mined: {candidate.title}",
        "id": pattern_id(candidate),
        "status": "experimental",
        "description": (
            "Why: nobody knows yet. Accounts that reviewers upheld did this, others hardly ever;\n"
            "that is no reason. Find it, or throw the candidate away (docs/research.md).\n"
            f"{found}"
        ),
        "author": "vigil mine",
        "falsepositives": ["Not known: read a dozen of its finds before anything else"],
        "level": "low",
        "correlation": correlation,
        "vigil": {"tests": _tests(candidate)},
    }


def _detection(candidate: Candidate, item: Item, name: str) -> dict[str, Any]:
    return {
        "title": f"Mined: {item.words}",
        "id": str(uuid5(_IDS, repr((candidate, item)))),
        "name": name,
        "status": "experimental",
        "description": "A step of the above. Silent by itself.",
        "logsource": {"product": "vigil", "service": item.topic},
        "detection": {"seen": dict(item.fields), "condition": "seen"},
    }


def _tests(candidate: Candidate) -> list[dict[str, Any]]:
    steps = candidate.items * max(1, candidate.at_least)
    quick = max(_SECOND, candidate.timespan // (2 * len(steps)) // _SECOND * _SECOND)
    # Rounded up: from the first to the last is the timespan or more, which is no longer within it.
    slow = -(-candidate.timespan // (len(steps) - 1) // _SECOND) * _SECOND
    return [
        {
            "name": "all of it, at half of the pace allowed",
            "case": "firing",
            "signals": _signals(steps, quick),
            "fires": format_duration((len(steps) - 1) * quick),
        },
        {
            "name": "the last of it does not come",
            "case": "near miss",
            "signals": _signals(steps[:-1], quick),
            "fires": "never",
        },
        {
            "name": "all of it, a little too slowly",
            "case": "near miss",
            "signals": _signals(steps, slow),
            "fires": "never",
        },
        {
            "name": "each of it done by another account",
            "case": "benign",
            "signals": [
                {**one, "account": f"a{number}"}
                for number, one in enumerate(_signals(steps, quick), 1)
            ],
            "fires": "never",
        },
        {
            "name": "a day of something else",
            "case": "benign",
            "signals": [{**_something_else(candidate), "at": "0s", "every": "10m", "times": 144}],
            "fires": "never",
        },
    ]


def _signals(steps: Sequence[Item], every: int) -> list[dict[str, Any]]:
    return [
        {**_example(item), "at": format_duration(number * every)}
        for number, item in enumerate(steps)
    ]


def _example(item: Item) -> dict[str, str]:
    return {**(_HIT if item.topic == "moderation-hits" else {}), **dict(item.fields)}


def _something_else(candidate: Candidate) -> dict[str, str]:
    looked_for = {dict(item.fields).get("kind") for item in candidate.items}
    return next((one for one in _OTHERS if one["kind"] not in looked_for), {"kind": "report.filed"})


def _distinct(candidate: Candidate) -> list[Item]:
    return list(dict.fromkeys(candidate.items))


def _mark(candidate: Candidate) -> str:
    return hashlib.sha256(repr(candidate).encode()).hexdigest()[:8]


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as people do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - PyYAML's signature
        """Indent lists below their key."""
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        """Write everything out."""
        return True


def _text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
    style = "|" if "\n" in data else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _text)
