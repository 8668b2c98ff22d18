"""Every fault of the drill, in the order they are tried, and the alerts each has to bring about.

The order matters: an alert that fires already proves nothing, so what sets off others as well (a
broker that is gone makes decisions late) comes after those.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streams.drill.site import NAMES, RULES, SCHEMA, Site
from streams.drill.watch import DAYS, MINUTES, Alert
from streams.simulate.lines import ACTIVITY, HITS, REVIEWS

SOLICITATION = "a989c76e-2df9-472e-a219-d8c3a70928b8"
"""A shipped pattern: critical, with a budget of 100 actions an hour, and not zero tolerance."""

LATE_S = 2 * 3600.0
_SURGE_ACCOUNTS = 250
"""More than two hours' budget, should a full hour come in between."""
_USUAL = 600
_REVIEWS = 30
_BACKLOG = 60_000
_RESTARTS = 3
_NO_RECORD_BYTES = 100

Step = Callable[[Site], None]


def nothing(_site: Site) -> None:
    """Nothing has to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`what` is done by `inject`, after `prepare`, and set right again by `mend`."""

    what: str
    alerts: tuple[Alert, ...]
    inject: Step
    prepare: Step = nothing
    mend: Step = nothing


def hit(account: str, **fields: Any) -> dict[str, Any]:
    """A hit of a classifier that suspects something, unless `fields` say otherwise."""
    usual = {"source": "classifier", "category": "csam", "verdict": "suspected", "score": 0.9}
    return {"account": account, **usual, "surface": "upload", **fields}


# What was confirmed late


def _holders(site: Site) -> None:
    site.write(
        ACTIVITY,
        (
            {"account": f"holder{n}", "kind": "content.shared", "content_ref": f"late{n}"}
            for n in range(100)
        ),
    )


def _confirmed_late(site: Site) -> None:
    confirmed: Mapping[str, Any] = {"source": "hash_match", "verdict": "confirmed"}
    hits = (hit(f"late{n}", content_ref=f"late{n}", **confirmed) for n in range(100))
    site.write(HITS, hits, ago_s=LATE_S)


# A pattern that surges, and what follows


def _solicited(accounts: range) -> Iterator[dict[str, Any]]:
    fields = {"category": "solicitation", "surface": "message"}
    for number in accounts:
        account = f"surge{number}"
        yield hit(account, **fields)
        yield hit(account, **fields)
        yield hit(account, **fields, source="user_report", reporter=f"reporter{number}")


def _surge(site: Site) -> None:
    site.write(HITS, _solicited(range(_SURGE_ACCOUNTS)))


def _restricted(site: Site) -> list[dict[str, Any]]:
    enforced = site.committed("enforcement")
    return [one for one in enforced if one["pattern"] == SOLICITATION][:_REVIEWS]


def _decided(site: Site) -> None:
    if len(_restricted(site)) < _REVIEWS:
        site.write(HITS, _solicited(range(1_000, 1_000 + _REVIEWS)))
        site.wait_until(lambda: len(_restricted(site)) == _REVIEWS, "actions to be reviewed")


def _overturned(site: Site) -> None:
    site.write(
        REVIEWS,
        (
            {
                "account": one["account"],
                "decision": one["id"],
                "stage": "appeal",
                "outcome": "overturned",
                "reviewer": "rv-17",
            }
            for one in _restricted(site)
        ),
    )


# What comes in


def _usual_activity(site: Site) -> None:
    site.write(
        ACTIVITY, ({"account": f"usual{n}", "kind": "login.succeeded"} for n in range(_USUAL))
    )


def _usual_hits(site: Site) -> None:
    fields = {"source": "trusted_flagger", "category": "spam", "surface": "output"}
    site.write(HITS, (hit(f"usual{n}", **fields) for n in range(_USUAL)))


def _rubbish(site: Site) -> None:
    pairs = ((f"usual{n}", f"rubbish {n}") for n in range(300))
    site.write_raw(ACTIVITY, pairs, int(time.time() * 1000))


# Rules


def _other_rules(site: Site) -> None:
    site.stop("w2")
    site.start("w2", "catalogue", str(RULES / "raises"))


def _same_rules(site: Site) -> None:
    site.stop("w2")
    site.start("w2")
    site.wait_until_ready()


def _publish_raising(site: Site) -> None:
    site.vigil("rules", "publish", "catalogue", RULES / "raises", "--schema", SCHEMA)
    site.vigil("rules", "status", "--wait", "30")


def _huge_amounts(site: Site) -> None:
    paid = {"kind": "payment.added", "amount": 1.7e308}
    site.write(ACTIVITY, ({"account": f"rich{n % 6}", **paid} for n in range(12)))


def _publish_undeclared(site: Site) -> None:
    schema = RULES / "undeclared.toml"
    site.vigil("rules", "publish", RULES / "undeclared", "--schema", schema)


def _publish_shipped(site: Site) -> None:
    site.vigil("rules", "publish", "catalogue")
    site.vigil("rules", "status", "--wait", "30")


# Kafka


def _no_detections(site: Site) -> None:
    site.limit("detections", _NO_RECORD_BYTES)
    confirmed: Mapping[str, Any] = {"source": "hash_match", "verdict": "confirmed"}
    site.write(HITS, (hit(f"unsaid{n}", **confirmed) for n in range(40)))


def _detections_again(site: Site) -> None:
    site.limit("detections")
    _settled(site)


def _backlog_and_no_broker(site: Site) -> None:
    site.write(HITS, (hit(f"waits{n % 20_000}") for n in range(_BACKLOG)), ago_s=LATE_S)
    site.wait_until(
        lambda: all(site.lag_s(name) > LATE_S / 2 for name in NAMES), "a backlog in all workers"
    )
    site.kafka.kill()


def _broker_again(site: Site) -> None:
    site.kafka.start()
    _settled(site)


def _settled(site: Site) -> None:
    site.wait_until_ready()
    site.wait_until(lambda: all(site.lag_s(name) == 0 for name in NAMES), "nothing to wait")


# Workers


def _kill_one(site: Site) -> None:
    site.kill("w1")


def _start_one(site: Site) -> None:
    site.start("w1")
    site.wait_until_ready()


def _kill_all(site: Site) -> None:
    for name in NAMES:
        site.kill(name)


def _start_all(site: Site) -> None:
    for name in NAMES:
        site.start(name)
    site.wait_until_ready()


def _restart(site: Site) -> None:
    for _ in range(_RESTARTS):
        site.kill("w2")
        site.start("w2")
        site.wait_until(lambda: site.ask("w2", "metrics") != "", "w2 to answer")
        time.sleep(2 * MINUTES.interval_s)  # so that Prometheus sees each of them


FAULTS = (
    Fault(
        what="100 hits confirmed two hours ago come in only now, each about content of somebody else",
        alerts=(
            Alert("VigilDecisionsLate", "page", MINUTES),
            Alert("VigilDecisionsLate", "ticket", DAYS),
            Alert("VigilRemovalSlow", "page", DAYS),
            Alert("VigilReportPending", "page", DAYS, slow=True),
        ),
        prepare=_holders,
        inject=_confirmed_late,
    ),
    Fault(
        what=f"a shipped pattern finds {_SURGE_ACCOUNTS} accounts at once, more than its budget,"
        " and then none",
        alerts=(
            Alert("VigilPatternSurge", "ticket", DAYS, {"pattern": SOLICITATION}),
            Alert("VigilHoldsOverdue", "ticket", DAYS, {"pattern": SOLICITATION}),
            Alert("VigilPatternSilent", "ticket", DAYS, {"pattern": SOLICITATION}, slow=True),
        ),
        inject=_surge,
    ),
    Fault(
        what=f"people overturn {_REVIEWS} decisions of that pattern",
        alerts=(
            Alert("VigilBreakerOpened", "page", MINUTES, {"pattern": SOLICITATION}),
            Alert("VigilPrecisionLow", "ticket", MINUTES, {"pattern": SOLICITATION}),
        ),
        prepare=_decided,
        inject=_overturned,
    ),
    Fault(
        what=f"{_USUAL} records of activity, then none",
        alerts=(Alert("VigilSourceSilent", "page", DAYS, {"topic": ACTIVITY}),),
        prepare=_usual_activity,
        inject=nothing,
    ),
    Fault(
        what=f"{_USUAL} hits of trusted flaggers on outputs, then none",
        alerts=(
            Alert("VigilDetectorSilent", "page", DAYS, {"source": "trusted_flagger"}),
            Alert("VigilDetectorSilent", "ticket", DAYS, {"surface": "output"}),
        ),
        prepare=_usual_hits,
        inject=nothing,
    ),
    Fault(
        what="300 records of rubbish among the signals",
        alerts=(
            Alert("VigilSignalsRefused", "page", MINUTES),
            Alert("VigilSignalsRefused", "ticket", DAYS),
        ),
        inject=_rubbish,
    ),
    Fault(
        what="one of two workers is started with other rules",
        alerts=(Alert("VigilRulesSplit", "ticket", MINUTES),),
        inject=_other_rules,
        mend=_same_rules,
    ),
    Fault(
        what="a rule is published that sums amounts, and raises on the sum of two near 1.8e308",
        alerts=(Alert("VigilHandlerFails", "ticket", MINUTES),),
        prepare=_publish_raising,
        inject=_huge_amounts,
    ),
    Fault(
        what="a rule set is published that uses a kind of signal the workers don't declare",
        alerts=(Alert("VigilRulesRefused", "ticket", MINUTES),),
        inject=_publish_undeclared,
        mend=_publish_shipped,
    ),
    Fault(
        what=f"Kafka takes no batch over {_NO_RECORD_BYTES} bytes on the topic detections",
        alerts=(Alert("VigilCheckpointsFail", "page", MINUTES),),
        inject=_no_detections,
        mend=_detections_again,
    ),
    Fault(
        what=f"kill -9 of the broker while {_BACKLOG:,} hits of two hours ago wait",
        alerts=(
            Alert("VigilStuck", "page", MINUTES),
            Alert("VigilLagging", "page", MINUTES),
            Alert("VigilLagging", "ticket", MINUTES),
            Alert("VigilPartitionsNotRunning", "page", MINUTES),
        ),
        inject=_backlog_and_no_broker,
        mend=_broker_again,
    ),
    Fault(
        what="kill -9 of one of two workers",
        alerts=(Alert("VigilWorkerDown", "ticket", MINUTES),),
        inject=_kill_one,
        mend=_start_one,
    ),
    Fault(
        what="kill -9 of all workers",
        alerts=(Alert("VigilNoWorkers", "page", MINUTES),),
        inject=_kill_all,
        mend=_start_all,
    ),
    Fault(
        what=f"kill -9 and a new start of one worker, {_RESTARTS} times",
        alerts=(Alert("VigilWorkerRestarts", "page", MINUTES),),
        inject=_restart,
        mend=_settled,
    ),
)
