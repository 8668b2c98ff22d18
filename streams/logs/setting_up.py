"""Where lines go, and which."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Iterator

from streams.logs.events import Event, tell, where
from streams.logs.lines import Lines

LEVELS = ("debug", "info", "warning", "error")
LOGFMT, JSON = FORMATS = ("logfmt", "json")

_WIRE = ("aiokafka.conn", "kafka.net", "kafka.protocol")
"""At debug these log each request as it is sent: nothing would be left of their lines."""
_CHATTY = ("kafka", "aiokafka", "faust", "mode", "asyncio", "aiohttp")


def set_up(level: str = "info", *, form: str = LOGFMT, ids: bool = False) -> None:
    """Log to stderr from `level` on; at info, libraries that are chatty only from warnings on.

    `form` is one of `FORMATS`, `ids` whether lines name the account or entity they are about.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(as_json=form == JSON, ids=ids))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING if level == "info" else logging.NOTSET)
    for name in _WIRE:
        logging.getLogger(name).setLevel(logging.INFO if level == "debug" else logging.NOTSET)


def tell_of_threads() -> None:
    """From now on log what ends a thread; Python would print the error's message, which may quote."""

    def ended(args: threading.ExceptHookArgs) -> None:
        tell(Event.INTERNAL_ERROR, error=args.exc_type.__name__, where=where(args.exc_value))

    threading.excepthook = ended


@contextlib.contextmanager
def muted(*names: str) -> Iterator[None]:
    """Nothing below critical from these loggers meanwhile."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
