"""Durations as rule files write them; the policy file writes them the same way."""

from streams.signals.durations import format_duration, parse_duration_ms

__all__ = ["format_duration", "parse_duration_ms"]
