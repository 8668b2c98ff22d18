"""The shipped alerts for a test that can't wait for minutes."""

from __future__ import annotations

import yaml

from tests.watch.promql import ALERTS


def at_once() -> str:
    """The rules of alerts.yml without their `for`."""
    rules = yaml.safe_load(ALERTS.read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule.pop("for", None)
    return str(yaml.safe_dump(rules))
