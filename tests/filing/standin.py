"""A stand-in for the CyberTipline's reporting API: the documented flow and codes, and faults on order.

It answers only on this machine, keeps everything in memory, and shows what a recipient would see:
the finished reports that were not retracted.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

import xmlschema
from aiohttp import web

FORM = xmlschema.XMLSchema(str(Path(__file__).parent.parent / "reporting" / "cybertipline.xsd"))
USERNAME, PASSWORD = "platform", "correct horse"
HEADER = "Basic cGxhdGZvcm06Y29ycmVjdCBob3JzZQ=="


@dataclass
class Filed:
    """One report there: its document, and its files by id as [name, content, details]."""

    document: str
    files: dict[str, list[str | bytes | None]] = field(default_factory=dict)
    finished: bool = False
    retracted: bool = False


class StandIn:
    """`faults` are given by step, one per request, in order: None, or one of

    - ``dropped``: the connection ends before anything was done
    - ``lost``, ``hang``, ``500``, ``1000``: it is done, and the answer breaks off, never comes, or
      says that the server failed
    - ``429``, ``503``: it is not done; wait
    - ``kill``, ``killed``: whoever asked (`victim`, a process id) is killed before or after

    `gone` makes it forget unfinished reports, as the real one does after an hour.
    """

    def __init__(self, **faults: list[str | None]) -> None:
        self.reports: dict[int, Filed] = {}
        self.asked: list[str] = []
        self.faults = faults
        self.victim = 0
        self.url = ""

    def gone(self) -> None:
        """Time passes: what is unfinished vanishes."""
        self.reports = {n: one for n, one in self.reports.items() if one.finished}

    @property
    def visible(self) -> list[Filed]:
        """What reached somebody."""
        return [one for one in self.reports.values() if one.finished and not one.retracted]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[StandIn]:
        """Listen on a free port of this machine."""
        app = web.Application()
        for step in ("submit", "upload", "fileinfo", "finish", "retract"):
            app.router.add_post(f"/{step}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        step = request.path.strip("/")
        self.asked.append(step)
        planned = self.faults.get(step)
        fault = planned.pop(0) if planned else None
        if fault in ("429", "503"):
            return web.Response(status=int(fault), headers={"Retry-After": "7"})
        if fault == "dropped":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if fault == "kill":
            os.kill(self.victim, signal.SIGKILL)
        body = await self._do(step, request)
        if fault == "killed":
            os.kill(self.victim, signal.SIGKILL)
        if fault == "500":
            return web.Response(status=500)
        if fault == "1000":
            body = _response(1000)
        if fault == "hang":
            await asyncio.Event().wait()
        if fault == "lost":
            response = web.StreamResponse(headers={"Content-Length": str(len(body))})
            await response.prepare(request)
            await response.write(body[:20].encode())
            assert request.transport is not None
            request.transport.close()
            return response
        return web.Response(text=body, content_type="text/xml")

    async def _do(self, step: str, request: web.Request) -> str:
        if request.headers.get("Authorization") != HEADER:
            return _response(2000)
        if step == "submit":
            document = await request.text()
            if not FORM.is_valid(document):
                return _response(4100)
            number = 1000 + len(self.reports) + 1
            self.reports[number] = Filed(document)
            return _response(0, reportId=number)
        if step == "fileinfo":
            return self._describe(await request.text())
        form = await request.post()
        number = int(str(form["id"]))
        report = self.reports.get(number)
        if report is None:
            return _response(5001)
        if report.retracted:
            return _response(5101)
        if step == "retract":
            report.retracted = True
            return _response(0, reportId=number)
        if report.finished:
            return _response(5102)
        if step == "finish":
            report.finished = True
            return f"<reportDoneResponse><responseCode>0</responseCode><reportId>{number}</reportId><files/></reportDoneResponse>"
        media = form["file"]
        if not isinstance(media, web.FileField):
            return _response(4200)
        id_ = f"f{number}-{len(report.files)}"
        report.files[id_] = [media.filename, media.file.read(), None]
        return _response(0, reportId=number, fileId=id_)

    def _describe(self, document: str) -> str:
        if not FORM.is_valid(document):
            return _response(4100)
        root = ET.fromstring(document)
        report = self.reports.get(int(root.findtext("reportId") or 0))
        if report is None:
            return _response(5001)
        if report.finished:
            return _response(5102)
        known = report.files.get(root.findtext("fileId") or "")
        if known is None:
            return _response(5002)
        known[2] = document
        return _response(0)


def _response(code: int, **fields: object) -> str:
    more = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?><reportResponse>'
        f"<responseCode>{code}</responseCode>"
        f"<responseDescription>what was sent</responseDescription>{more}</reportResponse>"
    )
