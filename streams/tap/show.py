"""One readable line per output record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.text import Text

from streams.signals.times import parse_ms

_DEAD_LETTER_FIELDS = ("topic", "partition", "offset", "reason", "fields", "at")
SEVERITY_STYLES = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "informational": "dim",
}
_SEVERITY_WIDTH = 8
_ACTION_WIDTH = 18
_TITLE_WIDTH = 30
_NOTE_WIDTH = 23
_BRIEF_ID_CHARS = 9
_MS_PER_S = 1000
_S_PER_MINUTE = 60
_MINUTES_PER_HOUR = 60
_HOURS_PER_DAY = 24
_TIME = slice(5, 19)  # of RFC 3339: month, day and time of day


def redacted(topic: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be shown of a record: all of it, but of a dead letter only its address.

    A dead letter has nothing else today; this keeps it so on the screen whatever comes.
    """
    if topic == "dead-letters":
        return {name: value[name] for name in _DEAD_LETTER_FIELDS if name in value}
    return dict(value)


def line(topic: str, value: Mapping[str, Any]) -> Text:
    """Return the line for a record of an output topic (its JSON, decoded)."""
    text = Text(f"{_when(value)}  ")
    return _safe(_LINES.get(topic, _other)(text, {"account": "?", **value}))


def brief(detection: Mapping[str, Any], note: tuple[str, str]) -> Text:
    """Return a line in columns for a detection, ids cut short, with a note (text, style)."""
    text = Text(f"{_when(detection)}  ", no_wrap=True, overflow="ellipsis")
    _severity(text, detection)
    shadow = detection.get("mode") == "shadow"
    # What is in shadow does nothing: it stands back on the screen, too.
    text.append(str(detection["title"]).ljust(_TITLE_WIDTH), "dim" if shadow else "bold")
    text.append(f" {str(detection['account'])[:_BRIEF_ID_CHARS]}…  ", "cyan")
    text.append(note[0].ljust(_NOTE_WIDTH), note[1])
    text.append(f"  {_why(detection, names=False)}{' (shadow)' if shadow else ''}", "dim")
    return _safe(text)


def _safe(text: Text) -> Text:
    # A rule's title is anybody's text: it must not steer the reader's terminal.
    text.plain = "".join(one if one.isprintable() else "�" for one in text.plain)
    return text


def _when(value: Mapping[str, Any]) -> str:
    return str(value.get("at", ""))[_TIME].replace("T", " ").ljust(14)


def _severity(text: Text, value: Mapping[str, Any]) -> None:
    severity = str(value.get("severity", "?"))
    text.append(severity.upper().ljust(_SEVERITY_WIDTH), SEVERITY_STYLES.get(severity, ""))
    text.append("  ")


def _detection(text: Text, value: Mapping[str, Any]) -> Text:
    _severity(text, value)
    text.append(str(value.get("title", value.get("pattern", "?"))), "bold")
    if value.get("mode") == "shadow":
        text.append(" (shadow)", "dim")
    if value.get("retracts"):
        text.append(" (taken back)", "bold green")
    text.append(f"  {value['account']}", "cyan")
    if value.get("entity"):
        text.append(f" via {value['entity']}", "magenta")
    why = _why(value)
    evidence = len(value.get("evidence", ()))
    text.append(f"  {why}" if why else "")
    text.append(f"  {evidence} signal{'' if evidence == 1 else 's'} of evidence", "dim")
    return text


def _enforcement(text: Text, value: Mapping[str, Any]) -> Text:
    _severity(text, value)
    text.append(str(value.get("action", "?")).ljust(_ACTION_WIDTH), "bold magenta")
    text.append(f"  {value['account']}", "cyan")
    if value.get("expires_at"):
        text.append(f"  until {str(value['expires_at'])[_TIME].replace('T', ' ')}")
    leaning = len(value.get("detections", ()))
    text.append(f"  on {leaning} detection{'' if leaning == 1 else 's'}", "dim")
    return text


def _dead_letter(text: Text, value: Mapping[str, Any]) -> Text:
    text.append("REFUSED ".ljust(_SEVERITY_WIDTH), "yellow")
    text.append(f"  {value.get('reason', '?')}", "bold")
    if value.get("fields"):
        text.append(f" ({', '.join(map(str, value['fields']))})")
    place = f"{value.get('topic', '?')}/{value.get('partition', '?')} offset {value.get('offset')}"
    text.append(f"  {place}", "dim")
    return text


def _other(text: Text, value: Mapping[str, Any]) -> Text:
    what = value.get("reason") or value.get("kind") or value.get("status") or ""
    text.append(f"{what}  ", "bold")
    text.append(value["account"], "cyan")
    if value.get("due_at"):
        text.append(f"  due {str(value['due_at'])[_TIME].replace('T', ' ')}")
    return text


def _why(value: Mapping[str, Any], *, names: bool = True) -> str:
    """The measured value, its threshold and the window: ``event_count 5 of 5 in 7 min 27 s``."""
    values = dict(value.get("values", {}))
    threshold = values.pop("threshold", None)
    in_words = values.pop("condition", None) is not None
    waited_s, capped = values.pop("waited_s", None), values.pop("capped", False)
    joined, crowd = values.pop("joined", False), values.pop("crowd", None)
    parts = [f"{name} {_number(one)}" if names else _number(one) for name, one in values.items()]
    if in_words and not names:
        parts.append("rules")
    if threshold is not None:
        parts.append(f"of {_number(threshold)}")
    window = value.get("window") or {}
    if parts and {"start", "end"} <= window.keys():
        parts.append(f"in {duration(parse_ms(window['end']) - parse_ms(window['start']))}")
    if capped:
        parts.append("(capped)")
    if joined:
        parts.append("(joined)")
    if crowd is not None:
        parts.append(f"(a crowd of {crowd})")
    if waited_s is not None:
        parts.append(f"nothing followed for {duration(waited_s * _MS_PER_S)}")
    return " ".join(parts)


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


_LINES: dict[str, Callable[[Text, Mapping[str, Any]], Text]] = {
    "detections": _detection,
    "enforcement": _enforcement,
    "dead-letters": _dead_letter,
}


def duration(ms: int) -> str:
    """Write a duration for people: ``4 s``, ``12 min``, ``3 h 20 min``, ``7 d 4 h``."""
    seconds = ms // _MS_PER_S
    minutes, seconds = divmod(seconds, _S_PER_MINUTE)
    hours, minutes = divmod(minutes, _MINUTES_PER_HOUR)
    days, hours = divmod(hours, _HOURS_PER_DAY)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
