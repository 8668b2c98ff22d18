"""What the person concerned is told of a decision, in their language, from templates.

A notice says what was done, until when, why, who decided, and how to appeal. Its words are the
templates', its references ids of ours: who it is for the platform knows, and no content is named.
English and Dutch are shipped (`languages`); a file of your own with the same keys adds a language.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from string import Formatter
from types import MappingProxyType
from typing import Any, NamedTuple

from streams.records import Enforcement

SHIPPED = Path(__file__).with_name("languages")
LANGUAGES = ("en", "nl")

UNTOLD = frozenset({"preserve"})
"""Of these the person concerned hears nothing: it would warn who is investigated."""

_ENDING = frozenset({"restrict", "suspend"})
"""Measures of which it is said how long they last."""
_NOTHING_TO_APPEAL = frozenset({"prevention.message", "undo", "expire"})
_CHILDREN = frozenset(
    {"csam", "csem", "sexualisation_of_minor", "grooming", "sextortion", "solicitation"}
)
_FALLBACK = "policy_other"
_HOLES = {"harm", "until", "reference"}

Texts = Mapping[str, Mapping[str, str]]


class BadTemplates(Exception):
    """A template file can't be used: the file, the key, and what is wrong with it."""


class Notice(NamedTuple):
    """A notice; `decision` is what an appeal names."""

    decision: str
    action: str
    language: str
    subject: str
    text: str


@lru_cache(maxsize=8)
def read_templates(path: Path) -> Texts:
    """The templates of a file. Raises `BadTemplates` where one is missing, unknown or malformed."""
    texts = _parse(path)
    wanted = _parse(SHIPPED / "en.toml")
    for section, keys in wanted.items():
        found = texts.get(section)
        if not isinstance(found, dict):
            raise BadTemplates(f"{path}: [{section}] is missing")
        for key in keys:
            if not isinstance(found.get(key), str) or not found[key]:
                raise BadTemplates(f"{path}: [{section}] has no text for {key}")
            _check(path, f"{section}.{key}", found[key])
    for section, keys in texts.items():
        # A harm the schema file declares may have a word of its own.
        unknown = set(keys) - set(wanted.get(section, ())) if section != "harms" else set()
        if section not in wanted or unknown:
            raise BadTemplates(f"{path}: {', '.join(sorted(unknown)) or section} is not known here")
    return MappingProxyType(texts)


def shipped(language: str) -> Texts:
    """The templates of one of `LANGUAGES`."""
    return read_templates(SHIPPED / f"{language}.toml")


def notice_of(record: Enforcement, language: str, texts: Texts) -> Notice | None:
    """The notice of an enforcement; None if the person is told nothing of it."""
    action = record.action
    if action in UNTOLD:
        return None
    harms = texts["harms"]
    words = {
        "harm": harms.get(record.harm, harms[_FALLBACK]),
        "until": (record.expires_at or "")[:10],
        "reference": record.undoes or record.id,
    }
    parts = [texts["measures"][action]]
    if action in _ENDING:
        parts.append(texts["durations"]["until" if record.expires_at else "open"])
    if record.why is not None and record.why in texts["reasons"]:
        parts.append(texts["reasons"][record.why])
    if action != "expire":
        parts.append(texts["decided"][record.automated])
    if action not in _NOTHING_TO_APPEAL:
        parts.append(texts["closing"]["appeal"])
    if record.harm in _CHILDREN and action in {"prevention.message", "warn"}:
        parts.append(texts["help"]["children"])
    if record.harm == "self_harm":
        parts.append(texts["help"]["self_harm"])
    parts.append(texts["closing"]["reference"])
    text = "\n\n".join(part.format_map(words) for part in parts)
    return Notice(record.undoes or record.id, action, language, texts["subjects"][action], text)


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadTemplates(f"{path}: can't be read: {error}") from None


def _check(path: Path, key: str, text: str) -> None:
    try:
        holes = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise BadTemplates(f"{path}: {key}: {error}") from None
    if not holes <= _HOLES:
        raise BadTemplates(
            f"{path}: {key}: only {{harm}}, {{until}} and {{reference}} are filled in"
        )
