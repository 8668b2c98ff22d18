"""`/livez`, `/readyz` and `/metrics`, on a thread of its own.

Of its own, so that a probe gets its answer while the worker's loop is busy, and an honest 503 when
that loop is stuck. It listens on 127.0.0.1 unless told otherwise and serves nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from aiohttp import web

from streams.metrics import CONTENT_TYPE

_START_S = 10.0
_STOP_S = 3.0
_SWITCH_S = 0.0005
"""How long a thread may keep the interpreter while `/metrics` is answered (usually 5 ms).

Whoever makes the answer gives the interpreter away some ten times, and a busy worker's loop keeps it
for as long as it may each time: that, and not the work, is what an answer's time is made of.
"""

Health = Callable[[], str]
"""Why not, in a few words for the on-call; an empty string when all is well."""


class CannotListen(Exception):
    """The address is taken or isn't one of this machine's."""


class Web:
    """The server. `address` is ``host:port``; port 0 takes a free one, `address` then names it.

    `alive` and `ready` are called on the server's thread and must only look at things; what they
    raise counts as a reason. `metrics` gives the text of `/metrics`.
    """

    def __init__(
        self, address: str, *, alive: Health, ready: Health, metrics: Callable[[], bytes]
    ) -> None:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise CannotListen(f"--web {address}: is not host:port")
        self.address = address
        self._host, self._port = host.strip("[]"), int(port)
        self._alive, self._ready, self._metrics = alive, ready, metrics
        self._usual_switch_s = sys.getswitchinterval()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._started = threading.Event()
        self._failure: OSError | OverflowError | None = None
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="vigil-web", daemon=True
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; returns when requests are answered. Raises `CannotListen`."""
        self._thread.start()
        if not self._started.wait(_START_S):
            raise CannotListen(f"--web {self.address}: did not start listening")
        if self._failure is not None:
            raise CannotListen(
                f"--web {self.address}: can't listen there ({self._failure}):"
                " is another worker on it? Choose another --web host:port"
            ) from None

    def stop(self) -> None:
        """Stop listening; may be called twice, and without `start`."""
        if self._loop is not None:
            # Closed by now where start failed: then there is nothing to stop.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_STOP_S)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        runner = web.AppRunner(
            self._app(), access_log=None, handle_signals=False, shutdown_timeout=1.0
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._host, self._port)
            await site.start()
            host = f"[{self._host}]" if ":" in self._host else self._host
            self.address = f"{host}:{runner.addresses[0][1]}"
            self._started.set()
            await self._stopping.wait()
        except (OSError, OverflowError) as error:
            self._failure = error
            self._started.set()
        finally:
            await runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=1024)
        app.router.add_get("/livez", _probe(self._alive))
        app.router.add_get("/readyz", _probe(self._ready))
        app.router.add_get("/metrics", self._scrape)
        return app

    async def _scrape(self, request: web.Request) -> web.Response:
        sys.setswitchinterval(_SWITCH_S)
        try:
            answer = web.Response(body=self._metrics(), headers={"Content-Type": CONTENT_TYPE})
            await answer.prepare(request)
            await answer.write_eof()
            return answer
        finally:
            sys.setswitchinterval(self._usual_switch_s)


def _probe(health: Health) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        try:
            reason = health()
        except Exception as error:  # noqa: BLE001 - a probe that fails is an answer, not a crash
            reason = f"the check failed: {type(error).__name__}"
        return web.Response(text=reason or "ok", status=503 if reason else 200)

    return answer
