"""The report as one HTML page, complete in itself: no script, no picture, nothing fetched.

Charts are SVG within the page, above the table they draw.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import jinja2

from streams.reporting.transparency import words
from streams.reporting.transparency.grids import covered, grids, heads
from streams.reporting.transparency.report import Report


def render(report: Report) -> str:
    """The page."""
    return _template().render(
        period=words.period(report),
        rule=words.rule(report),
        heads=list(heads(report)),
        grids=[*grids(report), covered(report)],
        notes=report.notes,
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = resources.files("streams.reporting.transparency") / "page.html"
    return environment.from_string(source.read_text(encoding="utf-8"))
