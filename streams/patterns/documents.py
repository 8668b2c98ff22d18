"""Rule files as YAML, read once and with the line of every key and item kept.

pySigma gives no line numbers, and a plain YAML loader takes bombs: a few nested aliases that
unfold to billions of nodes, or nesting deep enough to end the process. So the event stream is read
here, bounded, into ordinary dicts and lists that remember their lines. Scalars become what
YAML 1.1 says (`yes` is a boolean), because that is how every other Sigma tool reads the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from streams.patterns.findings import Report

MAX_FILE_BYTES = 1024 * 1024
MAX_NODES = 50_000
"""Scalars, lists and mappings of one file, each alias counted as what it stands for."""
MAX_DEPTH = 24

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Lined(dict[str, Any]):
    """A mapping that knows the line of each key, and its own: that of the key it stands under."""

    __slots__ = ("line", "lines", "nodes")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}
        self.nodes = 1

    def line_of(self, *path: str) -> int:
        """The line of a key, or of the deepest key on `path` that is there."""
        line, here = self.line, self
        for key in path:
            if key not in here.lines:
                break
            line = here.lines[key]
            below = here[key]
            if not isinstance(below, Lined):
                break
            here = below
        return line


class LinedList(list[Any]):
    """A list that knows the line of each item, and its own: that of the key it stands under."""

    __slots__ = ("line", "lines", "nodes")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []
        self.nodes = 1


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document of a rule file."""

    file: str
    line: int
    data: Lined
    report: Report


class _Refused(Exception):
    def __init__(self, line: int, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.line, self.message, self.suggestion = line, message, suggestion


def read_documents(raw: bytes, report: Report) -> list[Document]:
    """Every non-empty document of a file; what is wrong with it is noted in `report` instead."""
    if len(raw) > MAX_FILE_BYTES:
        report.error(0, f"is larger than {MAX_FILE_BYTES // 1024} KiB", "split it into several")
        return []
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        report.error(line, "is not UTF-8", "save the file as UTF-8")
        return []
    return _parse(text, report)


def _parse(text: str, report: Report) -> list[Document]:
    documents = []
    try:
        for line, data in _Builder().documents(text):
            if data is None:
                continue
            if not isinstance(data, Lined):
                report.error(line, "a rule must be a mapping", "start with 'title:' and 'id:'")
                continue
            documents.append(Document(report.file, line, data, report))
    except _Refused as refused:
        report.error(refused.line, refused.message, refused.suggestion)
        return []
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 0
        problem = error.problem or error.context or "not valid YAML"
        report.error(line, f"not valid YAML: {problem}", _yaml_hint(problem))
        return []
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 0
        report.error(line, "holds a character YAML doesn't allow", "remove control characters")
        return []
    return documents


def _yaml_hint(problem: str) -> str:
    if "'\\t'" in problem or "tab" in problem:
        return "indent with spaces"
    if "mapping values" in problem:
        return "quote a value that has a colon and a space in it"
    return "check indentation, quotes and brackets here and on the line before"


class _Builder:
    """From YAML events to lined values, with a stack of its own: depth can't exhaust Python's."""

    def __init__(self) -> None:
        self._nodes = 0
        self._anchors: dict[str, Any] = {}
        self._scalars = yaml.SafeLoader("")

    def documents(self, text: str) -> list[tuple[int, Any]]:
        found: list[tuple[int, Any]] = []
        stack: list[tuple[Lined | LinedList, str | None]] = []  # container, its anchor
        keys: list[str | None] = []  # the pending key of each open mapping
        for event in yaml.parse(text, Loader=_Loader):
            line = event.start_mark.line + 1 if event.start_mark else 0
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                continue
            if isinstance(event, yaml.ScalarEvent):
                value: Any = self._scalar(event, line)
                self._count(1, line)
            elif isinstance(event, yaml.AliasEvent):
                value = self._alias(event.anchor, line)
            elif isinstance(event, yaml.CollectionStartEvent):
                if len(stack) >= MAX_DEPTH:
                    raise _Refused(line, f"is nested deeper than {MAX_DEPTH} levels", "flatten it")
                self._count(1, line)
                mapping = isinstance(event, yaml.MappingStartEvent)
                stack.append((Lined(line) if mapping else LinedList(line), event.anchor))
                keys.append(None)
                continue
            elif isinstance(event, yaml.CollectionEndEvent):
                value, anchor = stack.pop()
                keys.pop()
                line = value.line
                if anchor:
                    self._anchors[anchor] = value
            else:
                continue
            if not stack:
                found.append((line, value))
            elif isinstance(stack[-1][0], LinedList):
                _append(stack[-1][0], value, line)
            else:
                keys[-1] = _enter(stack[-1][0], keys[-1], value, line)
        return found

    def _count(self, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise _Refused(
                line,
                f"unfolds to more than {MAX_NODES} values",
                "remove the aliases that repeat each other, or split the file",
            )

    def _alias(self, anchor: str | None, line: int) -> Any:
        if anchor is None or anchor not in self._anchors:
            raise _Refused(line, f"alias '*{anchor}' stands inside or before what it names")
        value = self._anchors[anchor]
        self._count(getattr(value, "nodes", 1), line)
        return value

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._scalars.resolve(  # type: ignore[no-untyped-call]
                yaml.ScalarNode, event.value, event.implicit
            )
        if tag in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:merge"):
            value: Any = event.value
        else:
            node = yaml.ScalarNode(tag, event.value)
            try:
                value = self._scalars.construct_object(node, deep=True)
            except (yaml.constructor.ConstructorError, ValueError, OverflowError):
                raise _Refused(line, f"a value of type {tag} can't be read", "quote it") from None
        if isinstance(value, bytes):
            raise _Refused(line, "binary values have no meaning here", "remove '!!binary'")
        if event.anchor:
            self._anchors[event.anchor] = value
        return value


def _append(target: LinedList, value: Any, line: int) -> None:
    target.append(value)
    target.lines.append(line)
    target.nodes += getattr(value, "nodes", 1)


def _enter(target: Lined, key: str | None, value: Any, line: int) -> str | None:
    """Take the next half of a key-value pair; the key still waiting for its value, or None."""
    if key is None:
        if not isinstance(value, str | int | float | bool) and value is not None:
            raise _Refused(line, "a key must be a plain word", "remove the brackets around it")
        name = value if isinstance(value, str) else str(value)
        if name == "<<":
            raise _Refused(line, "merge keys ('<<') are not part of Sigma", "write the keys out")
        if name in target.lines:
            raise _Refused(
                line,
                f"'{name}' stands twice in the same mapping (first on line {target.lines[name]})",
                "YAML would silently keep only one: remove the other, or make it a list",
            )
        target.lines[name] = line
        return name
    if isinstance(value, Lined | LinedList):
        value.line = target.lines[key]
    target[key] = value
    target.nodes += 1 + getattr(value, "nodes", 1)
    return None
