"""`vigil mine`: candidate patterns out of what reviewers upheld."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli import exits, options, output, progress

if TYPE_CHECKING:
    from streams.research.mine import Mined
    from streams.research.trial import Outcome

_COLUMNS = ("candidate", "upheld", "others", "precision", "lift", "p", "")


@click.command("mine")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE...",
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Write what is proposed as rule files into this directory.")  # fmt: skip
@click.option("--most", type=click.IntRange(1, 50), default=5, show_default=True,
              help="Candidates of each kind, counts and sequences, that are put on trial.")  # fmt: skip
@options.schema
@options.json_
def mine(
    *, files: tuple[Path, ...], out: Path | None, most: int, schema: Path | None, json_: bool
) -> int:
    """Propose patterns that separate accounts reviewers upheld from all others of a recording.

    \b
    vigil mine march.jsonl.zst --out candidates/
    vigil check candidates/ && vigil test candidates/
    vigil mine week1.jsonl week2.jsonl --json | jq .proposed

    Half of the accounts, drawn by a hash, are searched for counts and sequences; what is found runs
    as a rule over the other half, and only what chance can't explain there is proposed. Rules are
    written with status experimental, with tests, and without an action: a person decides what they
    are good for. The recordings must hold the reviews; FILEs are read several times.
    """
    from streams.research import mine as room
    from streams.research.mining import STEPS
    from streams.signals import Schema

    known = Schema.load(schema)
    size = sum(path.stat().st_size for path in files)
    with (
        progress.of_bytes("reading", size * room.READS) as read,
        progress.of("searching", STEPS, "steps") as advance,
    ):
        mined = room.mine(files, known, most, read, advance)
    paths = room.write(mined, out) if out else []
    if json_:
        output.as_json(_as_json(mined, paths))
    else:
        rows = [_row(one) for one in mined.outcomes]
        output.show(rows, _COLUMNS, json_=False)
    sys.stderr.write(_summary(mined, paths))
    return exits.OK


def _row(one: Outcome) -> dict[str, Any]:
    low, high = one.interval
    return {
        "candidate": one.candidate.title,
        "upheld": f"{one.hits} of {one.upheld}",
        "others": one.others,
        "precision": f"{one.precision:.0%} ({low:.0%}–{high:.0%})",
        "lift": f"{one.lift:.1f}",
        "p": f"{one.p:.1g}",
        "": "proposed" if one.stands else "chance, or too little",
    }


def _as_json(mined: Mined, paths: list[Path]) -> dict[str, Any]:
    from streams.research.trial import ALPHA
    from streams.research.writing import pattern_id

    return {
        "method": {
            "split": "half of the accounts mined, half on trial, by a hash of the id",
            "test": "Fisher's exact test, one-sided, on the accounts on trial",
            "correction": "Holm",
            "alpha": ALPHA,
        },
        "upheld": {"mined": mined.upheld[0], "on_trial": mined.upheld[1]},
        "others": {"mined": mined.rest[0], "on_trial": mined.rest[1], "share_kept": mined.share},
        "proposed": len(mined.proposed),
        "candidates": [
            {
                "pattern": pattern_id(one.candidate),
                "title": one.candidate.title,
                "proposed": one.stands,
                "upheld_found": one.hits,
                "others_found": one.others,
                "support": one.hits / one.upheld,
                "precision": one.precision,
                "interval": one.interval,
                "lift": one.lift,
                "p": one.p,
            }
            for one in mined.outcomes
        ],
        "files": [str(path) for path in paths],
    }


def _summary(mined: Mined, paths: list[Path]) -> str:
    upheld, rest = mined.upheld, mined.rest
    drawn = f" (a share of {mined.share:.2g})" if mined.share < 1 else ""
    text = (
        f"mined {upheld[0]} upheld accounts against {rest[0]:,} others, on trial {upheld[1]} "
        f"against {rest[1]:,}{drawn}: {len(mined.proposed)} of {len(mined.outcomes)} candidates "
        "proposed\n"
    )
    return text + "".join(f"wrote {path}\n" for path in paths)
