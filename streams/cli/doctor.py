"""`vigil doctor`: what is wrong with a deployment, and the remedy."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli import exits, options, output
from streams.config import Settings

if TYPE_CHECKING:
    from streams.topics import Party


@click.command()
@options.brokers
@options.prefix
@click.option(
    "--rules",
    multiple=True,
    help="Rule directories the workers use [default: the published set, else catalogue].",
)
@options.schema
@options.principals
@options.json_
@click.pass_obj
def doctor(
    settings: Settings,
    brokers: str,
    prefix: str,
    rules: tuple[str, ...],
    schema: Path | None,
    principals: dict[Party, str],
    json_: bool,  # noqa: FBT001 - click passes flags by name
) -> int:
    """Examine a deployment; each finding comes with its remedy.

    \b
    vigil doctor --brokers 127.0.0.1:9092
    vigil doctor --brokers kafka:9092 --rules my-rules/ --json

    Looks at broker versions and settings, topics, ACLs, retention against the rules' windows,
    clocks, whether producers partition as Kafka does, known material that doesn't say where it was
    found, dead letters, sources that fell silent and the patterns that are blind without them, the
    worker group, the rule sets and versions of Vigil it runs, and installed packages. Changes
    nothing. Exit code 1: a problem or a warning was found; 3: no Kafka answered.
    """
    from streams.doctor import Deployment, Severity, examine, longest_window_ms
    from streams.patterns import load_rules
    from streams.signals import Schema

    known = Schema.load(schema)
    ruleset = load_rules(rules or settings["rules"], known)
    deployment = Deployment(
        connection=options.connection(brokers),
        prefix=prefix,
        window_ms=longest_window_ms(ruleset),
        patterns=ruleset.patterns,
        schema=None if rules else known,
        session_timeout_s=settings["session_timeout_s"],
        principals=principals,
    )
    findings = []
    for finding in examine(deployment):
        findings.append(finding)
        if not json_:
            sys.stdout.write(f"{finding}\n")
            sys.stdout.flush()
    if json_:
        output.as_json([asdict(finding) for finding in findings])
    elif not findings:
        sys.stderr.write("Nothing is wrong.\n")
    bad = any(finding.severity is not Severity.NOTE for finding in findings)
    return exits.PROBLEMS if bad else exits.OK
