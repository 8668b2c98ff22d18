"""`vigil test`: the inline tests of patterns."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli import exits, options, output

if TYPE_CHECKING:
    from streams.patterns import Pattern
    from streams.patterns.inline_reader import InlineTest
    from streams.workbench.inline import Outcome


@click.command("test")
@click.argument("paths", nargs=-1, required=True, metavar="DIR...")
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the outcome as JUnit XML, too.",
)
@click.option("-k", "text", metavar="TEXT", help="Only tests in whose name, pattern or file it is.")
@options.schema
@options.json_
def test(
    paths: tuple[str, ...],
    junit: Path | None,
    text: str | None,
    schema: Path | None,
    json_: bool,  # noqa: FBT001 - click passes flags by name
) -> int:
    """Run the tests written beside patterns, on a synthetic clock.

    \b
    vigil test my-rules/
    vigil test catalogue                    the shipped patterns
    vigil test my-rules/ -k 'slow drip'
    vigil test my-rules/ --junit report.xml

    Each test plays its signals through the agent that runs in deployment, with its own pattern
    alone and nothing remembered. Exit code 1: a test failed; 2: the rules don't load.
    """
    from streams.patterns import load_rules
    from streams.signals import Schema
    from streams.workbench.inline import outcomes

    options.insist_on_rules(paths)
    ruleset = load_rules(paths, Schema.load(schema))
    ran = []
    for outcome in outcomes(ruleset, _wanted(text)):
        ran.append(outcome)
        if not json_:
            _show(outcome)
    if text and not any(outcome.results for outcome in ran):
        raise click.UsageError(f"no test, pattern or file has {text!r} in its name")
    if junit:
        from streams.workbench import junit as report

        report.write(junit, ran)
    if json_:
        output.as_json(_as_json(ran))
    else:
        sys.stderr.write(_summary(ran) + "\n")
    return exits.PROBLEMS if any(outcome.failures for outcome in ran) else exits.OK


def _wanted(text: str | None) -> Any:
    if text is None:
        return lambda *_: True
    needle = text.casefold()

    def wanted(pattern: Pattern, test: InlineTest) -> bool:
        names = (pattern.title, pattern.id, Path(pattern.file).stem, test.name)
        return any(needle in name.casefold() for name in names)

    return wanted


def _show(outcome: Outcome) -> None:
    from streams.workbench.words import printable

    results, failures = outcome.results, outcome.failures
    if not results:
        mark, count = click.style("-", dim=True), "no tests"
    elif failures:
        mark, count = click.style("✗", fg="red"), f"{len(failures)} of {len(results)} failed"
    else:
        mark, count = click.style("✓", fg="green"), f"{len(results)} passed"
    # click leaves the colours out where stdout is no terminal.
    click.echo(f"{mark} {printable(outcome.pattern.title)}: {count}")
    for result in failures:
        test = result.test
        click.echo(f"  {test.file}:{test.line}: {printable(test.name)}")
        click.echo(f"    expected {result.expected}, found {result.found}")


def _summary(ran: Sequence[Outcome]) -> str:
    from streams.workbench.words import counted

    tests = sum(len(outcome.results) for outcome in ran)
    failed = sum(len(outcome.failures) for outcome in ran)
    took_s = sum(outcome.took_s for outcome in ran)
    bare = sum(not outcome.results for outcome in ran)
    without = f" ({bare} without)" if bare else ""
    verdict = f"{failed} failed" if failed else "all passed"
    patterns = counted(len(ran), "pattern")
    return f"{patterns}{without}, {counted(tests, 'test')}: {verdict}, in {took_s:.1f} s"


def _as_json(ran: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "tests": sum(len(outcome.results) for outcome in ran),
        "failed": sum(len(outcome.failures) for outcome in ran),
        "took_s": round(sum(outcome.took_s for outcome in ran), 3),
        "patterns": [
            {
                "pattern": outcome.pattern.id,
                "title": outcome.pattern.title,
                "file": outcome.pattern.file,
                "line": outcome.pattern.line,
                "took_s": round(outcome.took_s, 3),
                "tests": [
                    {
                        "name": result.test.name,
                        "case": result.test.case,
                        "file": result.test.file,
                        "line": result.test.line,
                        "passed": result.passed,
                        "expected": result.expected,
                        "found": result.found,
                    }
                    for result in outcome.results
                ],
            }
            for outcome in ran
        ],
    }
