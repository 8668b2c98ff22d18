"""Reading the operator's schema file (TOML, CONTRACT.md 'Schema file'), every mistake named."""

import difflib
import keyword
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streams.signals.ids import is_id
from streams.signals.records import ENTITIES, INPUTS, TOPICS, WITH_ATTRIBUTES, Field, FieldType

MAX_FILE_BYTES = 1_048_576

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z").match
_ATTRIBUTE_TYPES = (FieldType.REF, FieldType.ENUM, FieldType.NUMBER, FieldType.BOOL)
_RESERVED = frozenset({"topic"})
_ATTRIBUTES = "attributes"
_ENTITIES = "entities"


class SchemaError(Exception):
    """A schema file that can't be used: `path`, the dotted `key`, and what to do about it."""

    def __init__(self, path: Path, key: str, problem: str) -> None:
        self.path = path
        self.key = key
        self.problem = problem
        super().__init__(f"{path}: {key}: {problem}" if key else f"{path}: {problem}")


@dataclass(slots=True)
class Additions:
    """What a schema file adds: closed lists by (topic, list key), attributes by topic, entities."""

    lists: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    attributes: dict[str, tuple[Field, ...]] = field(default_factory=dict)
    entities: dict[str, str] = field(default_factory=dict)


def read(path: Path) -> Additions:
    """Read a schema file. Raises `SchemaError`, also when the file can't be read."""
    return _Reader(path).read()


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Additions:
        additions = Additions()
        document = self._document()
        for section, body in document.items():
            if section not in INPUTS and section != _ENTITIES:
                self._unknown(section, "section", section, [*INPUTS, _ENTITIES])
            if not isinstance(body, dict):
                raise SchemaError(self.path, section, f"must be a table: write [{section}]")
            if section in INPUTS:
                self._topic(section, body, additions)
        # Last, because an entity may stand on an attribute of any section.
        self._entities(document.get(_ENTITIES, {}), additions)
        return additions

    def _document(self) -> dict[str, Any]:
        try:
            raw = self.path.read_bytes()
        except OSError as error:
            raise SchemaError(self.path, "", f"can't be read: {error.strerror}") from None
        if len(raw) > MAX_FILE_BYTES:
            raise SchemaError(self.path, "", f"is over {MAX_FILE_BYTES} bytes: not a schema file?")
        try:
            return tomllib.loads(raw.decode())
        except UnicodeDecodeError:
            raise SchemaError(self.path, "", "is not UTF-8: save it as UTF-8") from None
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise SchemaError(self.path, "", f"is not TOML: {error}") from None

    def _topic(self, topic: str, body: Mapping[str, Any], additions: Additions) -> None:
        lists = {f.listed: f for f in INPUTS[topic] if f.listed}
        allowed = [*lists, *([_ATTRIBUTES] if topic in WITH_ATTRIBUTES else [])]
        for key, value in body.items():
            where = f"{topic}.{key}"
            if key not in allowed:
                self._unknown(where, "key", key, allowed)
            elif key == _ATTRIBUTES:
                additions.attributes[topic] = self._attributes(topic, value)
            else:
                values = self._closed_list(where, value)
                for known in lists[key].values or ():
                    if known in values:
                        raise SchemaError(self.path, where, f"{known!r} is built in: remove it")
                additions.lists[topic, key] = values

    def _attributes(self, topic: str, body: object) -> tuple[Field, ...]:
        where = f"{topic}.{_ATTRIBUTES}"
        if not isinstance(body, dict):
            raise SchemaError(self.path, where, f"must be a table: write [{where}]")
        built_in = {f.name for f in INPUTS[topic]}
        for name in body:
            at = f"{where}.{name}"
            if not _NAME(name) or keyword.iskeyword(name) or name in _RESERVED:
                raise SchemaError(
                    self.path,
                    at,
                    "can't be a field's name: use a-z, 0-9 and _, beginning with a letter, up to"
                    " 64 characters, and no word Python or Vigil reserves",
                )
            if name in built_in:
                raise SchemaError(self.path, at, "is a built-in field: choose another name")
        return tuple(self._attribute(f"{where}.{name}", name, spec) for name, spec in body.items())

    def _attribute(self, where: str, name: str, spec: object) -> Field:
        example = f'write {name} = {{type = "ref"}}'
        if not isinstance(spec, dict):
            raise SchemaError(self.path, where, f"must be an inline table: {example}")
        for key in spec:
            if key not in ("type", "values"):
                self._unknown(f"{where}.{key}", "key", key, ["type", "values"])
        kind = spec.get("type")
        if kind not in _ATTRIBUTE_TYPES:
            names = ", ".join(_ATTRIBUTE_TYPES)
            raise SchemaError(
                self.path, f"{where}.type", f"must be one of {names} (there is no text type)"
            )
        if kind == FieldType.ENUM:
            if not spec.get("values"):
                raise SchemaError(
                    self.path, where, 'an enum needs its closed list: add values = ["…"]'
                )
            values = self._closed_list(f"{where}.values", spec["values"])
            return Field(name, FieldType.ENUM, values=values)
        if "values" in spec:
            raise SchemaError(
                self.path, f"{where}.values", 'only an enum has values: make it type = "enum"'
            )
        return Field(name, FieldType(kind))

    def _entities(self, body: Mapping[str, Any], additions: Additions) -> None:
        refs = {f.name for fields in TOPICS.values() for f in fields if f.type is FieldType.REF}
        refs |= {
            f.name
            for fields in additions.attributes.values()
            for f in fields
            if f.type is FieldType.REF
        }
        for name, ref in body.items():
            where = f"{_ENTITIES}.{name}"
            if not _NAME(name):
                raise SchemaError(
                    self.path, where, "can't be an entity's name: use a-z, 0-9 and _, letter first"
                )
            if name in ENTITIES:
                raise SchemaError(self.path, where, "is a built-in entity: remove it")
            if not isinstance(ref, str) or ref not in refs - {"id", "account"}:
                raise SchemaError(
                    self.path,
                    where,
                    "must name a field of type ref: declare it under [activity.attributes] first",
                )
            additions.entities[name] = ref

    def _closed_list(self, where: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise SchemaError(self.path, where, 'must be a list of strings: ["a", "b"]')
        for item in value:
            if not is_id(item):
                raise SchemaError(
                    self.path,
                    where,
                    f"{item[:80]!r} can't be a value: 1 to 64 characters of A-Z a-z 0-9 _ . : -",
                )
        if len(set(value)) < len(value):
            twice = next(item for item in value if value.count(item) > 1)
            raise SchemaError(self.path, where, f"{twice!r} stands there twice: remove one")
        return tuple(value)

    def _unknown(self, where: str, what: str, name: str, allowed: Iterable[str]) -> None:
        allowed = list(allowed)
        close = difflib.get_close_matches(name, allowed, n=1)
        hint = f"did you mean {close[0]}?" if close else f"use one of {', '.join(allowed)}"
        raise SchemaError(self.path, where, f"unknown {what}: {hint}")
