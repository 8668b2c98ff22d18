"""What a person sees of the demo: steps, a line per detection, how far the day is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

_PLAIN_WIDTH = 120
_PLAIN_EVERY_S = 2.0


class Screen:
    """Writes to stdout, or to stderr with `on_stderr`; moves only on a terminal."""

    def __init__(self, *, on_stderr: bool = False) -> None:
        stream = sys.stderr if on_stderr else sys.stdout
        width = None if stream.isatty() else _PLAIN_WIDTH
        self.console = Console(file=stream, width=width, highlight=False)
        self._progress: Progress | None = None
        self._said = monotonic()

    def say(self, what: RenderableType = "") -> None:
        """Print something above whatever moves."""
        self.console.print(what)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Say what is being done, and how long it took."""
        began = monotonic()
        if self.console.is_terminal:
            with self.console.status(f"{what} …"):
                yield
        else:
            self.console.print(f"{what} …")
            yield
        self.console.print(f"[green]✔[/] {what}  [dim]{monotonic() - began:.1f} s[/]")

    @contextmanager
    def day(self, total: int) -> Iterator[None]:
        """While the day is played: a bar of `total` signals, moved by `advance`."""
        if not self.console.is_terminal:
            yield
            return
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} signals"),
        )
        with Progress(*columns, console=self.console, transient=True) as self._progress:
            self._progress.add_task("", total=total)
            yield
        self._progress = None

    def advance(self, done: int, total: int, what: str) -> None:
        """The day is at `done` of `total` signals; `what` says what is going on."""
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=done, description=what)
        elif monotonic() - self._said >= _PLAIN_EVERY_S:
            self._said = monotonic()
            self.console.print(f"… {what}, {done:,} of {total:,} signals")
