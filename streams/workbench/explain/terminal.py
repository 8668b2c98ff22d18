"""A story on a terminal, eighty columns or more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from streams.signals.times import format_ms
from streams.tap.show import SEVERITY_STYLES
from streams.workbench.explain.actions import Step
from streams.workbench.explain.conditions import nearness
from streams.workbench.explain.moments import DECISION, DETECTION, Moment
from streams.workbench.explain.near import NearMiss
from streams.workbench.explain.story import Story
from streams.workbench.explain.timeline import Gap, fit
from streams.workbench.words import counted, duration, offset, printable

MOST_MOMENTS = 30
_WIDEST = 120
_SECOND = slice(19)
_BAR = 8
_ACCOUNT = 26


def for_people(story: Story, width: int) -> RenderableType:
    """The story, fit for so many columns."""
    parts = [
        *_head(story),
        *_section("What it found", _found(story)),
        *_section("What that follows from", _behind(story)),
        *_section("What was decided", _decided(story)),
        *_section("What the pattern is for", _about(story)),
        *_section(_times(story), [_timeline(story)]),
        *_section("Also found about this account", _others(story)),
        *_section("What came close without firing", _near(story)),
    ]
    return Padding(Group(*parts), (0, max(0, width - _WIDEST), 0, 0))


def _head(story: Story) -> Iterator[RenderableType]:
    detection = story.detection
    style = SEVERITY_STYLES.get(detection.severity, "")
    head = Text.assemble(
        (printable(story.title), "bold"),
        "  ",
        (f" {detection.severity.upper()} ", style),
        f"  {detection.harm.replace('_', ' ')}",
        ("  shadow: nothing was done", "dim") if detection.mode == "shadow" else "",
        ("  TAKEN BACK", "bold red") if story.taken_back else "",
    )
    yield head
    who = Text.assemble("account ", (detection.account, "cyan"))
    for name in ("end_user", "entity", "content_ref", "dataset_ref"):
        value = getattr(detection, name)
        if value is not None:
            who.append(f"  {name.replace('_', ' ')} ")
            who.append(value, "cyan")
    yield who
    yield Text(f"{_utc(story.at)} UTC  detection {detection.id}", "dim")
    for note in story.notes:
        yield Text(f"! {note}", "yellow")


def _section(title: str, parts: list[RenderableType]) -> list[RenderableType]:
    if not parts:
        return []
    return [Text(), Text(title, "bold underline"), *parts]


def _about(story: Story) -> list[RenderableType]:
    about = story.about
    rows = [("", about.text), ("why", _sentence(about.why)), ("check", _sentence(about.review))]
    rows += [("may be", one) for one in about.falsepositives[:1]]
    rows += [("or", one) for one in about.falsepositives[1:]]
    rows.append(("thresholds", _sentence(about.thresholds)))
    return _pairs([(name, text) for name, text in rows if text])


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _found(story: Story) -> list[RenderableType]:
    span = duration(story.end - story.start) if story.end > story.start else "one moment"
    rows = [("looks for", story.condition), ("found", story.measured)]
    if story.entity is not None:
        others = counted(story.sharing, "other account")
        rows.append(("shared", f"{story.entity}, with {others} in this recording"))
    rows.append(("from", f"{_utc(story.start)} to {_utc(story.end)} UTC ({span})"))
    if story.at != story.end:
        rows.append(
            ("told", f"{_utc(story.at)} UTC, after waiting {duration(story.at - story.end)}")
        )
    evidence = sum(moment.evidence for moment in story.moments)
    listed = len(story.detection.evidence)
    if evidence < listed:
        rows.append(("evidence", f"{evidence} of {listed} signals are in this recording"))
    return _pairs([(name, text) for name, text in rows if text])


def _pairs(rows: list[tuple[str, str]]) -> list[RenderableType]:
    if not rows:
        return []
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(name, Text(printable(text)))
    return [table]


def _times(story: Story) -> str:
    return f"Time line, relative to {_utc(story.end)} UTC"


def _timeline(story: Story) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    if story.sharing:
        table.add_column(overflow="fold", max_width=_ACCOUNT)
    table.add_column(overflow="fold")
    for one in fit(story.moments, story.start, story.end, MOST_MOMENTS):
        if isinstance(one, Gap):
            table.add_row(*[""] * (len(table.columns) - 1), Text(f"… {one}", "dim italic"))
            continue
        mark, style = _mark(one, story)
        text = Text(printable(_what(one, story)), style)
        if one.details:
            text.append(printable(f"  {', '.join(one.details)}"), "" if one.evidence else "dim")
        if one.matched:
            text.append(printable(f"  ← {', '.join(one.matched)}"), "green")
        whose = Text(one.account, "cyan" if one.account == story.detection.account else "")
        cells = [Text(mark, style), Text(offset(one.at - story.end), style), whose, text]
        table.add_row(*(cells if story.sharing else (*cells[:2], text)))
    return table


def _mark(moment: Moment, story: Story) -> tuple[str, str]:
    if moment.kind == DETECTION:
        return "▲", "bold red" if moment.id == story.detection.id else "red"
    if moment.kind == DECISION:
        return "▶", "magenta"
    if moment.behind:
        return "○", ""
    return ("●", "bold") if moment.evidence else ("·", "dim")


def _what(moment: Moment, story: Story) -> str:
    if moment.kind == DETECTION:
        return f"{moment.what}" + (" (this one)" if moment.id == story.detection.id else "")
    return moment.what


def _decided(story: Story) -> list[RenderableType]:
    parts: list[RenderableType] = [Text(story.nothing, "dim")] if story.nothing else []
    for action in story.actions:
        until = f" until {_utc(action.expires_at)} UTC" if action.expires_at is not None else ""
        parts.append(
            Text.assemble(
                (action.action, "bold magenta"), f"  {action.state}{until}  ", (action.id, "dim")
            )
        )
        strikes = "" if action.strikes is None else f"{action.strikes} of this harm before it"
        rows = [("why", action.why), ("rung", action.rung), ("strikes", strikes)]
        parts += _pairs([(f"  {name}", text) for name, text in rows if text])
        parts.append(_steps(action.steps))
    if story.looks:
        parts.append(_steps(story.looks))
    return parts


def _steps(steps: Sequence[Step]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for one in steps:
        table.add_row(f"  {_utc(one.at)}", printable(one.what), f"by {one.by}")
    return table


def _behind(story: Story) -> list[RenderableType]:
    if not story.behind:
        return []
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    table.add_column(overflow="fold", style="dim")
    for one in story.behind:
        after = f"for '{one.title}'" if one.title else "for a hit"
        table.add_row(
            offset(one.at - story.end), printable(one.what), printable(after), one.detection
        )
    return [table]


def _others(story: Story) -> list[RenderableType]:
    if not story.others:
        return []
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold", style="dim")
    for other in story.others:
        detection = other.detection
        table.add_row(
            offset(other.at - story.end),
            Text(printable(other.title)),
            Text(detection.severity, SEVERITY_STYLES.get(detection.severity, "")),
            "taken back" if other.taken_back else detection.mode,
            detection.id,
        )
    return [table]


def _near(story: Story) -> list[RenderableType]:
    if not story.near:
        return []
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    for near in story.near:
        table.add_row(
            _bar(near),
            Text(printable(near.pattern.title)),
            Text(printable(nearness(near))),
            Text(offset(near.at - story.end), "dim"),
        )
    return [table]


def _bar(near: NearMiss) -> Text:
    filled = min(round(near.share * _BAR), _BAR)
    return Text.assemble(("█" * filled, "yellow"), ("░" * (_BAR - filled), "dim"))


def _utc(ms: int) -> str:
    return format_ms(ms)[_SECOND].replace("T", " ")
