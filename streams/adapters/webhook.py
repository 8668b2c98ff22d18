"""A signed webhook: each message until its receiver has it, or n tries have failed.

Signed as Standard Webhooks are, so that a receiver finds a library in his language: HMAC-SHA256 over
``id.timestamp.body``, in `webhook-id`, `webhook-timestamp` (s) and `webhook-signature` (``v1,`` and
base64). The id is the decision's, the same at every try, also in `Idempotency-Key`: a message may
come twice, and that is how its receiver knows. Each try is signed anew, for receivers turn down what
is older than some minutes.

Delivered is what was answered by 2xx, and the answer read to its end. Everything else is tried again:
other statuses, a redirect, a timeout, a connection that breaks off. Waits double from a second, a
little less than that by an amount that follows from id and try, so that senders don't march in step;
`Retry-After` lengthens one, up to an hour. Messages go one after the other: what is decided about
an account arrives in its order.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import ipaddress
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol, Self
from urllib.parse import urlsplit

import aiohttp

from streams import __version__
from streams.adapters.unusable import AdapterUnusable
from streams.logs import Event, tell

UNDELIVERABLE = "undeliverable"
"""The `reason` of the dead letter of a message that was given up."""

SECRET_PREFIX = "whsec_"  # noqa: S105 - no secret, its beginning
"""Begins a secret that is written in base64; any other is taken as it stands."""

_OK = range(200, 300)
_MAX_RETRY_AFTER_S = 3600.0
_MAX_ANSWER_BYTES = 64 * 1024


class Clock(Protocol):
    """The time, and waiting for it to pass."""

    def time(self) -> float:
        """Seconds since the epoch."""

    async def sleep(self, seconds: float) -> None:
        """Return that much later."""


class RealClock:
    """The one of the machine."""

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Return that much later."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Persistence:
    """How often a message is tried, how long to wait between (s), how long for an answer (s)."""

    tries: int = 8
    first_wait_s: float = 1.0
    longest_wait_s: float = 300.0
    timeout_s: float = 10.0

    def wait_s(self, message: str, tried: int) -> float:
        """The wait after the failed try number `tried` (from 1) of the message with that id."""
        whole = min(self.first_wait_s * 2.0 ** (tried - 1), self.longest_wait_s)
        share = hashlib.sha256(f"{message}/{tried}".encode()).digest()[0] / 255
        return whole * (1 - share / 4)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where messages go. Its representation is empty: address, secret and headers may be secrets.

    Raises `AdapterUnusable` for an address without TLS that isn't on this machine.
    """

    url: str = field(repr=False)
    secret: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if not parts.hostname or parts.scheme not in {"http", "https"}:
            raise AdapterUnusable("the webhook's address is no https://host/path")
        if parts.scheme == "http" and not _is_here(parts.hostname):
            raise AdapterUnusable(
                f"{self.name}: a webhook outside of this machine needs https: what it carries is"
                " about persons"
            )

    @property
    def name(self) -> str:
        """The address for logs: without query or user, which may be secrets."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def signed(self, message: str, body: bytes, now: float) -> dict[str, str]:
        """The headers of a try at the time `now` (s)."""
        timestamp = str(int(now))
        content = f"{message}.{timestamp}.".encode() + body
        signature = base64.b64encode(hmac.digest(self.secret, content, "sha256")).decode()
        return {
            **self.headers,
            "content-type": "application/json",
            "user-agent": f"vigil/{__version__}",
            "idempotency-key": message,
            "webhook-id": message,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{signature}",
        }


class Webhook:
    """Delivers messages to one endpoint; use as an async context manager."""

    def __init__(
        self,
        endpoint: Endpoint,
        persistence: Persistence | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._persistence = persistence or Persistence()
        self._clock = clock or RealClock()

    async def __aenter__(self) -> Self:
        """Make a session; nothing is connected yet."""
        timeout = aiohttp.ClientTimeout(total=self._persistence.timeout_s)
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close its connections."""
        await self._session.close()

    async def deliver(self, message: str, body: bytes) -> bool:
        """Whether the receiver has it; False after the last try has failed.

        Cancelled, it is as if it hadn't begun: the message may or may not have arrived.
        """
        tries = self._persistence.tries
        for tried in range(1, tries + 1):
            problem, asked_s = await self._try(message, body)
            if problem is None:
                return True
            if tried == tries:
                break
            wait_s = max(self._persistence.wait_s(message, tried), asked_s)
            tell(
                Event.DELIVERY_FAILED,
                receiver=self._endpoint.name,
                message=message,
                tries=tried,
                of=tries,
                wait_s=round(wait_s),
                why=problem,
            )
            await self._clock.sleep(wait_s)
        tell(
            Event.DELIVERY_GIVEN_UP,
            receiver=self._endpoint.name,
            message=message,
            tries=tries,
            why=problem or "",
        )
        return False

    async def _try(self, message: str, body: bytes) -> tuple[str | None, float]:
        """What went wrong, and how long the receiver asked us to wait (s)."""
        headers = self._endpoint.signed(message, body, self._clock.time())
        try:
            async with self._session.post(
                self._endpoint.url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                # A receiver that dies in the middle of its answer may not have kept the message.
                if answer.status in _OK:
                    await _read_to_end(answer)
                    return None, 0.0
                asked_s = self._retry_after(answer.headers.get("retry-after", ""))
                return f"status {answer.status}", asked_s
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return type(error).__name__, 0.0

    def _retry_after(self, text: str) -> float:
        """Seconds, or an HTTP date; 0 for what is neither."""
        if text.isascii() and text.isdigit():
            return min(float(text), _MAX_RETRY_AFTER_S)
        try:
            until = parsedate_to_datetime(text)
        except ValueError:
            return 0.0
        now = datetime.fromtimestamp(self._clock.time(), UTC)
        asked_s = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
        return min(max(asked_s.total_seconds(), 0.0), _MAX_RETRY_AFTER_S)


def secret_of(text: bytes) -> bytes:
    """The bytes to sign with. Raises `AdapterUnusable`; it quotes nothing."""
    if not text.startswith(SECRET_PREFIX.encode()):
        return text
    try:
        return base64.b64decode(text.removeprefix(SECRET_PREFIX.encode()), validate=True)
    except binascii.Error:
        raise AdapterUnusable(f"the secret begins with {SECRET_PREFIX} but isn't base64") from None


async def _read_to_end(answer: aiohttp.ClientResponse) -> None:
    read_bytes = 0
    async for chunk in answer.content.iter_any():
        read_bytes += len(chunk)
        if read_bytes > _MAX_ANSWER_BYTES:
            return


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
