"""What is wrong with a rule file: where, why, and what to do instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"  # the rule set is not loaded
    WARNING = "warning"  # it loads, but probably not as meant


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One mistake. `line` counts from 1; 0 speaks of the file as a whole."""

    file: str
    line: int
    severity: Severity
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        hint = f"; {self.suggestion}" if self.suggestion else ""
        return f"{place}: {self.message}{hint}"


class RuleErrors(Exception):
    """A rule set that must not be loaded. `findings` has every error and warning, in file order."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        errors = [f for f in findings if f.severity is Severity.ERROR]
        super().__init__("\n".join(str(finding) for finding in errors))


class Report:
    """Collects findings about one file, so that one run shows every mistake."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []

    def error(self, line: int, message: str, suggestion: str = "") -> None:
        """Note a mistake that keeps the rule set from loading."""
        self.findings.append(Finding(self.file, line, Severity.ERROR, message, suggestion))

    def warning(self, line: int, message: str, suggestion: str = "") -> None:
        """Note something that loads but is probably not meant."""
        self.findings.append(Finding(self.file, line, Severity.WARNING, message, suggestion))

    @property
    def errors(self) -> int:
        """How many errors were noted so far."""
        return sum(1 for finding in self.findings if finding.severity is Severity.ERROR)


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A suggestion for a misspelt `word`; `otherwise` where nothing known is like it."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if not close:
        lower = {name.lower(): name for name in names}
        close = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
        close = [lower[name] for name in close]
    return f"did you mean '{close[0]}'?" if close else otherwise


def one_of(names: Iterable[str]) -> str:
    """A suggestion that lists what would have been right."""
    return "use one of: " + ", ".join(names)
