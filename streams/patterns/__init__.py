"""Patterns: Sigma rules turned into closures and exact sliding windows.

`loader` takes rule files to a `RuleSet`, through `documents` (YAML with lines), `metadata`,
`detections`, `correlation_rules` and `block` (one section each), and `assembly` (references,
bounds). A `pattern` is found by the `plans` of a signal's kind; `windows`, `correlations` and
`episodes` hold what it remembers. `inline` runs the tests written beside the rules. What Sigma
leaves open and Vigil means by it stands in docs/patterns.md.
"""

from streams.patterns.findings import Finding, RuleErrors, Severity
from streams.patterns.inline import Result, run_tests
from streams.patterns.inline_reader import InlineTest
from streams.patterns.loader import (
    RuleFile,
    check_files,
    check_rules,
    load_files,
    load_rules,
    read_files,
)
from streams.patterns.pattern import Pattern
from streams.patterns.ruleset import RuleSet

__all__ = [
    "Finding",
    "InlineTest",
    "Pattern",
    "Result",
    "RuleErrors",
    "RuleFile",
    "RuleSet",
    "Severity",
    "check_files",
    "check_rules",
    "load_files",
    "load_rules",
    "read_files",
    "run_tests",
]
