"""Loading rule files: all of a rule set or nothing, and every mistake at once."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from streams.patterns.assembly import Assembly
from streams.patterns.block import read_block
from streams.patterns.correlation_rules import read_correlation
from streams.patterns.detections import read_detection
from streams.patterns.documents import Document, read_documents
from streams.patterns.filters import read_filter
from streams.patterns.findings import Finding, Report, RuleErrors, Severity
from streams.patterns.inline_reader import CASES, InlineReader, InlineTest
from streams.patterns.metadata import read_metadata, read_topic
from streams.patterns.pattern import Pattern
from streams.patterns.rule import Rule
from streams.patterns.ruleset import RuleSet
from streams.patterns.versions import ruleset_hash
from streams.policy import Policy, PolicyError, parse
from streams.signals import Schema

CATALOGUE = "catalogue"
"""Stands for the shipped patterns where a path is expected."""

SUFFIXES = (".yml", ".yaml")

POLICY = "policy.toml"
"""The name of the policy beside the rules, at the top of a directory; there may be none."""


class RuleFile(NamedTuple):
    """A rule file, or the policy: its name within its directory, what people call it, and its text."""

    name: str
    shown: str
    contents: bytes


def load_rules(paths: Sequence[Path | str], schema: Schema) -> RuleSet:
    """Load rule files (directories are searched) and the policy beside them, ready to run.

    The word ``catalogue`` names the shipped patterns. Raises `RuleErrors` with every mistake; a
    rule set loads whole or not at all.
    """
    return _loaded(*_load(*read_files(paths), schema))


def load_files(files: Sequence[RuleFile], schema: Schema) -> RuleSet:
    """`load_rules` for files that are in memory already."""
    return _loaded(*_load(files, [], schema))


def check_rules(paths: Sequence[Path | str], schema: Schema) -> list[Finding]:
    """Everything that is wrong or missing in rule files, by file and line; empty if all is well.

    More than `load_rules` insists on: patterns without inline tests are warned about, too.
    """
    files, findings = read_files(paths)
    return sorted([*findings, *check_files(files, schema)[1]])


def check_files(files: Sequence[RuleFile], schema: Schema) -> tuple[RuleSet, list[Finding]]:
    """`check_rules` for files in memory, and the rule set as far as it could be read."""
    ruleset, findings = _load(files, [], schema)
    for pattern in ruleset.patterns:
        missing = _missing_cases(ruleset.tests.get(pattern.id, ()))
        if missing:
            findings.append(
                Finding(
                    pattern.file,
                    pattern.line,
                    Severity.WARNING,
                    f"'{pattern.title}' has no test for: {', '.join(missing)}",
                    "add it under vigil.tests; publishing insists on tests",
                )
            )
    return ruleset, sorted(findings)


def read_files(paths: Sequence[Path | str]) -> tuple[list[RuleFile], list[Finding]]:
    """Every rule file below `paths`, each once; and what could not be read."""
    files: list[RuleFile] = []
    findings: list[Finding] = []
    for path, name, shown in _files(paths, findings):
        try:
            files.append(RuleFile(name, shown, path.read_bytes()))
        except OSError as error:
            findings.append(
                Finding(
                    shown,
                    0,
                    Severity.ERROR,
                    f"can't be read: {error.strerror}",
                    "check the path and permissions",
                )
            )
    return files, findings


def _loaded(ruleset: RuleSet, findings: Sequence[Finding]) -> RuleSet:
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise RuleErrors(findings)
    return ruleset


def _missing_cases(tests: Sequence[InlineTest]) -> list[str]:
    return [case for case in CASES if all(test.case != case for test in tests)]


def _load(
    files: Sequence[RuleFile], findings: Sequence[Finding], schema: Schema
) -> tuple[RuleSet, list[Finding]]:
    """The rule set of these files, as far as they can be read, and all `findings` with theirs."""
    reports: list[Report] = []
    rules: list[Rule] = []
    broken: set[str] = set()
    reader = InlineReader(schema)
    tests: dict[str, list[InlineTest]] = {}
    policies = [file for file in files if file.name == POLICY]
    for file in files:
        if file.name == POLICY:
            continue
        report = Report(file.shown)
        reports.append(report)
        for document in read_documents(file.contents, report):
            rule = _read_rule(document, schema)
            if rule is None:
                broken.update(str(document.data.get(key)) for key in ("id", "name"))
                continue
            rules.append(rule)
            tests[rule.metadata.id] = reader.read(document, rule.block.tests)
    patterns: list[Pattern] = Assembly(rules, schema, broken).patterns()
    policy, mistakes = _read_policy(policies, schema)
    noted = (one for report in reports for one in report.findings)
    found = sorted([*findings, *noted, *mistakes])
    contents = ruleset_hash((file.name, file.contents) for file in files)
    return RuleSet(patterns, schema, contents, tests, found, policy=policy), found


def _read_policy(files: Sequence[RuleFile], schema: Schema) -> tuple[Policy | None, list[Finding]]:
    """The policy, None where there is no file or one that can't be used, and what is wrong."""
    if not files:
        return None, []
    first, *others = files
    findings = [
        Finding(
            other.shown,
            0,
            Severity.ERROR,
            f"is a second policy beside {first.shown}",
            "one policy says what is done to whom; leave one out",
        )
        for other in others
    ]
    try:
        return parse(first.shown, first.contents, schema), findings
    except PolicyError as error:
        for one in error.mistakes:
            told = f"{one.key}: {one.message}" if one.key else one.message
            findings.append(Finding(one.file, one.line, Severity.ERROR, told, one.suggestion))
        return None, findings


def _files(paths: Sequence[Path | str], findings: list[Finding]) -> list[tuple[Path, str, str]]:
    """(path, name within its directory, name to show) of every rule file, each once."""
    found: dict[Path, tuple[Path, str, str]] = {}
    for given in paths:
        root = _catalogue() if given == CATALOGUE else Path(given)
        if root.is_file():
            found.setdefault(root.resolve(), (root, root.name, str(given)))
            continue
        files = sorted(path for path in root.rglob("*") if path.suffix in SUFFIXES)
        if (root / POLICY).is_file():
            files.append(root / POLICY)
        if not files:
            what = "holds no rule files" if root.is_dir() else "is not a directory or file"
            hint = f"rule files end in {' or '.join(SUFFIXES)}, a policy is called {POLICY}"
            findings.append(Finding(str(given), 0, Severity.ERROR, what, hint))
        for path in files:
            name = path.relative_to(root).as_posix()
            found.setdefault(path.resolve(), (path, name, (Path(given) / name).as_posix()))
    return list(found.values())


def _catalogue() -> Path:
    with resources.as_file(resources.files("streams") / "catalogue") as path:
        return path


def _read_rule(document: Document, schema: Schema) -> Rule | None:
    """One rule, or None with every mistake in it noted."""
    topics = {topic: schema.fields(topic) for topic in schema.topics}
    metadata = read_metadata(document)
    harms = topics["moderation-hits"]["category"].values or ()
    block = read_block(document, harms)
    topic = condition = correlation = narrows = None
    if "correlation" in document.data:
        if metadata is not None:
            correlation = read_correlation(document)
    elif "detection" in document.data or "filter" in document.data:
        topic = read_topic(document, topics)
        if topic is not None and metadata is not None:
            if "detection" in document.data:
                condition = read_detection(document, topic, topics)
            else:
                condition, narrows = read_filter(document, topic, topics) or (None, None)
    if metadata is None or block is None or (condition is None and correlation is None):
        return None
    return Rule(document, metadata, block, topic or "", condition, correlation, narrows)
