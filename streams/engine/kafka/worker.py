"""One worker process, from start to exit code.

Start: take the name, start the Faust app, join the group. Stop (SIGTERM, SIGINT): finish the run
at hand, checkpoint, tell the group, leave it, within 10 s. Anything unexpected ends the process
without committing (exit 5): what wasn't committed is done again by the next owner.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from aiokafka.errors import KafkaError

from streams.admin.explanation import explain
from streams.agents.contract import Agent
from streams.engine.kafka.app import VigilApp, make_app
from streams.engine.kafka.denied import DENIED
from streams.engine.kafka.engine import Engine, PartitionsChanged
from streams.engine.kafka.guard import NameGuard, NameTaken
from streams.engine.kafka.owner import Pace
from streams.engine.kafka.transport import ChunkConsumer, ChunkThread
from streams.engine.observer import Observer
from streams.engine.state_format import StateTooLarge, UnreadableState
from streams.logs import Event, tell, tell_of_threads, where

EXIT_OK, EXIT_KAFKA, EXIT_NAME_TAKEN, EXIT_INTERNAL = 0, 3, 4, 5

_STOP_S = 9.0
_LAG_COMMIT_S = 2.0
_WATCH_S = 0.5
_COLLECT_S = 2.0
_COLLECT_AT_LEAST_S = 60.0
_FEW_OBJECTS = 20_000


def run_process(main: Coroutine[Any, Any, int]) -> NoReturn:
    """Run `main` in a fresh event loop and end the process with the exit code it returns.

    The process ends without asking Faust's services and threads: everything of worth is committed
    by then, and asking them can take for ever.
    """
    tell_of_threads()
    code = asyncio.new_event_loop().run_until_complete(main)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How a worker runs.

    `connection` are aiokafka's client settings, bootstrap_servers among them; `partitions` is
    the partition count of every topic.
    """

    connection: Mapping[str, Any]
    worker_id: str
    partitions: int
    prefix: str = ""
    session_timeout_s: float = 10.0
    pace: Pace = field(default_factory=Pace)


class Worker:
    """Runs agents until stopped. `beat` is the monotonic time of the loop's last turn."""

    def __init__(
        self, settings: WorkerSettings, agents: Sequence[Agent], observer: Observer
    ) -> None:
        self.beat = time.monotonic()
        self._settings = settings
        self._ended = asyncio.Event()
        self._fatal: BaseException | None = None
        self._engine = Engine(
            agents,
            connection=settings.connection,
            prefix=settings.prefix,
            partitions=settings.partitions,
            pace=settings.pace,
            observer=observer,
            fatal=self._on_fatal,
            thread=self._thread,
        )
        self._guard = NameGuard(
            settings.connection,
            settings.prefix,
            settings.worker_id,
            settings.prefix + agents[0].state_topic,
        )
        self._app: VigilApp = make_app(
            agents,
            self._engine,
            connection=settings.connection,
            prefix=settings.prefix,
            worker_id=settings.worker_id,
            session_timeout_s=settings.session_timeout_s,
        )

    @property
    def ready(self) -> bool:
        """See `Engine.ready`."""
        return self._engine.ready and not self._app.rebalancing

    def stop(self) -> None:
        """Ask for a clean stop; safe to call again."""
        self._ended.set()

    def use(self, ruleset: Any) -> None:
        """See `Engine.use`."""
        self._engine.use(ruleset)

    def say(self, words: str) -> None:
        """See `NameGuard.say`."""
        self._guard.say(words)

    async def run(self, beside: Callable[[], Coroutine[Any, Any, None]] | None = None) -> int:
        """Run until stopped or broken; returns the exit code. See `run_process` for what next.

        `beside` is run as long as the worker; what it raises ends the worker as its own faults do.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        # State is acyclic and large; the collector would walk it over and over (22 % of the time,
        # measured). Cycles of the event loop are collected by hand, in `_collect`.
        gc.disable()
        chores = [asyncio.create_task(self._every_second())]
        try:
            start = asyncio.create_task(self._start())
            stopped = asyncio.create_task(self._ended.wait())
            await asyncio.wait({start, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if start.done():
                start.result()
                chores += map(asyncio.create_task, (self._hold(), self._lag(), self._collect()))
                if beside is not None:
                    chores.append(asyncio.create_task(self._beside(beside)))
                await stopped
            else:
                start.cancel()
        except KafkaError as error:
            self._say_why(error)
            return EXIT_KAFKA
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the worker
            self._on_fatal(error)
        finally:
            for task in chores:
                task.cancel()
            await self._stop()
        return self._exit_code()

    async def _start(self) -> None:
        await self._guard.take()
        await self._app.start()
        asyncio.create_task(self._watch_app()).add_done_callback(lambda _: None)

    async def _watch_app(self) -> None:
        await self._app.wait_until_stopped()
        if not self._ended.is_set():
            self._on_fatal(self._app.crash_reason or RuntimeError("the Faust app stopped"))

    async def _stop(self) -> None:
        broken = self._fatal is not None
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._leave(checkpoint=not broken), _STOP_S)

    async def _leave(self, *, checkpoint: bool) -> None:
        consumer = self._app._consumer
        if consumer is not None:
            consumer.stop_flow()
        await self._engine.close(checkpoint=checkpoint)
        if consumer is not None:
            try:
                thread = self._thread()
                await thread.commit_for_lag_tools(self._engine.committed_positions())
                await thread.leave_group()
            except Exception as error:  # noqa: BLE001 - a good-bye that fails costs a session time-out
                tell(Event.GROUP_NOT_LEFT, error=type(error).__name__)
        await self._guard.release()

    def _thread(self) -> ChunkThread:
        consumer = self._app.consumer
        assert isinstance(consumer, ChunkConsumer)
        return consumer.thread

    def _on_fatal(self, error: BaseException) -> None:
        if self._fatal is None:
            self._fatal = error
        self._ended.set()

    def _exit_code(self) -> int:
        error = self._fatal
        if error is None:
            return EXIT_OK
        if isinstance(error, NameTaken):
            tell(Event.NAME_TAKEN, worker=self._settings.worker_id)
            return EXIT_NAME_TAKEN
        if isinstance(error, DENIED):
            self._say_why(error)
            return EXIT_KAFKA
        if isinstance(error, PartitionsChanged):
            tell(Event.PARTITIONS_CHANGED, why=str(error))
            return EXIT_KAFKA
        if isinstance(error, UnreadableState | StateTooLarge):
            tell(Event.STATE_UNREADABLE, why=str(error))
            return EXIT_INTERNAL
        tell(Event.INTERNAL_ERROR, error=type(error).__name__, where=where(error))
        return EXIT_INTERNAL

    def _say_why(self, error: KafkaError) -> None:
        """In one line what Kafka refused; the trace says nothing the type does not."""
        tell(Event.KAFKA_REFUSED, why=explain(error, self._settings.connection))

    # Chores

    async def _hold(self) -> None:
        try:
            await self._guard.hold()
        except NameTaken as error:
            self._on_fatal(error)

    async def _beside(self, beside: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await beside()
        except Exception as error:  # noqa: BLE001 - as in `run`
            self._on_fatal(error)

    async def _every_second(self) -> None:
        while True:
            self.beat = time.monotonic()
            self._engine.watch()
            if self._app._consumer is not None:
                self._thread().check_group(self._on_fatal)
            await asyncio.sleep(_WATCH_S)

    async def _lag(self) -> None:
        told: dict[Any, int] = {}
        while True:
            await asyncio.sleep(_LAG_COMMIT_S)
            now = self._engine.committed_positions()
            if now != told and not self._app.rebalancing:
                await self._thread().commit_for_lag_tools(now)
                told = now

    async def _collect(self) -> None:
        """Collect young cycles (tasks, exceptions) while few objects are young, which is when it costs nothing; under load, when state is young too, once a minute.

        What survives is not looked at again, so that the cost doesn't grow with the state.
        """
        last = time.monotonic()
        while True:
            await asyncio.sleep(_COLLECT_S)
            now = time.monotonic()
            if gc.get_count()[0] < _FEW_OBJECTS or now - last > _COLLECT_AT_LEAST_S:
                gc.collect(0)
                last = now
