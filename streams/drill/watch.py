"""Which alerts fire, and since when: looks at the drill's Prometheus servers again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, Self

from streams.drill.prometheus import Prometheus

_LOOK_S = 0.1


class Speed(NamedTuple):
    """A Prometheus of the drill: how many times as fast time passes, and how often it looks.

    The shipped Prometheus looks every 15 s.
    """

    factor: int
    interval_s: float


MINUTES = Speed(30, 0.5)
DAYS = Speed(480, 0.5)
"""Two of them, because one alert is about a minute and another about a day: at one speed either a
minute would be shorter than two looks, or a day would take hours."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that is to fire: one of this name and severity, with at least these labels.

    One that is `slow` fires minutes after what brought it about.
    """

    name: str
    severity: str
    speed: Speed
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    slow: bool = False

    def is_meant_by(self, fired: Mapping[str, str]) -> bool:
        """Whether the labels of a firing alert are those of this one."""
        wanted = {"alertname": self.name, "severity": self.severity, **self.labels}
        return wanted.items() <= fired.items()


_Fired = tuple[Speed, frozenset[tuple[str, str]]]


class Watch:
    """Looks until stopped; use as a context manager. Times are monotonic."""

    def __init__(self, servers: Mapping[Speed, Prometheus]) -> None:
        self._servers = servers
        self._began: dict[_Fired, list[float]] = {}
        self._firing: set[_Fired] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="drill-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def fires(self, alert: Alert) -> bool:
        """Whether it fires now."""
        with self._lock:
            return any(_is_meant(alert, one) for one in self._firing)

    def first(self, alert: Alert, since: float) -> float | None:
        """When it first began to fire from `since` on; None if it didn't."""
        with self._lock:
            began = [at for one, ats in self._began.items() if _is_meant(alert, one) for at in ats]
        return min((at for at in began if at >= since), default=None)

    def _look_on(self) -> None:
        while not self._stopping.wait(_LOOK_S):
            firing = {
                (speed, frozenset(one["labels"].items()))
                for speed, server in self._servers.items()
                for one in server.alerts()
            }
            now = time.monotonic()
            with self._lock:
                for one in firing - self._firing:
                    self._began.setdefault(one, []).append(now)
                self._firing = firing


def _is_meant(alert: Alert, fired: _Fired) -> bool:
    speed, labels = fired
    return speed == alert.speed and alert.is_meant_by(dict(labels))
