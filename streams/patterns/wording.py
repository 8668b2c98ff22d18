"""What a rule as read from its file looks for, as a sentence for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

Rules = Mapping[str, Mapping[str, Any]]
"""Name → rule, of the rules one file holds."""

_OPERATORS = {
    "gte": "{} or more",
    "gt": "more than {}",
    "lte": "at most {}",
    "lt": "fewer than {}",
    "eq": "exactly {}",
    "neq": "any number but {}",
}
_AVERAGES = {
    "value_sum": "sum",
    "value_avg": "average",
    "value_median": "median",
    "value_percentile": "percentile",
}


def fires_when(rule: Mapping[str, Any], rules: Rules) -> str:
    """When the rule fires; `rules` are those it may refer to. A sentence without its full stop."""
    section = rule.get("correlation")
    block = rule.get("vigil") or {}
    if section is None:
        text = "a record matches"
    else:
        text = f"{_holds(section, rules)}, within {section['timespan']} and per {_keys(section)}"
    if block.get("evidence", 1) > 1:
        text += f", said by {block['evidence']} kinds of source"
    unless = block.get("unless")
    if unless:
        names = " or ".join(_name(name, rules) for name in listed(unless["rules"]))
        text += f", unless {names} follows within {unless['within']}"
    return text


def keyed_by(rule: Mapping[str, Any]) -> str:
    """What the rule counts per: ``account``, ``account and end_user``, ``device``."""
    section = rule.get("correlation")
    return "account" if section is None else _keys(section)


def referred_to(rule: Mapping[str, Any], rules: Rules) -> list[Mapping[str, Any]]:
    """The detection rules behind a rule, each once: itself, or all it refers to in any depth."""
    if "detection" in rule:
        return [rule]
    names = listed(rule["correlation"]["rules"])
    found = [other for name in names for other in referred_to(rules[name], rules)]
    return list({other["id"]: other for other in found}.values())


def listed(value: Any) -> Sequence[Any]:
    """A list, also where Sigma allows a single word instead."""
    return value if isinstance(value, list) else [value]


def _holds(section: Mapping[str, Any], rules: Rules) -> str:
    kind, condition = section["type"], section.get("condition")
    names = listed(section["rules"])
    if kind == "temporal_ordered":
        runs = [(name, len(list(run))) for name, run in groupby(names)]
        steps = [f"{n} × {_name(name, rules)}" if n > 1 else _name(name, rules) for name, n in runs]
        return ", then ".join(steps)
    if isinstance(condition, str):
        words = [_name(word, rules) if word in names else word for word in condition.split()]
        return " ".join(words)
    what = " or ".join(_name(name, rules) for name in names)
    if kind == "temporal" and condition is None:
        return "in any order " + " and ".join(_name(name, rules) for name in names)
    assert isinstance(condition, Mapping)
    bound = _bound(condition)
    if kind == "value_count":
        return f"{bound} different `{condition['field']}` among {what}"
    if kind in _AVERAGES:
        average = _AVERAGES[kind]
        if kind == "value_percentile":
            percentile = condition.get("percentile", 50)
            average = "median" if percentile == 50 else f"{percentile}th percentile"  # noqa: PLR2004
        return f"a {average} of `{condition['field']}` of {bound} over {what}"
    return f"{bound} × {what}" if kind == "event_count" else f"{bound} of {what}"


def _bound(condition: Mapping[str, Any]) -> str:
    return " and ".join(
        words.format(condition[op]) for op, words in _OPERATORS.items() if op in condition
    )


def _name(name: str, rules: Rules) -> str:
    """The title of a rule; of one that is a correlation also what it looks for."""
    rule = rules[name]
    section = rule.get("correlation")
    if section is None:
        return f"*{rule['title']}*"
    return f"*{rule['title']}* ({_holds(section, rules)}, within {section['timespan']})"


def _keys(section: Mapping[str, Any]) -> str:
    return " and ".join(listed(section["group-by"]))
