"""The CyberTipline's reporting API, as far as filing needs it: five requests, one kind of answer.

Documented at https://report.cybertip.org/ispws/documentation (read 2026-11-24): HTTPS with basic
authentication; `/submit` and `/fileinfo` take XML, `/upload` a form with a file, `/finish` and
`/retract` a form with the report's number; the answer is XML with a `responseCode`, 0 for done.
An unfinished report vanishes after an hour without a request, or a day.

    FilingError
    ├── Refused       it was understood and not taken: the code says why
    ├── Busy          it was not taken for now: ask again, later
    └── NoAnswer      whether it was taken is not known
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self
from xml.etree import ElementTree as ET

import aiohttp

DONE = 0
NO_SUCH_REPORT = 5001
ALREADY_RETRACTED = 5101
ALREADY_FINISHED = 5102

_MEANINGS = {
    2000: "the credentials are not accepted",
    3000: "these credentials may not do this",
    3100: "these credentials may not make submissions",
    3300: "these credentials may not make updates",
    4000: "the request is invalid",
    4100: "the document is invalid",
    4110: "the document is malformed",
    4200: "the file is malformed",
    NO_SUCH_REPORT: "there is no such report",
    5002: "there is no such file",
    ALREADY_RETRACTED: "the report was retracted before",
    ALREADY_FINISHED: "the report was finished before",
}
_SERVER_ERRORS = range(1000, 2000)
_ACCESS_ERRORS = range(2000, 4000)

_OK = 200
_UNAUTHORISED = frozenset({401, 403})
_NOT_NOW = frozenset({429, 503})
_SERVER_ERROR = 500
_MAX_ANSWER_BYTES = 64 * 1024
_TIMEOUT_S = 120.0
_MOST_WAIT_S = 3600.0


class FilingError(Exception):
    """What went wrong with a request. The server's own words are not in it: they may quote ours."""


class Refused(FilingError):
    """It was understood and not taken. `access`: no other request would be, either."""

    def __init__(self, step: str, code: int) -> None:
        self.code = code
        self.access = code in _ACCESS_ERRORS or code in _UNAUTHORISED
        meaning = _MEANINGS.get(code, "see the API's documentation")
        super().__init__(f"{step} was answered with {code}: {meaning}")


class Busy(FilingError):
    """It was not taken for now; `after_s` is how long the server asks to wait, None if it doesn't."""

    def __init__(self, step: str, after_s: float | None) -> None:
        self.after_s = after_s
        super().__init__(f"{step}: the server is busy")


class NoAnswer(FilingError):
    """Whether it was taken is not known."""


class Credentials(NamedTuple):
    """Basic authentication's. Its text says neither."""

    username: str
    password: str

    def __repr__(self) -> str:
        return "Credentials(…)"

    @property
    def header(self) -> str:
        """The value of `Authorization`."""
        return f"Basic {b64encode(f'{self.username}:{self.password}'.encode()).decode()}"


class _Answer(NamedTuple):
    code: int
    report_id: int | None
    file_id: str | None


class Wire:
    """A connection; use as an async context manager. Redirects are not followed."""

    def __init__(
        self, url: str, credentials: Credentials, *, timeout_s: float = _TIMEOUT_S
    ) -> None:
        self._url = url.rstrip("/")
        self._credentials = credentials
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def __aenter__(self) -> Self:
        """Open a session."""
        headers = {"Authorization": self._credentials.header}
        self._session = aiohttp.ClientSession(headers=headers, timeout=self._timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self._session.close()

    async def submit(self, document: bytes) -> int:
        """Begin a report; its number."""
        answer = await self._post("submit", lambda: document)
        if answer.report_id is None:
            raise NoAnswer("submit: the answer has no report number")
        return answer.report_id

    async def upload(self, number: int, name: str, media: Path) -> str:
        """Add a file; its id there. The file is read as it is sent."""
        with media.open("rb") as file:

            def body() -> aiohttp.FormData:
                file.seek(0)
                form = aiohttp.FormData()
                form.add_field("id", str(number))
                form.add_field("file", file, filename=name, content_type="application/octet-stream")
                return form

            answer = await self._post("upload", body)
        if answer.file_id is None:
            raise NoAnswer("upload: the answer has no file id")
        return answer.file_id

    async def describe(self, document: bytes) -> None:
        """Say what is known of a file."""
        await self._post("fileinfo", lambda: document)

    async def finish(self, number: int) -> None:
        """End a report: from now on it is filed."""
        await self._post("finish", lambda: _form(number))

    async def retract(self, number: int) -> None:
        """Take a report back, finished or not."""
        await self._post("retract", lambda: _form(number))

    async def _post(self, step: str, body: Callable[[], bytes | aiohttp.FormData]) -> _Answer:
        data = body()
        headers = {"Content-Type": "text/xml; charset=utf-8"} if isinstance(data, bytes) else {}
        try:
            async with self._session.post(
                f"{self._url}/{step}", data=data, headers=headers, allow_redirects=False
            ) as response:
                raw = await _short(response)
                status, after = response.status, response.headers.get("Retry-After")
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise NoAnswer(f"{step}: no answer ({type(error).__name__})") from None
        if status in _NOT_NOW:
            raise Busy(step, _seconds(after))
        if status >= _SERVER_ERROR:
            raise NoAnswer(f"{step}: the server failed ({status})")
        answer = _read(raw)
        if answer is None:
            if status != _OK:
                raise Refused(step, status)
            raise NoAnswer(f"{step}: the answer can't be read")
        if answer.code in _SERVER_ERRORS:
            raise NoAnswer(f"{step}: the server failed ({answer.code})")
        if answer.code != DONE:
            raise Refused(step, answer.code)
        return answer


async def _short(response: aiohttp.ClientResponse) -> bytes:
    """The whole answer, or so much that it can't be one."""
    raw = b""
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > _MAX_ANSWER_BYTES:
            break
    return raw


def _form(number: int) -> aiohttp.FormData:
    return aiohttp.FormData({"id": str(number)})


def _seconds(text: str | None) -> float | None:
    """A `Retry-After` in seconds; its other form, a date, is left to the usual pause."""
    return min(float(text), _MOST_WAIT_S) if text is not None and text.isdecimal() else None


def _read(raw: bytes) -> _Answer | None:
    """An answer; None where it is none. One with a document type is none: it could be a bomb."""
    if b"<!DOCTYPE" in raw or len(raw) > _MAX_ANSWER_BYTES:
        return None
    try:
        root = ET.fromstring(raw)  # noqa: S314 - short, and without a document type
        found = {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in root}
        number = found.get("reportId")
        return _Answer(
            int(found["responseCode"]), int(number) if number else None, found.get("fileId") or None
        )
    except (ET.ParseError, ValueError, KeyError):
        return None
