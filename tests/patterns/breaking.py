"""Breaking shipped patterns on purpose: what is left of one must fail its own tests."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Rules = list[dict[str, Any]]

_OPERATORS = ("gte", "gt", "lte", "lt")
# Values nothing in the catalogue looks for.
_OTHER = {"kind": "account.closed", "category": "terrorism", "outcome": "deferred"}


def read(path: Path) -> Rules:
    """The documents of a rule file; the first is the pattern."""
    return list(yaml.safe_load_all(path.read_text()))


def write(directory: Path, rules: Rules) -> None:
    """Write documents as the only rule file of a directory."""
    (directory / "rules.yml").write_text(yaml.safe_dump_all(rules, sort_keys=False))


def broken(rules: Rules) -> Iterator[tuple[str, Rules]]:
    """(what was done, the documents after it) for everything that can be broken in a pattern."""
    for number, rule in enumerate(rules):
        who = rule.get("name", "pattern")
        section = rule.get("correlation")
        for what, change in _changes(rule) if section is None else _correlated(section):
            result = copy.deepcopy(rules)
            change(result[number])
            yield f"{who}: {what}", result
    for what, change in _governed(rules[0].get("vigil", {})):
        result = copy.deepcopy(rules)
        change(result[0]["vigil"])
        yield what, result


def _correlated(section: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "a window of one second", _shorten
    yield "a window twice as long", _lengthen
    condition = section.get("condition")
    if isinstance(condition, dict):
        for op, bound in condition.items():
            if op in _OPERATORS:
                for other in (bound + 1, bound - 1 if bound > 1 else bound / 2):
                    yield f"{op} {other} instead of {bound}", _bounded(op, other)
    if isinstance(condition, str) and " and not " in condition:
        yield "no exception", _without_exception
    if section["type"] == "temporal_ordered":
        for step in range(len(section["rules"])) if len(section["rules"]) > 2 else ():
            yield f"without step {step + 1}", _without_step(step)
    if len(section["group-by"]) > 1:
        yield "grouped by the account alone", _by_account


def _changes(rule: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    detection = rule["detection"]
    names = [name for name in detection if name != "condition"]
    for field, other in _OTHER.items():
        if field in detection[names[0]]:
            yield f"{other} instead", _looking_for(names[0], field, other)
    if " and not " in detection["condition"]:
        yield "no exception", _without_exception


def _governed(block: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if "evidence" in block:
        yield "one source is enough", lambda changed: changed.pop("evidence")
    if "unless" in block:
        yield "nothing holds it back", lambda changed: changed.pop("unless")


def _shorten(rule: dict[str, Any]) -> None:
    rule["correlation"]["timespan"] = "1s"
    rule.setdefault("vigil", {})["lateness"] = "1s"  # as long as it was, the state had no bound
    rule["vigil"].pop("cooldown", None)


def _lengthen(rule: dict[str, Any]) -> None:
    number, unit = rule["correlation"]["timespan"][:-1], rule["correlation"]["timespan"][-1]
    rule["correlation"]["timespan"] = f"{2 * int(number)}{unit}"


def _bounded(op: str, bound: float) -> Any:
    return lambda rule: rule["correlation"]["condition"].update({op: bound})


def _without_step(step: int) -> Any:
    return lambda rule: rule["correlation"]["rules"].pop(step)


def _by_account(rule: dict[str, Any]) -> None:
    rule["correlation"]["group-by"] = ["account"]


def _without_exception(rule: dict[str, Any]) -> None:
    section = rule.get("detection") or rule["correlation"]
    section["condition"] = section["condition"].split(" and not ")[0]


def _looking_for(search: str, field: str, other: str) -> Any:
    return lambda rule: rule["detection"][search].update({field: other})
