"""How far a command is, on stderr where a person watches, nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_MIB = 1 << 20


@contextmanager
def of(what: str, total: float, unit: str) -> Iterator[Callable[[float], None]]:
    """A bar that is moved on by so many of `total` units."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _count: None
        return
    columns = (
        TextColumn(what),
        BarColumn(),
        TextColumn(f"{{task.completed:,.0f}} of {{task.total:,.0f}} {unit}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.advance(task, count)


@contextmanager
def of_bytes(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar that is moved on by so many of `total` bytes."""
    with of(what, total / _MIB, "MiB") as advance:
        yield lambda count: advance(count / _MIB)
