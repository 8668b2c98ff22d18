"""Where in a model's life something was found: while it learned, at what went in, at what came out."""

from __future__ import annotations

DATASET, INPUT, OUTPUT, REPORT = "dataset", "input", "output", "user report"
UNSAID = "not said"
"""A hit that names no surface."""
CONDUCT = "conduct alone"
"""What rests on no hit that is recorded, but on what was done: refused prompts, log-ins, messages."""

FOUND_AT = (DATASET, INPUT, OUTPUT, REPORT, UNSAID)
ACTED_ON = (*FOUND_AT, CONDUCT)

_TOLD_BY_PEOPLE = frozenset({"user_report", "trusted_flagger"})
_SURFACES = {
    "training_dataset": DATASET,
    "finetune_upload": DATASET,
    "input": INPUT,
    "upload": INPUT,
    "message": INPUT,
    "output": OUTPUT,
}


def stage_of(source: str, surface: str | None) -> str:
    """The stage of a hit. What people reported counts as that, wherever the content was."""
    if source in _TOLD_BY_PEOPLE:
        return REPORT
    return _SURFACES.get(surface or "", UNSAID)
