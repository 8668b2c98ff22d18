"""Doing one fault after the other, and waiting for what each has to bring about."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from streams.drill.faster import faster
from streams.drill.faults import FAULTS, Fault
from streams.drill.prometheus import Prometheus
from streams.drill.site import Site, Stalled
from streams.drill.watch import DAYS, MINUTES, Alert, Watch

ALERTS = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yml"

PATIENCE_S = 75.0
SLOW_PATIENCE_S = 240.0
_POLL_S = 0.1


class UnknownAlert(ValueError):
    """No alert has that name."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one alert: it fired after `seconds`, or why not."""

    alert: Alert
    what: str
    seconds: float | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class _Begun:
    """An alert that is waited for since the fault began; `spoilt` says why that proves nothing."""

    alert: Alert
    fault: Fault
    began: float
    spoilt: str

    def outcome(self, watch: Watch) -> Outcome:
        """What came of it so far."""
        at = watch.first(self.alert, self.began)
        if self.spoilt or at is None:
            patience_s = SLOW_PATIENCE_S if self.alert.slow else PATIENCE_S
            why_not = self.spoilt or f"not within {patience_s:.0f} s"
            return Outcome(self.alert, self.fault.what, why_not=why_not)
        return Outcome(self.alert, self.fault.what, at - self.began)


def chosen(names: Sequence[str]) -> list[Fault]:
    """The faults that bring these alerts about; without a name, all. Raises `UnknownAlert`."""
    known = {alert.name for fault in FAULTS for alert in fault.alerts}
    for name in names:
        if name not in known:
            raise UnknownAlert(f"no alert {name!r}; there are: {' '.join(sorted(known))}")
    return [
        fault for fault in FAULTS if not names or any(one.name in names for one in fault.alerts)
    ]


def drill(faults: Sequence[Fault], directory: Path) -> list[Outcome]:
    """Do them to a deployment of its own in `directory`, an empty one.

    Raises what `Site` and `Prometheus` raise when they can't be started.
    """
    say("starting Kafka, two workers and two Prometheus servers")
    with Site(directory) as site, _watched(site) as watch:
        begun = [one for fault in faults for one in _do(fault, site, watch)]
        slow = [one for one in begun if one.alert.slow and not one.spoilt]
        if slow:
            say("waiting for what takes longer")
        _wait(slow, watch, SLOW_PATIENCE_S)
        return [one.outcome(watch) for one in begun]


def _do(fault: Fault, site: Site, watch: Watch) -> list[_Begun]:
    """Do one fault, wait for the alerts that come at once, and set it right."""
    say(fault.what)
    spoilt = ""
    try:
        fault.prepare(site)
    except Stalled as stalled:
        spoilt = f"it could not be brought about: {stalled}"
    already = [watch.fires(alert) for alert in fault.alerts]
    began = time.monotonic()
    try:
        if not spoilt:
            fault.inject(site)
    except Stalled as stalled:
        spoilt = f"it could not be brought about: {stalled}"
    begun = [
        _Begun(alert, fault, began, spoilt or ("it fired before" if before else ""))
        for alert, before in zip(fault.alerts, already, strict=True)
    ]
    _wait([one for one in begun if not one.alert.slow and not one.spoilt], watch, PATIENCE_S)
    fault.mend(site)
    return begun


def _wait(begun: Sequence[_Begun], watch: Watch, patience_s: float) -> None:
    """Wait until all of these have fired, or their time is over."""
    waiting = list(begun)
    while waiting:
        now = time.monotonic()
        waiting = [
            one
            for one in waiting
            if watch.first(one.alert, one.began) is None and now < one.began + patience_s
        ]
        time.sleep(_POLL_S)


@contextlib.contextmanager
def _watched(site: Site) -> Iterator[Watch]:
    """Prometheus at both speeds, once it has seen all workers."""
    rules = ALERTS.read_text(encoding="utf-8")
    with contextlib.ExitStack() as stack:
        servers = {}
        for speed in (MINUTES, DAYS):
            directory = site.directory / f"prometheus-{speed.factor}"
            directory.mkdir()
            servers[speed] = stack.enter_context(
                Prometheus(
                    directory,
                    list(site.webs.values()),
                    faster(rules, speed.factor),
                    interval_s=speed.interval_s,
                )
            )
        workers = len(site.webs)
        site.wait_until(
            lambda: all(one.number("sum(up)") == workers for one in servers.values()),
            "the first scrape",
        )
        yield stack.enter_context(Watch(servers))


def say(text: str) -> None:
    """Progress, on stderr."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()
