"""A story as one HTML page, complete in itself: no script, no picture, nothing fetched.

Everything that is not ours is escaped by Jinja, and a content security policy in the page forbids
the browser what the page doesn't need, should anything slip through.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from streams.signals.times import format_ms
from streams.workbench.explain.conditions import nearness
from streams.workbench.explain.moments import DECISION, DETECTION, SIGNAL, Moment
from streams.workbench.explain.story import Story
from streams.workbench.explain.timeline import Gap, fit
from streams.workbench.words import counted, duration, offset, printable

MOST_MOMENTS = 60
_SECOND = slice(19)
_LEAST_SPAN_MS = 60_000
_PERCENT = 100


class Row(NamedTuple):
    """One line of the time line. `look` is the class it is drawn with."""

    look: str
    relative: str
    exact: str
    account: str
    what: str
    details: str
    matched: str


class Dot(NamedTuple):
    """One moment on the strip; `left` is in percent."""

    look: str
    left: float
    title: str


def write(path: Path, story: Story) -> None:
    """Write the page. Raises OSError."""
    path.write_text(render(story), encoding="utf-8")


def render(story: Story) -> str:
    """The page as HTML."""
    detection = story.detection
    return _template().render(
        story=story,
        detection=detection,
        about=story.about,
        subjects=[
            (name.replace("_", " "), value)
            for name in ("account", "end_user", "entity", "content_ref", "dataset_ref")
            if (value := getattr(detection, name)) is not None
        ],
        evidence=sum(moment.evidence for moment in story.moments),
        span=duration(story.end - story.start),
        waited=duration(story.at - story.end) if story.at != story.end else "",
        rows=list(_rows(story)),
        dots=sorted(_dots(story), key=lambda dot: dot.look != "dim"),  # what matters lies on top
        window=_window(story),
        near=[
            (near, round(near.share * _PERCENT), nearness(near), offset(near.at - story.end))
            for near in story.near
        ],
        sharing=counted(story.sharing, "other account"),
        behind=[(one, offset(one.at - story.end)) for one in story.behind],
        others=[(other, offset(other.at - story.end)) for other in story.others],
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    # A control character is nothing a page should hold, and escaping leaves it alone.
    # What a macro made is markup, of values that went through here already.
    environment.finalize = lambda value: printable(value) if type(value) is str else value
    environment.filters["utc"] = _utc
    environment.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
    source = resources.files("streams.workbench.explain") / "page.html"
    return environment.from_string(source.read_text(encoding="utf-8"))


def _rows(story: Story) -> Iterator[Row]:
    for one in fit(story.moments, story.start, story.end, MOST_MOMENTS):
        if isinstance(one, Gap):
            yield Row("gap", "", "", "", f"… {one}", "", "")
            continue
        yield Row(
            _look(one, story),
            offset(one.at - story.end),
            _utc(one.at),
            one.account,
            one.what + (" (this one)" if one.id == story.detection.id else ""),
            ", ".join(one.details),
            ", ".join(one.matched),
        )


def _look(moment: Moment, story: Story) -> str:
    if moment.kind == DETECTION:
        return "found this" if moment.id == story.detection.id else "found"
    if moment.kind == DECISION:
        return "decided"
    if moment.behind:
        return "behind"
    return "evidence" if moment.evidence else "dim"


def _range(story: Story) -> tuple[int, int]:
    """What the strip shows: the window and as much again on both sides."""
    span = max(story.end - story.start, _LEAST_SPAN_MS)
    return story.start - span // 2, max(story.end, story.at) + span // 2


def _left(at: int, shown: tuple[int, int]) -> float:
    return round((at - shown[0]) / (shown[1] - shown[0]) * _PERCENT, 2)


def _dots(story: Story) -> Iterator[Dot]:
    shown = _range(story)
    for moment in story.moments:
        if moment.kind == SIGNAL and shown[0] <= moment.at <= shown[1]:
            title = f"{offset(moment.at - story.end)}: {moment.what}"
            yield Dot(_look(moment, story), _left(moment.at, shown), title)
    yield Dot("found this", _left(story.at, shown), "the detection")


def _window(story: Story) -> dict[str, Any]:
    shown = _range(story)
    left = _left(story.start, shown)
    return {
        "left": left,
        "width": round(_left(story.end, shown) - left, 2),
        "from": offset(shown[0] - story.end),
        "to": offset(shown[1] - story.end),
    }


def _utc(ms: int) -> str:
    return format_ms(ms)[_SECOND].replace("T", " ")
