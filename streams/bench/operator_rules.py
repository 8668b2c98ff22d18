"""Rule files as a large operator would have them, made up: any number of patterns, always the same.

What matters for speed is how rules are spread, and it stands here to be judged: three fifths look
at activity, most of them at the busy kinds; a third at hits; a few at reviews. Most ask for
something rare beside the kind (a device or network the operator has met before, a label, an age
band, an end user) and match few signals or none. One in ten matches one in sixteen signals of its
kind, and one in fifty all signals of a kind that come from one model: they watch the pace, and fire
on floods. Of the others a fifth are single rules, the rest event_count, value_count, temporal and
temporal_ordered. Each has three tests.
"""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from streams.signals.records import CATEGORIES, KINDS, SURFACES

SEED = 23
MIDDLING_EVERY, BROAD_EVERY = 10, 50
"""So often comes a pattern that matches one in sixteen signals of its kind, and all of a model."""

BUSY_KINDS = (
    "prompt.submitted",
    "prompt.refused",
    "text.generated",
    "image.generated",
    "message.sent",
    "upload.created",
    "content.shared",
    "login.succeeded",
)
BUSY_WEIGHT = 3
MODELS = ("text-large-3", "text-small-3", "image-xl-2", "image-fast-2", "video-1", "voice-2")
LABELS = ("first_day", "trial", "reseller", "api_only", "school", "new_country", "tor_like", "bulk")
DETECTORS = ("screen-output-4", "screen-upload-4", "screen-input-4", "exact-list-1")
HEX = "0123456789abcdef"
SCHEMA = f"[activity]\nlabels = {json.dumps(LABELS)}\n"
"""The schema file the rules need."""

TYPES = ("event_count", "value_count", "temporal", "temporal_ordered", "single")
TYPE_WEIGHTS = (45, 15, 15, 5, 20)
FLOODS = (50, 100, 150)
"""Records within the timespan that a pattern which matches often calls a flood."""
ACTIONS = ("prevention.message", "warn", "restrict")


@dataclass(slots=True)
class _Search:
    """One detection: its topic, what it asks for, and the fields of a signal that matches."""

    topic: str
    asks: dict[str, Any]
    given: dict[str, Any]

    def ask(self, key: str, value: Any, example: Any) -> None:
        """Ask for one thing more; `example` is a value of the field that will do."""
        self.asks[key] = value
        self.given[key.partition("|")[0]] = example


def write_rules(directory: Path, count: int) -> None:
    """Write `count` patterns, one file each; a smaller count gives the first of a larger one."""
    for number in range(count):
        text = yaml.safe_dump_all(_pattern(number), sort_keys=False)
        (directory / f"pattern_{number:04d}.yml").write_text(text, encoding="utf-8")


def _pattern(number: int) -> list[dict[str, Any]]:
    dice = random.Random(f"{SEED}/{number}")
    broad = number % BROAD_EVERY == BROAD_EVERY // 2
    if broad or number % MIDDLING_EVERY == 1:
        kind, first, times = "event_count", _frequent(dice, broad=broad), dice.choice(FLOODS)
    else:
        (kind,) = dice.choices(TYPES, TYPE_WEIGHTS)
        first, times = _search(dice), dice.choice((2, 3, 5, 10, 20))
    rule = {
        "title": f"Pattern {number}",
        "id": _uuid(dice),
        "status": "stable",
        "description": "Made up for a benchmark.",
        "level": dice.choice(("low", "medium", "high")),
    }
    if kind == "single":
        block = _block(dice, first, {"cooldown": "1d"}, [({}, 1)], "0s")
        return [rule | _detection(first) | {"vigil": block}]
    name = f"searched_{number}"
    correlation: dict[str, Any] = {"type": kind, "rules": [name], "group-by": ["account"]}
    correlation["timespan"] = dice.choice(("10m", "1h", "6h", "1d", "7d"))
    rules = [_silent(dice, name, first)]
    if kind == "event_count":
        correlation["condition"] = {"gte": times}
        block = _block(dice, first, {}, [({"every": "5s"}, times)], f"{5 * (times - 1)}s")
    elif kind == "value_count":
        field = next(name for name in ("content_ref", "device") if name not in first.given)
        times = min(times, 5)
        correlation["condition"] = {"field": field, "gte": times}
        steps = [({"at": f"{5 * turn}s", field: f"x{turn}"}, 1) for turn in range(times)]
        block = _block(dice, first, {}, steps, f"{5 * (times - 1)}s")
    else:
        second = _search(dice)
        other = f"{name}_too"
        rules.append(_silent(dice, other, second))
        correlation["rules"].append(other)
        steps = [({}, 1), ({"at": "10s"} | second.given, 1)]
        block = _block(dice, first, {}, steps, "10s", apart=True)
    return [rule | {"correlation": correlation, "vigil": block}, *rules]


def _search(dice: random.Random) -> _Search:
    (topic,) = dice.choices(("activity", "moderation-hits", "reviews"), (60, 36, 4))
    if topic == "activity":
        return _activity(dice)
    return _hit(dice) if topic == "moderation-hits" else _review(dice)


def _frequent(dice: random.Random, *, broad: bool) -> _Search:
    search = _of_kind(dice.choice(BUSY_KINDS))
    if not broad:
        prefix = "d" + dice.choice(HEX)
        search.ask("device|startswith", prefix, prefix + "00")
    elif "generated" in search.given["kind"] or "prompt" in search.given["kind"]:
        search.ask("model", dice.choice(MODELS[:4]), None)
        search.given["model"] = search.asks["model"]
    return search


def _of_kind(kind: str) -> _Search:
    return _Search("activity", {"kind": kind}, {"kind": kind})


def _activity(dice: random.Random) -> _Search:
    weights = [BUSY_WEIGHT if kind in BUSY_KINDS else 1 for kind in KINDS]
    search = _of_kind(*dice.choices(KINDS, weights))
    for _ in range(dice.choice((1, 1, 2))):
        _ask_for_something_rare(dice, search)
    if dice.random() < 0.4:  # noqa: PLR2004 - made up
        surface = dice.choice(SURFACES)
        search.ask("surface", surface, surface)
    if dice.random() < 0.4:  # noqa: PLR2004 - made up
        models = dice.sample(MODELS, 2)
        search.ask("model", models, models[0])
    return search


def _ask_for_something_rare(dice: random.Random, search: _Search) -> None:
    match dice.choice(("device", "device", "network", "labels", "age_band", "peer", "end_user")):
        case "device":
            prefix = "d" + "".join(dice.choices(HEX, k=dice.choice((2, 3))))
            search.ask("device|startswith", prefix, prefix + "00")
        case "network":
            prefix = "n" + "".join(dice.choices(HEX, k=2))
            search.ask("network|startswith", prefix, prefix + "00")
        case "labels":
            label = dice.choice(LABELS)
            search.ask("labels", label, [label])
        case "age_band":
            search.ask("age_band", ["minor", "teen"], "minor")
        case "peer":
            search.ask("peer_age_band", "minor", "minor")
        case _:
            search.ask("end_user|exists", True, "u1")


def _hit(dice: random.Random) -> _Search:
    category = dice.choice(CATEGORIES)
    source, verdict = dice.choice(
        (("classifier", "suspected"), ("user_report", "suspected"), ("hash_match", "match"))
    )
    search = _Search("moderation-hits", {}, {})
    for field, value in (("category", category), ("source", source), ("verdict", verdict)):
        search.ask(field, value, value)
    if source == "classifier":
        search.ask("score|gte", dice.choice((0.5, 0.7, 0.9)), 0.95)
    if dice.random() < 0.5:  # noqa: PLR2004 - made up
        surfaces = dice.sample(SURFACES[:4], 2)
        search.ask("surface", surfaces, surfaces[0])
    if dice.random() < 0.3:  # noqa: PLR2004 - made up
        detector = dice.choice(DETECTORS)
        search.ask("detector", detector, detector)
    return search


def _review(dice: random.Random) -> _Search:
    given = {"decision": "d1", "reviewer": "r1"}
    search = _Search("reviews", {}, given)
    for field, values in (("stage", ("first", "second")), ("outcome", ("upheld", "overturned"))):
        value = dice.choice(values)
        search.ask(field, value, value)
    return search


def _detection(search: _Search) -> dict[str, Any]:
    return {
        "logsource": {"product": "vigil", "service": search.topic},
        "detection": {"searched": search.asks, "condition": "searched"},
    }


def _silent(dice: random.Random, name: str, search: _Search) -> dict[str, Any]:
    head = {"title": name, "id": _uuid(dice), "name": name, "status": "stable"}
    return head | _detection(search)


def _block(
    dice: random.Random,
    search: _Search,
    settings: dict[str, Any],
    steps: list[tuple[dict[str, Any], int]],
    fires: str,
    *,
    apart: bool = False,
) -> dict[str, Any]:
    """The vigil block, with a test that fires after `steps`, one a step short, one of others.

    With `apart` the steps after the first are signals of their own.
    """
    signals = []
    for number, (fields, times) in enumerate(steps):
        given = {} if apart and number else search.given
        signals.append(given | {"at": "0s"} | fields | ({"times": times} if times > 1 else {}))
    short = [dict(signal) for signal in signals]
    if short[-1].get("times", 1) > 2:  # noqa: PLR2004 - two less one is no repetition
        short[-1]["times"] -= 1
    else:
        short[-1].pop("times", None)
        if len(short) > 1:
            short.pop()
        elif "times" not in signals[-1]:
            short = [{"kind": "account.closed"}]
    block = {
        "harm": dice.choice(CATEGORIES),
        "action": dice.choice(ACTIONS),
        "budget": dice.choice((20, 100, 500)),
    }
    tests = [
        {"name": "it fires", "signals": signals, "fires": fires},
        {"name": "one short of it", "case": "near miss", "signals": short, "fires": "never"},
        {
            "name": "others are left alone",
            "case": "benign",
            "signals": [{"kind": "account.closed", "every": "1m", "times": 5}],
            "fires": "never",
        },
    ]
    return block | settings | {"tests": tests}


def _uuid(dice: random.Random) -> str:
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))
