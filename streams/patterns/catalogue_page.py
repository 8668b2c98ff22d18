"""docs/catalogue.md, written from the shipped rule files: ``make docs`` runs this module.

What stands on the page stands in the files, where a pattern's author keeps it; a test holds the
committed page against the one made from them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.patterns.block import DEFAULT_HARM
from streams.patterns.conduct import CONDUCT, NAMESPACE
from streams.patterns.documents import read_documents
from streams.patterns.findings import Report
from streams.patterns.inline_reader import CASES, case_of
from streams.patterns.metadata import DEFAULT_LEVEL, MODES
from streams.patterns.wording import Rules, fires_when, keyed_by, listed, referred_to

PARTS = ("Why", "Review", "Thresholds")
"""The paragraphs of a shipped pattern's description, in their order."""

_PART = re.compile(rf"^({'|'.join(PARTS)}): ", re.MULTILINE)
_DISPATCHED = ("kind", "category")

_HEAD = """# The catalogue

Written by `make docs` from the files in `streams/catalogue/`; change those. Each file holds one pattern with the rules it
refers to and the tests that prove it, in the language of [patterns.md](patterns.md).
*Live* patterns act, as far as policy lets them; *shadow* ones only say what they would have done. No action means: it
detects, and people decide.
Thresholds are our own unless a figure is named; measure them on your traffic before you rely on them.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the catalogue: its pattern, and the rules that one refers to by name."""

    slug: str
    rule: Mapping[str, Any]
    rules: Rules

    @property
    def block(self) -> Mapping[str, Any]:
        """The pattern's `vigil:` block."""
        return self.rule.get("vigil") or {}

    @property
    def conduct(self) -> list[str]:
        """The conduct the pattern is tagged with, without the namespace."""
        tags = listed(self.rule.get("tags") or [])
        return [tag.removeprefix(NAMESPACE) for tag in tags if tag.startswith(NAMESPACE)]


def read_entries(directory: Path) -> list[Entry]:
    """The files of a directory, by name; the first rule of a file is its pattern.

    They are taken to be free of mistakes: `check_rules` finds those.
    """
    entries = []
    for path in sorted(directory.glob("*.yml")):
        rules = [document.data for document in read_documents(path.read_bytes(), Report(path.name))]
        named = {rule["name"]: rule for rule in rules if "name" in rule}
        entries.append(Entry(path.stem, rules[0], named))
    return entries


def parts_of(description: str) -> dict[str, str]:
    """A description's paragraphs by the word they begin with, each on one line."""
    _, *pieces = _PART.split(description)
    return {
        word: " ".join(text.split()) for word, text in zip(pieces[::2], pieces[1::2], strict=True)
    }


def page(entries: Sequence[Entry]) -> str:
    """The whole page."""
    return "\n".join(
        [_HEAD, *_contents(entries), *map(_pattern, entries), *_by_conduct(entries), ""]
    )


def _contents(entries: Sequence[Entry]) -> Iterable[str]:
    yield "| pattern | mode | severity | harm | action | keyed by |"
    yield "|---|---|---|---|---|---|"
    for entry in entries:
        cells = [_link(entry), _mode(entry), _level(entry), _harm(entry), _action(entry)]
        yield f"| {' | '.join((*cells, keyed_by(entry.rule)))} |"
    yield ""


def _pattern(entry: Entry) -> str:
    rule = entry.rule
    parts = parts_of(rule["description"])
    budget = entry.block.get("budget")
    limit = f", at most {budget} an hour" if budget is not None else ""
    facts = [f"`{entry.slug}.yml`", _mode(entry), _level(entry), f"harm {_harm(entry)}"]
    facts += [f"action {_action(entry)}{limit}"]
    lines = [
        f"## {rule['title']}",
        " · ".join(facts),
        "",
        f"**Why:** {parts['Why']}",
        "",
        f"- **Fires when** {fires_when(rule, entry.rules)}.",
        f"- **Thresholds:** {parts['Thresholds']}",
        f"- **Review:** {parts['Review']}",
        "- **Errs on:** " + "; ".join(rule["falsepositives"]) + ".",
        f"- **Sees:** {_sees(entry)}.",
        *_tests(entry),
        "",
    ]
    return "\n".join(lines)


def _sees(entry: Entry) -> str:
    """Per topic the kinds or categories it looks at, and the fields it reads."""
    fields: dict[str, dict[str, None]] = {}
    values: dict[str, dict[str, None]] = {}
    for rule in _watched(entry):
        topic = rule["logsource"]["service"]
        seen = fields.setdefault(topic, {})
        for name, value in _items(rule["detection"]):
            seen[name] = None
            if name in _DISPATCHED:
                values.setdefault(topic, {}).update(dict.fromkeys(listed(value)))
        seen.update(dict.fromkeys(_counted(entry)))
    texts = []
    for topic, names in fields.items():
        kinds = " ".join(f"`{value}`" for value in values.get(topic, ()))
        read = ", ".join(f"`{name}`" for name in names if name not in _DISPATCHED)
        texts.append(f"`{topic}`" + (f" {kinds}" if kinds else "") + f" with {read}")
    return "; ".join(texts)


def _watched(entry: Entry) -> list[Mapping[str, Any]]:
    """The detection rules a pattern looks for, those that would hold it back included."""
    unless = entry.block.get("unless") or {"rules": []}
    preventing = [entry.rules[name] for name in listed(unless["rules"])]
    return [*referred_to(entry.rule, entry.rules), *preventing]


def _counted(entry: Entry) -> list[str]:
    """The fields it groups by and counts."""
    section = entry.rule.get("correlation")
    if section is None:
        return ["account"]
    condition = section.get("condition")
    counted = [condition["field"]] if isinstance(condition, dict) and "field" in condition else []
    return [*listed(section["group-by"]), *counted]


def _items(detection: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """(field, value) of every line of every search."""
    for name, search in detection.items():
        if name == "condition":
            continue
        for part in listed(search):
            for key, value in part.items():
                yield key.partition("|")[0], value


def _tests(entry: Entry) -> Iterable[str]:
    tests = entry.block["tests"]
    for case in CASES:
        names = [test["name"] for test in tests if case_of(test) == case]
        yield f"- **{case.capitalize()}:** " + " · ".join(names) + "."


def _by_conduct(entries: Sequence[Entry]) -> Iterable[str]:
    yield "## By conduct"
    yield "| conduct | patterns | what no pattern sees of it |"
    yield "|---|---|---|"
    for name, conduct in CONDUCT.items():
        links = ", ".join(_link(entry) for entry in entries if name in entry.conduct)
        yield f"| {conduct.words} | {links} | {conduct.elsewhere} |"


def _link(entry: Entry) -> str:
    title = entry.rule["title"]
    anchor = re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
    return f"[{title}](#{anchor})"


def _mode(entry: Entry) -> str:
    return str(MODES[entry.rule.get("status", "experimental")])


def _level(entry: Entry) -> str:
    return str(entry.rule.get("level", DEFAULT_LEVEL))


def _harm(entry: Entry) -> str:
    return str(entry.block.get("harm", DEFAULT_HARM))


def _action(entry: Entry) -> str:
    return str(entry.block.get("action", "none"))


def main() -> None:
    """Write the page to stdout."""
    sys.stdout.write(page(read_entries(Path(__file__).parent.parent / "catalogue")))


if __name__ == "__main__":
    main()
