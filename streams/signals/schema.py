"""The schema in force: the built-in records plus what the operator's schema file adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from streams.signals import schema_file
from streams.signals.decoder import Decoder, make_decoder, make_struct
from streams.signals.records import ENTITIES, INPUTS, TOPICS, Field, FieldType, Record


class Schema:
    """Which topics, fields and values exist; immutable once made.

    `entities` maps each entity type to the reference field that names it, for example
    ``{"device": "device", "repo": "repo"}``.
    """

    def __init__(self, additions: schema_file.Additions | None = None) -> None:
        additions = additions or schema_file.Additions()
        self._fields = {topic: _merge(topic, additions) for topic in INPUTS}
        self._structs: dict[str, type[Record]] = {}
        self.entities: Mapping[str, str] = MappingProxyType({**ENTITIES, **additions.entities})

    @classmethod
    def load(cls, path: Path | None = None) -> Schema:
        """The built-in schema, extended by the file at `path` if one is given.

        Raises:
            SchemaError: the file can't be read or has a mistake; it names file and key and says
                what to do.
        """
        return cls(None if path is None else schema_file.read(path))

    @property
    def topics(self) -> tuple[str, ...]:
        """The input topics rules may read."""
        return tuple(TOPICS)

    def fields(self, topic: str) -> Mapping[str, Field]:
        """The fields of an input topic's records by name. Raises `KeyError` for an unknown one."""
        return self._fields[topic]

    def struct(self, topic: str) -> type[Record]:
        """The struct a topic's records are; the same class at every call."""
        if topic not in self._structs:
            self._structs[topic] = make_struct(topic, self._fields[topic])
        return self._structs[topic]

    def decoder(self, topic: str) -> Decoder:
        """A function from a Kafka record to a checked `Record`; it raises only `Refused`."""
        return make_decoder(self.struct(topic), self._fields[topic])


def _merge(topic: str, additions: schema_file.Additions) -> Mapping[str, Field]:
    fields = {field.name: field for field in INPUTS[topic]}
    for field in INPUTS[topic]:
        added = additions.lists.get((topic, field.listed)) if field.listed else None
        if added is not None:
            kind = FieldType.ENUM if field.type is FieldType.REF else field.type
            fields[field.name] = replace(field, type=kind, values=(*(field.values or ()), *added))
    fields.update({field.name: field for field in additions.attributes.get(topic, ())})
    return MappingProxyType(fields)
