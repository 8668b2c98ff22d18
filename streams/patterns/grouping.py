"""Which fields a correlation groups by and counts, per rule it refers to, down its chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from streams.patterns import correlation_types as types
from streams.patterns.findings import did_you_mean
from streams.patterns.references import References
from streams.patterns.rule import Rule
from streams.signals import Field, FieldType, Schema

_COUNTABLE = (FieldType.REF, FieldType.ENUM, FieldType.NUMBER, FieldType.BOOL)
ACCOUNT = "account"


class Grouping(NamedTuple):
    """What one correlation groups by, as it names it.

    `owner` is whose state it is: the account, or an entity. `entity` is the type of that entity,
    None for an account. `group` is what groups within that, None without.
    """

    owner: str
    entity: str | None
    group: str | None


@dataclass(frozen=True, slots=True)
class Fields:
    """Looks names up: a field, or an alias for one, in what a correlation refers to."""

    schema: Schema
    references: References

    def grouping(self, rule: Rule) -> Grouping | None:
        """How a pattern's outermost correlation groups; None with the mistakes noted."""
        assert rule.correlation is not None
        at = ("correlation", "group-by")
        meant: dict[str, list[Field]] = {}
        for entry in dict.fromkeys(rule.correlation.group_by):
            fields = self.meant(rule, entry, at)
            if fields is None:
                return None
            meant[entry] = fields
        owner, entity = self._owner(meant)
        if owner is None:
            kinds = ", ".join(self.schema.entities)
            rule.error(
                "group-by must name 'account' or an entity",
                f"Vigil decides about accounts, and about what they share: {kinds}",
                at=at,
            )
            return None
        others = [entry for entry in meant if entry != owner]
        if len(others) > 1:
            rule.error(f"group-by takes '{owner}' and at most one more field", "remove one", at=at)
            return None
        for entry in others:
            self._countable(rule, entry, meant[entry], "group by", at)
        return Grouping(owner, entity, others[0] if others else None)

    def below(self, rule: Rule, name: str, child: Rule, outer: Grouping) -> Grouping | None:
        """How the correlation `child`, which `rule` calls `name`, groups within `outer`."""
        assert rule.correlation is not None
        assert child.correlation is not None
        at = ("correlation", "group-by")
        owner = self.name_in(rule, name, outer.owner)
        entries = list(dict.fromkeys(child.correlation.group_by))
        others = [entry for entry in entries if entry != owner]
        if owner not in entries or len(others) > 1:
            rule.error(
                f"'{name}' must group by '{owner}' and at most one more field to be chained here",
                f"it groups by {', '.join(entries)}",
                at=at,
            )
            return None
        wanted = self.name_in(rule, name, outer.group) if outer.group else None
        if wanted and wanted not in others:
            rule.error(
                f"groups by '{outer.group}', which '{name}' does not",
                f"add '{wanted}' to the group-by of '{name}', or leave it out here",
                at=at,
            )
            return None
        for entry in others:
            fields = self.meant(child, entry, at)
            if fields is not None:
                self._countable(child, entry, fields, "group by", at)
        return Grouping(owner, outer.entity, others[0] if others else None)

    @staticmethod
    def name_in(rule: Rule, reference: str, entry: str) -> str:
        """What `entry`, an alias or a field's name, is called in one of the rules referred to."""
        assert rule.correlation is not None
        alias = rule.correlation.aliases.get(entry)
        return entry if alias is None else alias[reference]

    def meant(self, rule: Rule, entry: str, at: Sequence[str]) -> list[Field] | None:
        """The fields `entry` means in the signals `rule` is about; None with the mistake noted."""
        if rule.correlation is None:
            return [self.schema.fields(rule.topic)[entry]]
        found: list[Field] = []
        targets = self.references.of(rule)
        for reference, target in zip(rule.correlation.rules, targets, strict=True):
            name = self.name_in(rule, reference, entry)
            if target.correlation is not None:
                known: Sequence[str] = target.correlation.group_by
                what = f"groups by {', '.join(known)}, and here '{name}' is wanted of it"
                hint = f"add '{name}' to the group-by of '{reference}'"
            else:
                known = tuple(self.schema.fields(target.topic))
                what = f"reads {target.topic}, which has no field '{name}'"
                hint = f"map it with 'aliases' for rule '{reference}'"
            if name not in known:
                names = [*known, *rule.correlation.aliases]
                rule.error(f"rule '{reference}' {what}", did_you_mean(name, names, hint), at=at)
                return None
            below = self.meant(target, name, at)
            if below is None:
                return None
            found += below
        return found

    def values(self, rule: Rule) -> dict[str, str | None]:
        """By reference, the name of what a value_… type counts there; None in other types."""
        spec = rule.correlation
        assert spec is not None
        nothing = dict.fromkeys(spec.rules)
        if spec.type not in types.WITH_FIELD or spec.field is None:
            return dict(nothing)
        at = ("correlation", "condition", "field")
        fields = self.meant(rule, spec.field, at)
        if fields is None:
            return dict(nothing)
        if spec.type in types.NUMERIC:
            self._calculable(rule, spec.field, fields, at)
        else:
            self._countable(rule, spec.field, fields, "count values of", at)
            self._enough_values(rule, fields)
        if len({_words(field) for field in fields}) > 1:
            rule.error(f"'{spec.field}' is not of the same type in all rules", at=at)
        return {name: self.name_in(rule, name, spec.field) for name in spec.rules}

    def _owner(self, meant: Mapping[str, list[Field]]) -> tuple[str | None, str | None]:
        for entry, fields in meant.items():
            if all(field.name == ACCOUNT for field in fields):
                return entry, None
        for entry, fields in meant.items():
            for entity, name in self.schema.entities.items():
                if all(field.name == name for field in fields):
                    return entry, entity
        return None, None

    @staticmethod
    def _countable(
        rule: Rule, entry: str, fields: Sequence[Field], what: str, at: Sequence[str]
    ) -> None:
        for field in fields:
            if field.type not in _COUNTABLE:
                rule.error(f"can't {what} '{entry}', a field of type {field.type}", at=at)
                return

    @staticmethod
    def _calculable(rule: Rule, entry: str, fields: Sequence[Field], at: Sequence[str]) -> None:
        spec = rule.correlation
        assert spec is not None
        assert spec.threshold is not None
        for field in fields:
            if field.type is not FieldType.NUMBER:
                rule.error(
                    f"can't calculate with '{entry}', a field of type {field.type}",
                    "value_count counts its distinct values",
                    at=at,
                )
                return
        low, high = min(_low(f) for f in fields), max(_high(f) for f in fields)
        if spec.type == types.VALUE_SUM:
            low, high = (float("-inf") if low < 0 else low), float("inf")
        if not spec.threshold.within(low, high):
            rule.error(
                f"'{spec.threshold.op}: {spec.threshold.bound:g}' can never hold: "
                f"the {spec.type} of '{entry}' lies between {low:g} and {high:g}",
                at=("correlation", "condition"),
            )

    @staticmethod
    def _enough_values(rule: Rule, fields: Sequence[Field]) -> None:
        spec = rule.correlation
        assert spec is not None
        assert spec.threshold is not None
        if any(field.values is None for field in fields):
            return
        most = len({value for field in fields for value in field.values or ()})
        if not spec.threshold.possible(most):
            rule.error(
                f"'{spec.threshold.op}: {spec.threshold.bound}' can never hold: "
                f"'{spec.field}' has {most} values",
                "lower the threshold",
                at=("correlation", "condition"),
            )


def _low(field: Field) -> float:
    return float("-inf") if field.low is None else field.low


def _high(field: Field) -> float:
    return float("inf") if field.high is None else field.high


def _words(field: Field) -> object:
    return FieldType.REF if field.type is FieldType.ENUM else field.type
