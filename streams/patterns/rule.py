"""A rule as it was read, on its way to a pattern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.patterns.block import Block
from streams.patterns.conditions import Condition
from streams.patterns.correlation_rules import CorrelationRule
from streams.patterns.documents import Document
from streams.patterns.metadata import Metadata


@dataclass(slots=True)
class Rule:
    """Metadata, block, and one of: a detection's or filter's condition with its topic, a correlation.

    `filters` is None for what is no filter, () for one that applies to every rule of its topic, and
    else the names and ids it applies to. `referenced_by` are the correlations that refer to it and
    the patterns it keeps from being told; `narrowed_by` the filters that apply to it.
    """

    document: Document
    metadata: Metadata
    block: Block
    topic: str = ""
    condition: Condition | None = None
    correlation: CorrelationRule | None = None
    filters: tuple[str, ...] | None = None
    referenced_by: list[Rule] = field(default_factory=list)
    narrowed_by: list[Rule] = field(default_factory=list)

    def error(self, message: str, suggestion: str = "", *, at: Sequence[str] = ()) -> None:
        """Note a mistake at the line of a key path."""
        self.document.report.error(self.document.data.line_of(*at), message, suggestion)

    @property
    def loaded(self) -> bool:
        """Whether its status lets it load."""
        return self.metadata.mode is not None

    @property
    def detection(self) -> dict[str, Any]:
        """Its searches and the condition over them, as written."""
        section: dict[str, Any] = self.document.data["detection"]
        return section
