"""The shape of everything workers of two versions may hand each other, as text to compare.

A line is a kind of state record with its version, or a record between agents, with the fields of
its struct and of what is in it. `shapes.txt` keeps each kind and version there ever was: a shape may
not change under its version, for an older worker takes what it finds for what it knows.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import msgspec

from streams.agents.contract import Agent
from streams.engine.state_format import SOURCE
from streams.records import AccountSignal, EntitySignal, Proposal

FILE = Path(__file__).with_name("shapes.txt")

BETWEEN = {"proposals": Proposal, "account-signals": AccountSignal, "entity-signals": EntitySignal}


def today(agents: list[Agent]) -> dict[str, str]:
    """Name and version → shape, as the code has them."""
    found = {f"engine O {SOURCE.version}": shape(SOURCE.struct)}
    for agent in agents:
        for kind in agent.kinds:
            found[f"{agent.name} {kind.tag.decode()} {kind.version}"] = shape(kind.struct)
    for topic, struct in BETWEEN.items():
        found[f"between {topic}"] = shape(struct)
    return found


def kept(file: Path = FILE) -> dict[str, str]:
    """The same as the file has them."""
    lines = file.read_text().splitlines() if file.exists() else []
    return dict(line.split(": ", 1) for line in lines)


def keep(shapes: dict[str, str], file: Path = FILE) -> None:
    """Add what is new. Raises ValueError for a shape that changed under its version."""
    known = kept(file)
    changed = [name for name, text in shapes.items() if known.get(name, text) != text]
    # What agents tell each other has no version: it only ever grows, see docs/decisions/0046.
    if changed := [name for name in changed if not name.startswith("between ")]:
        raise ValueError(f"changed without a version of their own: {', '.join(changed)}")
    lines = sorted(f"{name}: {text}\n" for name, text in (known | shapes).items())
    file.write_text("".join(lines))


def shape(struct: type[msgspec.Struct]) -> str:
    """A struct's fields in order, and after it those of the structs and enums in it."""
    return "; ".join(_each(struct, set()))


def _each(struct: type[Any], seen: set[type]) -> Iterator[str]:
    seen.add(struct)
    if issubclass(struct, Enum):
        yield f"{struct.__name__}({', '.join(member.value for member in struct)})"
        return
    fields = msgspec.structs.fields(struct)
    inside = ", ".join(f"{field.name} {_type(field.type)}" for field in fields)
    yield f"{struct.__name__}({inside})"
    for field in fields:
        for other in _inside(field.type):
            if other not in seen:
                yield from _each(other, seen)


def _type(annotation: Any) -> str:
    return inspect.formatannotation(annotation).replace("streams.", "")


def _inside(annotation: Any) -> Iterator[type[Any]]:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct | Enum):
        yield annotation
    for argument in get_args(annotation):
        yield from _inside(argument)
