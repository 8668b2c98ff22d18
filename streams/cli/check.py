"""`vigil check`: every mistake in rule directories."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from streams.cli import exits, options, output


@click.command()
@click.argument("paths", nargs=-1, metavar="DIR...")
@options.schema
@options.json_
@click.option(
    "--print-schema", is_flag=True, help="Print the JSON Schema editors complete rules by."
)
def check(
    paths: tuple[str, ...],
    schema: Path | None,
    json_: bool,  # noqa: FBT001
    print_schema: bool,  # noqa: FBT001
) -> int:
    """Find every mistake in rule files, with file:line, the reason and a suggestion.

    \b
    vigil check my-rules/
    vigil check catalogue                   the shipped patterns
    vigil check my-rules/ --schema schema.toml --json
    vigil check --print-schema --schema schema.toml >rule.schema.json

    Errors keep a rule set from loading. Warnings load but are probably not meant, or keep a rule
    set from being published, as a missing inline test does. Either makes the exit code 1.

    The JSON Schema lets editors complete and check rules while you write. Those with a YAML
    language server take this first line in a rule file:

    \b
    # yaml-language-server: $schema=./rule.schema.json
    """
    from streams.patterns import check_rules
    from streams.patterns.rule_schema import as_text
    from streams.signals import Schema

    if print_schema:
        sys.stdout.write(as_text(Schema.load(schema)))
        return exits.OK
    if not paths:
        raise click.UsageError("which rules? name a directory, or the word catalogue")
    options.insist_on_rules(paths)
    findings = check_rules(paths, Schema.load(schema))
    if json_:
        output.as_json([asdict(finding) for finding in findings])
    for finding in findings if not json_ else ():
        place = f"{finding.file}:{finding.line}" if finding.line else finding.file
        hint = f"; {finding.suggestion}" if finding.suggestion else ""
        sys.stdout.write(f"{place}: {finding.severity.value}: {finding.message}{hint}\n")
    if not findings:
        sys.stderr.write("No mistakes found.\n")
    return exits.PROBLEMS if findings else exits.OK
