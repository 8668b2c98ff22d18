"""Catches what would go to stderr at debug, as each way of logging would write it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from io import StringIO

from streams.logs.lines import Lines


class Caught:
    """The same lines in all four ways; `with_ids` are those of the two where ids were asked for."""

    def __init__(self) -> None:
        self.handlers: list[logging.Handler] = []
        self._streams = {}
        for as_json in (False, True):
            for ids in (False, True):
                stream = self._streams[as_json, ids] = StringIO()
                handler = logging.StreamHandler(stream)
                handler.setFormatter(Lines(as_json=as_json, ids=ids))
                self.handlers.append(handler)

    def text(self, *, ids: bool) -> str:
        return self._streams[False, ids].getvalue() + self._streams[True, ids].getvalue()

    def json(self, *, ids: bool) -> list[str]:
        return self._streams[True, ids].getvalue().splitlines()

    def plain(self, *, ids: bool = False) -> list[str]:
        return self._streams[False, ids].getvalue().splitlines()


@contextlib.contextmanager
def caught() -> Iterator[Caught]:
    """Everything that any logger logs meanwhile, from debug on; nobody else hears it."""
    found, root = Caught(), logging.getLogger()
    others = [one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    levels = {one: one.level for one in (root, *others)}
    handlers, root.handlers = root.handlers, found.handlers
    for one in others:
        one.setLevel(logging.NOTSET)
    root.setLevel(logging.DEBUG)
    try:
        yield found
    finally:
        root.handlers = handlers
        for one, level in levels.items():
            one.setLevel(level)
