"""A receiver of webhooks that answers as it is told, and keeps what it took."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web


@dataclass(frozen=True)
class Got:
    """One request: its headers in lower case, its body."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Serves on 127.0.0.1; `answers` are used up one per request, then all is taken (200).

    An answer is a status, a pair of status and headers, or one of `hang`, `hang up` (no answer at
    all) and `break off` (200, and the connection is cut in the middle of the body).
    """

    answers: Iterable[object] = ()
    got: list[Got] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    on_request: Callable[[], None] = lambda: None

    async def __aenter__(self) -> Self:
        self._answers = iter(self.answers)
        self._stopped = asyncio.Event()
        app = web.Application()
        app.router.add_post("/hook", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await self._site.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopped.set()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        port = self._site._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/hook"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Got(headers, await request.read()))
        self.on_request()
        match next(self._answers, 200):
            case "hang":
                await self._stopped.wait()
                return web.Response()
            case "hang up":
                request.transport.abort()
                return web.Response()
            case "break off":
                response = web.StreamResponse(headers={"content-length": "1000"})
                await response.prepare(request)
                await response.write(b"half of")
                request.transport.abort()
                return response
            case (status, more):
                return web.Response(status=status, headers=more)
            case status:
                if status == 200:
                    self.taken.append(headers["webhook-id"])
                return web.Response(status=status, text="thanks")
