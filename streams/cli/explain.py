"""`vigil explain`: why something was decided."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from streams.cli import exits, options, output, progress


@click.command("explain")
@click.argument("id_", metavar="ID")
@click.option(
    "--from",
    "files",
    multiple=True,
    required=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Recording of the signals, as replay reads it. May be repeated.",
)
@click.option("--rules", multiple=True, default=("catalogue",), show_default=True, metavar="DIR",
              help="The rules that decided; the word catalogue is the shipped ones.")  # fmt: skip
@options.schema
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path),
              help="Write a page instead, complete in itself.")  # fmt: skip
@options.json_
def explain(
    id_: str,
    files: tuple[Path, ...],
    rules: tuple[str, ...],
    schema: Path | None,
    html: Path | None,
    json_: bool,  # noqa: FBT001 - click passes flags by name
) -> int:
    """Tell why a detection or an enforcement came about, for the person who has to judge it.

    \b
    vigil explain ID --from day.jsonl.zst
    vigil explain ID --from signals.jsonl --from detections.jsonl --rules my-rules/
    vigil explain ID --from day.jsonl.zst --html why.html

    ID is that of a detection, an enforcement, a held proposal or an item of the review queue. The
    recording must hold the signals of the account, and of those it shares a device or content with;
    it may hold Vigil's records too, as vigil tap writes them, also those from agent to agent. Where
    it doesn't, the signals are replayed to find it.
    """
    from streams.patterns import load_rules
    from streams.signals import Schema
    from streams.workbench.explain.story import tell

    options.insist_on_rules(rules)
    ruleset = load_rules(rules, Schema.load(schema))
    with progress.of_bytes("looking for it", sum(path.stat().st_size for path in files)) as advance:
        story = tell(id_, files, ruleset, advance)
    if html:
        from streams.workbench.explain.page import write

        write(html, story)
        sys.stderr.write(f"written: {html}\n")
    if json_:
        from streams.workbench.explain.data import as_data

        output.as_json(as_data(story))
    elif not html:
        from streams.workbench.explain.terminal import for_people

        output.for_people(lambda width: for_people(story, width))
    return exits.OK
