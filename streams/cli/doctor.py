"""`vigil doctor`: what is wrong with a deployment, and the remedy."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from streams.cli import exits, options, output
from streams.config import Settings


@click.command()
@options.brokers
@options.prefix
@click.option(
    "--rules", multiple=True, help="Rule directories the workers use [default: catalogue]."
)
@options.schema
@options.json_
@click.pass_obj
def doctor(
    settings: Settings,
    brokers: str,
    prefix: str,
    rules: tuple[str, ...],
    schema: Path | None,
    json_: bool,  # noqa: FBT001 - click passes flags by name
) -> int:
    """Examine a deployment; each finding comes with its remedy.

    \b
    vigil doctor --brokers 127.0.0.1:9092
    vigil doctor --brokers kafka:9092 --rules my-rules/ --json

    Looks at broker versions and settings, topics, retention against the rules' windows, clocks,
    whether producers partition as Kafka does, dead letters, the worker group, and installed
    packages. Changes nothing. Exit code 1: a problem or a warning was found; 3: no Kafka answered.
    """
    from streams.doctor import Deployment, Severity, examine

    deployment = Deployment(
        connection=options.connection(brokers),
        prefix=prefix,
        window_ms=_longest_window_ms(rules or settings["rules"], schema),
        session_timeout_s=settings["session_timeout_s"],
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


def _longest_window_ms(rules: tuple[str, ...], schema: Path | None) -> int:
    from streams.patterns import load_rules
    from streams.signals import Schema

    patterns = load_rules(rules, Schema.load(schema)).patterns
    windows = (p.correlation for p in patterns if p.correlation is not None)
    return max((window.timespan + window.lateness for window in windows), default=0)
