"""Which fields a correlation groups by and counts, per rule it refers to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.patterns.correlation_rules import VALUE_COUNT, CorrelationRule
from streams.patterns.documents import Document
from streams.patterns.findings import did_you_mean
from streams.signals import Field, FieldType, Schema

_COUNTABLE = (FieldType.REF, FieldType.ENUM, FieldType.NUMBER, FieldType.BOOL)
ACCOUNT = "account"


def group_field(
    document: Document, spec: CorrelationRule, topics: Sequence[str], schema: Schema
) -> tuple[str | None, list[str | None]]:
    """What groups beside the account: its name, and the field each referenced rule has for it.

    (None, [None, …]) where the account alone groups; mistakes are noted in the report.
    """
    report, line = document.report, document.data.line_of("correlation", "group-by")
    nothing: list[str | None] = [None] * len(topics)
    meant = _Meant(document, spec, topics, schema)
    by_account, others = False, []
    for entry in dict.fromkeys(spec.group_by):
        fields = meant.by(entry, line)
        if fields is None:
            return None, nothing
        if all(field.name == ACCOUNT for field in fields):
            by_account = True
        else:
            others.append((entry, fields))
    if not by_account:
        entities = [entry for entry, fields in others if fields[0].name in schema.entities.values()]
        if entities:
            report.error(
                line,
                "group-by without 'account' needs the entities agent, which is not here yet",
                f"write [account, {entities[0]}] to count per account and {entities[0]}",
            )
        else:
            report.error(line, "group-by must name 'account'", "Vigil decides about accounts")
        return None, nothing
    if len(others) > 1:
        report.error(line, "group-by takes 'account' and at most one more field", "remove one")
        return None, nothing
    if not others:
        return None, nothing
    name, fields = others[0]
    for field in fields:
        if field.type not in _COUNTABLE:
            report.error(line, f"can't group by '{field.name}', a field of type {field.type}")
    return name, [field.name for field in fields]


def value_fields(
    document: Document, spec: CorrelationRule, topics: Sequence[str], schema: Schema
) -> list[str | None]:
    """The field whose values a value_count counts, per referenced rule; None in other types."""
    if spec.type != VALUE_COUNT or spec.field is None:
        return [None] * len(topics)
    report, line = document.report, document.data.line_of("correlation", "condition", "field")
    fields = _Meant(document, spec, topics, schema).by(spec.field, line)
    if fields is None:
        return [None] * len(topics)
    for field in fields:
        if field.type not in _COUNTABLE:
            report.error(
                line, f"can't count values of '{field.name}', a field of type {field.type}"
            )
    if len({_words(field) for field in fields}) > 1:
        report.error(line, f"'{spec.field}' is not of the same type in all rules")
    most = None
    if all(field.values is not None for field in fields):
        most = len({value for field in fields for value in field.values or ()})
    if spec.threshold is not None and most is not None and not spec.threshold.possible(most):
        report.error(
            document.data.line_of("correlation", "condition"),
            f"'{spec.threshold.op}: {spec.threshold.bound}' can never hold: "
            f"'{spec.field}' has {most} values",
            "lower the threshold",
        )
    return [field.name for field in fields]


def _words(field: Field) -> object:
    return FieldType.REF if field.type is FieldType.ENUM else field.type


@dataclass(frozen=True, slots=True)
class _Meant:
    document: Document
    spec: CorrelationRule
    topics: Sequence[str]
    schema: Schema

    def by(self, entry: str, line: int) -> list[Field] | None:
        """The field that `entry`, an alias or a field name, means in each referenced rule."""
        alias = self.spec.aliases.get(entry)
        found = []
        for reference, topic in zip(self.spec.rules, self.topics, strict=True):
            name = entry if alias is None else alias[reference]
            fields = self.schema.fields(topic)
            if name not in fields:
                known = [*fields, *self.spec.aliases]
                hint = did_you_mean(name, known, f"map it with 'aliases' for rule '{reference}'")
                self.document.report.error(
                    line, f"rule '{reference}' reads {topic}, which has no field '{name}'", hint
                )
                return None
            found.append(fields[name])
        return found
