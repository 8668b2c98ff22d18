"""Which rules refer to which: names and ids resolved, circles found, filters applied."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from streams.patterns.conditions import Always, all_of
from streams.patterns.findings import did_you_mean
from streams.patterns.rule import Rule


class References:
    """All rules of a rule set by name and id.

    `broken` are names and ids of rules that could not be read: that a reference to one of them
    leads nowhere is no mistake of its own.
    """

    def __init__(self, rules: Sequence[Rule], broken: Collection[str] = ()) -> None:
        self._rules = rules
        self._broken = broken
        self._known: dict[str, Rule] = {}
        self._of: dict[int, list[Rule]] = {}
        self._stops: dict[int, list[Rule]] = {}
        self._index()
        for rule in rules:
            if rule.correlation is not None:
                self._of[id(rule)] = self._resolve(rule)
        for rule in rules:
            if rule.block.unless is not None:
                self._stops[id(rule)] = self._resolve_stops(rule, rule.block.unless.rules)
        for rule in rules:
            if rule.filters is not None and rule.loaded:
                self._apply(rule, rule.filters)

    def of(self, rule: Rule) -> list[Rule]:
        """The rules a correlation refers to, one per reference; empty with the mistakes noted."""
        return self._of.get(id(rule), [])

    def stops(self, rule: Rule) -> list[Rule]:
        """The rules of its `unless`; empty with the mistakes noted."""
        return self._stops.get(id(rule), [])

    @staticmethod
    def reports(rule: Rule) -> bool:
        """A rule others refer to is silent, unless it or one of them says `generate: true`."""
        return rule.filters is None and (
            not rule.referenced_by
            or rule.metadata.generate
            or any(
                other.metadata.generate or (other.correlation and other.correlation.generate)
                for other in rule.referenced_by
            )
        )

    def _index(self) -> None:
        for rule in self._rules:
            for kind, word in (("id", rule.metadata.id), ("name", rule.metadata.name)):
                if not word:
                    continue
                first = self._known.setdefault(word, rule)
                if first is not rule:
                    place = f"{first.document.file}:{first.document.data.line_of(kind)}"
                    hint = "give the copy its own" if kind == "id" else "rename one"
                    rule.error(f"{kind} '{word}' is already taken by {place}", hint, at=(kind,))

    def _resolve(self, rule: Rule) -> list[Rule]:
        assert rule.correlation is not None
        at = ("correlation", "rules")
        names = rule.correlation.rules
        found = [self._target(rule, name, at) for name in names]
        if None in found:
            return []
        targets = [target for target in found if target is not None]
        for name, target in zip(names, targets, strict=True):
            if target is rule or self._leads_to(target, rule):
                rule.error(f"refers to itself through '{name}'", "break the circle", at=at)
                return []
        self._note(rule, targets)
        return targets

    def _resolve_stops(self, rule: Rule, names: Sequence[str]) -> list[Rule]:
        at = ("vigil", "unless", "rules")
        found = [self._target(rule, name, at) for name in names]
        targets = [target for target in found if target is not None]
        for target in targets:
            if target.correlation is not None:
                rule.error(
                    f"'unless' names the correlation '{target.metadata.name}': absence is judged "
                    "record by record",
                    "name detection rules",
                    at=at,
                )
                return []
        self._note(rule, targets)
        return targets if len(targets) == len(names) else []

    def _target(self, rule: Rule, name: str, at: Sequence[str]) -> Rule | None:
        """The rule of that name, or of that id however it is written; what is wrong is noted."""
        target = self._known.get(name) or self._known.get(name.lower())
        if target is None:
            if name not in self._broken:
                hint = did_you_mean(name, self._known, "give a rule that 'name:' or 'id:'")
                rule.error(f"refers to '{name}', which no rule is called", hint, at=at)
            return None
        if target.filters is not None:
            rule.error(f"refers to '{name}', a filter", "refer to the rule it narrows", at=at)
            return None
        if not target.loaded and rule.loaded:
            rule.error(
                f"refers to '{name}', which its status keeps from being loaded",
                "give that rule status stable, test or experimental",
                at=at,
            )
            return None
        return target

    @staticmethod
    def _note(rule: Rule, targets: Sequence[Rule]) -> None:
        if rule.loaded:
            for target in targets:
                target.referenced_by.append(rule)

    def _leads_to(self, start: Rule, goal: Rule) -> bool:
        seen: set[int] = set()
        todo = [start]
        while todo:
            rule = todo.pop()
            if rule is goal:
                return True
            if id(rule) in seen or rule.correlation is None:
                continue
            seen.add(id(rule))
            names = rule.correlation.rules
            known = (self._known.get(name) or self._known.get(name.lower()) for name in names)
            todo += [target for target in known if target is not None]
        return False

    def _apply(self, rule: Rule, names: Sequence[str]) -> None:
        """Narrow the rules a filter is about."""
        at = ("filter", "rules")
        targets = [self._target(rule, name, at) for name in names]
        if not names:
            targets = [
                other
                for other in self._rules
                if other.topic == rule.topic and other.filters is None and other.loaded
            ]
        narrowed = 0
        for target in targets:
            if target is None:
                continue
            if target.topic != rule.topic:
                what = "a correlation" if target.correlation else f"about {target.topic}"
                rule.error(
                    f"can't narrow '{target.metadata.name or target.metadata.id}': it is {what}, "
                    f"and the filter is about {rule.topic}",
                    "filter the detection rules of its own log source",
                    at=at,
                )
                continue
            narrowed += 1
            self._narrow(rule, target)
        if not narrowed and not any(target is None for target in targets):
            rule.document.report.warning(
                rule.document.data.line_of(*at), "this filter applies to no rule", "remove it"
            )

    @staticmethod
    def _narrow(rule: Rule, target: Rule) -> None:
        assert target.condition is not None
        assert rule.condition is not None
        target.condition = all_of((target.condition, rule.condition))
        target.narrowed_by.append(rule)
        if target.condition == Always(False):
            name = target.metadata.name or target.metadata.title
            rule.error(
                f"leaves nothing of '{name}': no signal can match both",
                "most filters say 'condition: not …'",
                at=("filter", "condition"),
            )
