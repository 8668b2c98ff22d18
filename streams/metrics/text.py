"""Prometheus' text format, made anew only where something is new.

The client library writes each line the first time; from then on what stands before its number is
kept, and only the number is written again. That halves the time, which a worker under load pays on
the thread that has to answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.utils import floatToGoString


class Text:
    """The text of a registry, as `generate_latest` makes it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._heads: dict[str, str] = {}
        self._starts: dict[tuple[str, ...], str] = {}

    def __call__(self) -> bytes:
        """The text as of now."""
        parts = []
        for family in self._registry.collect():
            try:
                parts.append(self._again(family))
            except KeyError:
                parts.append(self._first(family))
        return "".join(parts).encode()

    def _again(self, family: Metric) -> str:
        """Raises `KeyError` for what has not been written before."""
        starts = self._starts
        number: Callable[[float], str] = floatToGoString
        return self._heads[family.name] + "".join(
            [
                f"{starts[one.name, *one.labels.values()]} {number(one.value)}\n"
                for one in family.samples
            ]
        )

    def _first(self, family: Metric) -> str:
        text = generate_latest(_Only(family)).decode()
        lines = text.splitlines(keepends=True)
        self._heads[family.name] = "".join(line for line in lines if line.startswith("#"))
        written = (line for line in lines if not line.startswith("#"))
        for one, line in zip(family.samples, written, strict=True):
            self._starts[one.name, *one.labels.values()] = line.rpartition(" ")[0]
        return text


class _Only(NamedTuple):
    """A registry with one family."""

    family: Metric

    def collect(self) -> Iterator[Metric]:
        """All there is."""
        yield self.family
