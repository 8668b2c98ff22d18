"""How a line looks: `key=value` for people (logfmt), or JSON for machines.

Libraries log what they like, also at debug: keys, values, passwords. Of theirs a line shows the
place, the text if it is a literal of the code that logs it, so that nothing was put into it, and of
its arguments those that can't be part of a record: numbers, partitions, and the types of errors.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from logging import WARNING, Formatter, LogRecord
from types import FrameType
from typing import Any

from streams.logs.events import Event, where

_BARE = re.compile(r"[!#-<>-\[\]-~]+\Z")
"""What needs no quotes: printable ASCII without space, quote, equals sign and backslash."""
_SERVICE = re.compile(r"\[\^[^\]]*\]: ")
"""Which of Faust's services says it; put before each of its messages."""
_PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[-#0 +]*\d*(?:\.\d+)?[a-zA-Z%]")
_PARTITIONS = ("TopicPartition", "TP")
_HIDDEN = "?"


class Lines(Formatter):
    """`ids` says whether `key` is shown."""

    def __init__(self, *, as_json: bool, ids: bool) -> None:
        super().__init__()
        self._as_json = as_json
        self._ids = ids

    def format(self, record: LogRecord) -> str:
        """One line."""
        at = datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None)
        line: dict[str, Any] = {
            "time": f"{at.isoformat(timespec='milliseconds')}Z",
            "level": record.levelname.lower(),
        }
        event: Event | None = getattr(record, "vigil_event", None)
        line |= _of_a_library(record) if event is None else self._of_ours(event, record)
        if self._as_json:
            return json.dumps(line)
        return " ".join(f"{name}={_value(value)}" for name, value in line.items())

    def _of_ours(self, event: Event, record: LogRecord) -> dict[str, Any]:
        told = vars(record)["vigil_fields"].items()
        line = {"event": event.label} | {name: value for name, value in told if value != ""}
        key = vars(record)["vigil_key"]
        if self._ids and key is not None:
            line["key"] = key
        if event.level >= WARNING:
            line["text"] = event.text
        return line


def _of_a_library(record: LogRecord) -> dict[str, Any]:
    line: dict[str, Any] = {
        "event": Event.LIBRARY.label,
        "logger": record.name,
        "where": f"{record.filename}:{record.lineno}",
    }
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        line["error"] = type(error).__name__
        line["where"] += f" < {where(error)}"
    if text := _text(record):
        line["text"] = text
    return line


def _text(record: LogRecord) -> str:
    """What a library's message says apart from what was put into it; empty if that can't be told."""
    text = _SERVICE.sub("", str(record.msg), count=1)
    if not _is_literal(text):
        return ""
    if not record.args:
        return text
    given = iter(() if isinstance(record.args, Mapping) else record.args)
    return _PLACEHOLDER.sub(
        lambda found: "%" if found[0] == "%%" else _harmless(next(given, None)), text
    )


def _is_literal(text: str) -> bool:
    """Whether some code that is running now has this very text among its constants."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - what logging itself asks
    while frame is not None:
        if text in frame.f_code.co_consts:
            return True
        frame = frame.f_back
    return False


def _harmless(value: object) -> str:
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, BaseException):
        return type(value).__name__
    if type(value).__name__ in _PARTITIONS:
        return "{}/{}".format(*value)  # type: ignore[misc]
    return _HIDDEN


def _value(value: object) -> str:
    text = str(value)
    # Quoted as JSON is: no character of it can end the line or steer a terminal.
    return text if _BARE.match(text) else json.dumps(text)
