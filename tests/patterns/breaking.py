"""Breaking shipped patterns on purpose: what is left of one must fail its own tests."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

Rules = list[dict[str, Any]]

# Values nothing in the catalogue looks for.
_OTHER = {"kind": "account.closed", "category": "terrorism", "outcome": "deferred"}


def read(path: Path) -> Rules:
    """The documents of a rule file; the first is the pattern."""
    return list(yaml.safe_load_all(path.read_text()))


def write(directory: Path, rules: Rules) -> None:
    """Write documents as the only rule file of a directory."""
    (directory / "rules.yml").write_text(yaml.safe_dump_all(rules, sort_keys=False))


Change = Callable[[Rules, dict[str, Any]], object]
"""What is done to one rule, or to the pattern it belongs to, which is the first of the rules."""


def broken(rules: Rules) -> Iterator[tuple[str, Rules]]:
    """(what was done, the documents after it) for everything that can be broken in a pattern."""
    for number, rule in enumerate(rules):
        changes = _correlated(rule["correlation"]) if "correlation" in rule else _detected(rule)
        for what, change in (*changes, *_governed(rule.get("vigil", {}))):
            result = copy.deepcopy(rules)
            change(result, result[number])
            yield f"{rule.get('name', 'pattern')}: {what}", result


def _correlated(section: dict[str, Any]) -> Iterator[tuple[str, Change]]:
    condition = section.get("condition")
    if condition != {"gte": 1}:  # of one record any window says the same
        yield "a window of one second", _shorten
        yield "a window twice as long", _lengthen
    if isinstance(condition, dict):
        for op, bound in condition.items():
            for other in _others(op, bound):
                yield f"{op} {other} instead of {bound}", _bounded(op, other)
    if isinstance(condition, str):
        for exception in condition.split(" and not ")[1:]:
            yield f"{exception} is no exception", _without(exception)
    if isinstance(condition, str) and " and " in condition.replace(" and not ", ""):
        yield "or instead of and", _any_will_do
    if section["type"] == "temporal_ordered" and len(section["rules"]) > 1:
        for step in range(len(section["rules"])):
            yield f"without step {step + 1}", _without_step(step)
    if len(section["group-by"]) > 1:
        yield "grouped by the account alone", _by_account


def _others(op: str, bound: float) -> list[float]:
    """Bounds that let pass less, or more."""
    if op in ("lte", "lt"):
        return [bound + 1]
    if op not in ("gte", "gt"):
        return []
    if bound < 1:
        return [bound * 1.5, bound / 2]
    return [bound + 1, bound - 1] if bound > 1 else [bound + 1]


def _detected(rule: dict[str, Any]) -> Iterator[tuple[str, Change]]:
    detection = rule["detection"]
    first = next(name for name in detection if name != "condition")
    for field, other in _OTHER.items():
        if field in detection[first]:
            yield f"{other} instead", _looking_for(first, field, other)
    for exception in detection["condition"].split(" and not ")[1:]:
        yield f"{exception} is no exception", _without(exception)


def _governed(block: dict[str, Any]) -> Iterator[tuple[str, Change]]:
    for key in ("evidence", "unless"):
        if key in block:
            yield f"no {key}", _ungoverned(key)
    if "unless" in block:
        yield "waits twice as long", _patient


def _shorten(rules: Rules, rule: dict[str, Any]) -> None:
    rule["correlation"]["timespan"] = "1s"
    # With the lateness it had, a window so short would have no bound to speak of.
    rules[0].setdefault("vigil", {})["lateness"] = "1s"


def _lengthen(_rules: Rules, rule: dict[str, Any]) -> None:
    rule["correlation"]["timespan"] = _twice(rule["correlation"]["timespan"])


def _patient(_rules: Rules, rule: dict[str, Any]) -> None:
    rule["vigil"]["unless"]["within"] = _twice(rule["vigil"]["unless"]["within"])


def _twice(duration: str) -> str:
    return f"{2 * int(duration[:-1])}{duration[-1]}"


def _bounded(op: str, bound: float) -> Change:
    return lambda _, rule: rule["correlation"]["condition"].update({op: bound})


def _without_step(step: int) -> Change:
    return lambda _, rule: rule["correlation"]["rules"].pop(step)


def _by_account(_rules: Rules, rule: dict[str, Any]) -> None:
    rule["correlation"]["group-by"] = ["account"]


def _without(exception: str) -> Change:
    def change(_rules: Rules, rule: dict[str, Any]) -> None:
        section = rule.get("detection") or rule["correlation"]
        section["condition"] = section["condition"].replace(f" and not {exception}", "")
        if "rules" in section:
            section["rules"].remove(exception)

    return change


def _any_will_do(_rules: Rules, rule: dict[str, Any]) -> None:
    first, _, rest = rule["correlation"]["condition"].partition(" and ")
    rule["correlation"]["condition"] = f"{first} or {rest}"


def _ungoverned(key: str) -> Change:
    return lambda _, rule: rule["vigil"].pop(key)


def _looking_for(search: str, field: str, other: str) -> Change:
    return lambda _, rule: rule["detection"][search].update({field: other})
