"""A warehouse for tests: recorded signals as tables of SQLite, and rules as queries on them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.processing.pipeline import ProcessingPipeline

from streams.signals.times import parse_ms
from tests.patterns.driving import SCHEMA

PIPELINE = Path(__file__).parents[2] / "deploy" / "sigma" / "tables.yml"


def queries(text: str) -> list[str]:
    """The queries of a rule file's documents: of a correlation, or of every rule that stands alone."""
    # A backend keeps what it compiled by the identity of rule objects: each gets one of its own.
    pipeline = ProcessingPipeline.from_yaml(PIPELINE.read_text())
    backend = sqliteBackend(pipeline, timestamp_field="at", timestamp_format="unix_ms")
    return list(backend.convert(SigmaCollection.from_yaml(text)))


def alone(rule: dict[str, Any]) -> str:
    """One rule as the text of a file that holds nothing else."""
    return yaml.safe_dump(rule, sort_keys=False)


class Warehouse:
    """Tables with a column per field; the same id of an account again changes nothing."""

    def __init__(self, records: Iterable[tuple[str, bytes, bytes, int]]) -> None:
        self._db = sqlite3.connect(":memory:")
        self._columns = {topic: list(SCHEMA.fields(topic)) for topic in SCHEMA.topics}
        for topic, columns in self._columns.items():
            named = ", ".join(f"`{name}`" for name in columns)
            self._db.execute(f"create table {_table(topic)} ({named}, primary key (account, id))")
        for topic, _, value, _ in records:
            self._insert(topic, json.loads(value))

    def _insert(self, topic: str, record: dict[str, Any]) -> None:
        record["at"] = parse_ms(record["at"])
        columns = self._columns[topic]
        marks = ", ".join("?" * len(columns))
        row = [_cell(record.get(name)) for name in columns]
        self._db.execute(f"insert or ignore into {_table(topic)} values ({marks})", row)

    def rows(self, query: str) -> list[dict[str, Any]]:
        """The result, a mapping a row."""
        cursor = self._db.execute(query)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def ids(self, query: str) -> set[tuple[str, str]]:
        """(account, id) of the records a detection's query finds."""
        return {(row["account"], row["id"]) for row in self.rows(query)}

    def moments(self, query: str) -> dict[str, list[int]]:
        """Group → when a correlation's query finds it satisfied, ms, ascending."""
        found: dict[str, list[int]] = {}
        for row in self.rows(query):
            group = "/".join(json.loads(row["group_keys"]).values())
            found.setdefault(group, []).append(round(row["occurrence_time"] * 1000))
        return {group: sorted(times) for group, times in found.items()}


def _table(topic: str) -> str:
    return topic.replace("-", "_")


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list) else value
