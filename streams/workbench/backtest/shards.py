"""The accounts of a recording spread over processes, which survey them.

Every process reads the whole recording and keeps the lines of its accounts, told by a hash of the
key. Reading a line whole takes a fraction of what running it through the agents does, and no more
than looking for its key would (both measured, see docs/decisions/0024-workbench.md); in return
no signal has to be handed from process to process.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from zlib import crc32

import msgspec

from streams.patterns import RuleSet, load_rules
from streams.recording import Progress
from streams.signals import Schema
from streams.workbench.backtest.survey import Survey, survey


class ProcessGone(Exception):
    """A process of the backtest ended without an answer."""


class Task(msgspec.Struct, frozen=True):
    """What is to be compared: paths of rules, of a schema file, and of recordings."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    schema: Path | None
    files: tuple[Path, ...]

    def load(self) -> tuple[RuleSet, RuleSet]:
        """Both rule sets. Raises RuleErrors and SchemaError."""
        schema = Schema.load(self.schema)
        return load_rules(self.old, schema), load_rules(self.new, schema)


def surveys(task: Task, processes: int, into: Path, progress: Progress) -> list[Survey]:
    """The surveys of all shares of the accounts; `into` is a directory for what they tell.

    `progress` is told bytes that add up to `processes` times the size of the files, more where a
    part had to be done again. Raises what reading rules and recordings raises, and ProcessGone.
    """
    if processes == 1:
        return [shard(task, 0, 1, into, progress)]
    context = multiprocessing.get_context("spawn")  # a fork would copy threads and locks
    pipes = [context.Pipe(duplex=False) for _ in range(processes)]
    workers = [
        context.Process(target=_work, args=(task, number, processes, into, sender), daemon=True)
        for number, (_, sender) in enumerate(pipes)
    ]
    found: dict[Connection, Survey] = {}
    waiting = [receiver for receiver, _ in pipes]
    try:
        for worker, (_, sender) in zip(workers, pipes, strict=True):
            worker.start()
            sender.close()  # the worker's copy is the last, so that its end is noticed
        while waiting:
            ready = wait(waiting)
            for receiver in [one for one in waiting if one in ready]:
                match _received(receiver):
                    case int(bytes_read):
                        progress(bytes_read)
                    case Survey() as survey_:
                        found[receiver] = survey_
                        waiting.remove(receiver)
                    case Exception() as error:
                        raise error
    finally:
        for worker in workers:
            if worker.is_alive():
                worker.terminate()
                worker.join()
    return [found[receiver] for receiver, _ in pipes]


def _received(receiver: Connection) -> object:
    try:
        return receiver.recv()
    except EOFError:
        raise ProcessGone(
            "a process of the backtest ended without an answer, most likely for want of memory: "
            "try again with fewer at once (--jobs)"
        ) from None


def _work(task: Task, number: int, of: int, into: Path, sender: Connection) -> None:
    """A process: its share of the accounts; what comes of it is sent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, which ends us
    gc.disable()  # state has no cycles and is large: as in workers, docs/decisions/0006
    with suppress(BrokenPipeError):
        try:
            sender.send(shard(task, number, of, into, sender.send))
        except Exception as error:  # noqa: BLE001 - the parent raises it again
            sender.send(error)


def shard(task: Task, number: int, of: int, into: Path, progress: Progress) -> Survey:
    """The survey of the accounts that belong to share `number` of `of`."""
    own = into / str(number)
    own.mkdir()

    def mine(key: bytes | None) -> bool:
        return crc32(key or b"") % of == number

    return survey(task.load(), task.files, mine, own, progress)
