"""One frame for people."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.top.figures import Frame, Worker

_HOTTEST = 10
_SIDE_BY_SIDE = 110
_LAG_S = 5.0
_HASH_CHARS = 12
_MIB = 1 << 20
_MS_PER_S = 1000
_S_PER_MINUTE = 60


def show(frame: Frame, columns: int) -> RenderableType:
    """The frame, for a terminal of so many columns. What workers say is text, never markup."""
    answering = sum(not worker.why for worker in frame.workers)
    head = Text(f"{answering} of {len(frame.workers)} workers answer", "bold")
    rate = sum(worker.records_per_s for worker in frame.workers)
    head.append(f"   {rate:,.0f} records/s   ", "bold cyan")
    head.append(f"over {frame.seconds:.1f} s; totals since the start", "dim")
    left, right = [_inputs(frame), _agents(frame)], [_outputs(frame), _held(frame), _dead(frame)]
    below = _apart([*left, *right])
    if columns >= _SIDE_BY_SIDE:
        beside = Table.grid(padding=(0, 4))
        beside.add_row(_apart(left), _apart(right))
        below = beside
    return _apart([head, _workers(frame.workers), below, _patterns(frame)])


def _apart(parts: Iterable[RenderableType]) -> RenderableType:
    """One below the other, with a line between."""
    return Group(*[one for part in parts for one in (Text(), part)][1:])


def _workers(workers: Iterable[Worker]) -> Table:
    table = _table("worker", "running>", "records/s>", "lag>", "memory>", "version", "rule set", "")
    for one in workers:
        if one.why:
            unknown = [Text("-", "dim")] * 6
            table.add_row(
                Text(one.address), *unknown, Text(f"doesn't answer: {one.why}", "bold red")
            )
            continue
        table.add_row(
            Text(one.address),
            Text(f"{one.running}/{one.assigned}"),
            Text(f"{one.records_per_s:,.0f}"),
            _lag(one.lag_s),
            Text(f"{one.memory_bytes / _MIB:,.0f} MiB"),
            Text(one.version),
            Text(one.ruleset[:_HASH_CHARS] or "-"),
            _state(one),
        )
    return table


def _state(worker: Worker) -> Text:
    if worker.refuses:
        return Text("refuses the published rule set", "bold red")
    if worker.running < worker.assigned:
        return Text("restores", "yellow")
    return Text("works" if worker.assigned else "has no partitions", "green")


def _inputs(frame: Frame) -> Table:
    table = _table("agent", "reads", "/s>", "total>")
    for one in frame.inputs:
        table.add_row(Text(one.agent), Text(one.topic), Text(f"{one.per_s:,.0f}"), _many(one.total))
    return _or_none(table, "nothing yet")


def _agents(frame: Frame) -> Table:
    table = _table("agent", "lag>", "checkpoint p95>", "failed>", "to restore>")
    for one in frame.agents:
        table.add_row(
            Text(one.agent), _lag(one.lag_s), _time(one.checkpoint_p95_s),
            _bad(one.failed_checkpoints), _many(one.restoring),
        )  # fmt: skip
    return table


def _outputs(frame: Frame) -> Table:
    table = _table("writes", "/s>", "total>", "latency p50>", "p95>")
    for one in frame.outputs:
        table.add_row(
            Text(one.topic), Text(f"{one.per_s:,.1f}"), _many(one.total), _time(one.p50_s),
            _time(one.p95_s),
        )  # fmt: skip
    return _or_none(table, "nothing yet")


def _held(frame: Frame) -> Table:
    table = _table("held by", "/min>", "total>")
    for one in frame.held:
        table.add_row(Text(one.held_by), Text(f"{one.per_min:,.1f}"), _bad(one.total))
    return _or_none(table, "nothing was held")


def _dead(frame: Frame) -> Table:
    table = _table("dead letters", "of agent", "/min>", "total>")
    for one in frame.dead_letters:
        table.add_row(
            Text(one.reason), Text(one.agent), Text(f"{one.per_min:,.1f}"), _bad(one.total)
        )
    return _or_none(table, "no dead letters")


def _patterns(frame: Frame) -> Table:
    table = _table("hottest patterns", "mode", "/min>", "detections>", "held>", "breakers>")
    for one in frame.patterns[:_HOTTEST]:
        table.add_row(
            Text(one.title, "dim" if one.mode == "shadow" else ""), Text(one.mode, "dim"),
            Text(f"{one.per_min:,.1f}"), _many(one.detections), _many(one.held),
            _bad(one.breakers),
        )  # fmt: skip
    return _or_none(table, "no pattern has fired")


def _table(*columns: str) -> Table:
    """Columns that end in ``>`` are figures."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        figures = column.endswith(">")
        table.add_column(
            column.removesuffix(">"), justify="right" if figures else "left", no_wrap=figures
        )
    return table


def _or_none(table: Table, words: str) -> Table:
    if not table.row_count:
        table.add_row(Text(words, "dim"))
    return table


def _many(count: int) -> Text:
    return Text(f"{count:,}", "" if count else "dim")


def _bad(count: int) -> Text:
    return Text(f"{count:,}", "bold yellow" if count else "dim")


def _lag(seconds: float) -> Text:
    text = _time(seconds)
    text.stylize("bold red" if seconds > _LAG_S else "")
    return text


def _time(seconds: float | None) -> Text:
    if seconds is None:
        return Text("-", "dim")
    if seconds < 1:
        return Text(f"{seconds * _MS_PER_S:.0f} ms")
    if seconds < 2 * _S_PER_MINUTE:
        return Text(f"{seconds:.1f} s")
    return Text(f"{seconds / _S_PER_MINUTE:,.0f} min")
