"""Stream health: for the on-call."""

from dashboards.board import Board, Look, Panel, Query, Row, number

_RATE = "[$__rate_interval]"


def _quantile(share: float, metric: str, by: str) -> str:
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({metric}_bucket{_RATE})))"


STREAM = Board(
    "stream",
    "Stream health",
    "Whether signals are handled, in time, and nothing is lost.",
    (
        Row(
            "Now",
            (
                number(
                    "Workers up", "locale",
                    "Fewer than you run: VigilWorkerDown has the runbook. None: nothing is handled.",
                    "sum(up)",
                ),
                number(
                    "Partitions not running", "locale",
                    "Assigned here, but being restored or stopped. Stays above nought: see restore"
                    " below and the worker's log.",
                    'sum(vigil_partitions{state="assigned"}) - sum(vigil_partitions{state="running"})',
                    bad=1,
                ),
                number(
                    "Oldest waiting signal", "s",
                    "Grows: more comes in than is handled. Start workers, up to one per partition.",
                    "max(vigil_lag_seconds)", bad=60,
                ),
                number(
                    "Late decisions", "percentunit",
                    "Share of records committed more than a second after their cause, last hour. The"
                    " objective is under 1 %.",
                    '1 - sum(increase(vigil_latency_seconds_bucket{le="1.0"}[1h]))'
                    " / sum(increase(vigil_latency_seconds_count[1h]))",
                    bad=0.01,
                ),
                number(
                    "Refused signals", "percentunit",
                    "Share of signals refused, last hour. The objective is under 0.1 %.",
                    "sum(increase(vigil_dead_letters_total[1h]))"
                    " / sum(increase(vigil_signals_total[1h]))",
                    bad=0.001,
                ),
                number(
                    "Rule sets in force", "locale",
                    "More than one: workers judge differently; `vigil rules status`.",
                    "count(count by (ruleset) (vigil_ruleset_info))", bad=2,
                ),
            ),
        ),
        Row(
            "Coming in, waiting, going out",
            (
                Panel(
                    "Signals handled", "cps",
                    "By agent and topic. All at nought with lag above nought: the workers are stuck"
                    " (VigilStuck). One topic at nought: its producer is silent.",
                    (Query(
                        f"sum by (agent, topic) (rate(vigil_signals_total{_RATE}))",
                        "{{agent}} {{topic}}",
                    ),),
                ),
                Panel(
                    "Age of the oldest waiting signal", "s",
                    "A ramp is a worker that can't keep up or stands still; a step that falls again"
                    " is a rebalance, and harmless.",
                    (Query("max by (agent) (vigil_lag_seconds)", "{{agent}}"),),
                    bad=60,
                ),
                Panel(
                    "Records committed", "cps",
                    "By topic. At nought while signals are handled and patterns used to fire: look"
                    " at failed checkpoints.",
                    (Query(f"sum by (topic) (rate(vigil_outputs_total{_RATE}))", "{{topic}}"),),
                ),
                Panel(
                    "From signal to commit", "s",
                    "50th and 99th percentile of what detections took, counted from the cause's Kafka"
                    " timestamp. Only the 99th high: checkpoints wait for each other. Both: lag, or"
                    " producers that stamp their records late.",
                    (
                        Query(
                            _quantile(0.5, "vigil_latency_seconds", "topic"), "{{topic}} 50th"
                        ),
                        Query(
                            _quantile(0.99, "vigil_latency_seconds", "topic"), "{{topic}} 99th"
                        ),
                    ),
                    bad=1, width=12,
                ),
                Panel(
                    "Refused signals by reason", "cps",
                    "`handler_failed` is a fault in a pattern or in Vigil, all others are producers'."
                    " `vigil tap dead-letters` names topic, partition and offset.",
                    (Query(
                        f"sum by (reason) (rate(vigil_dead_letters_total{_RATE})) > 0", "{{reason}}"
                    ),),
                    width=12, empty="Nothing was refused",
                ),
            ),
        ),
        Row(
            "Checkpoints and state",
            (
                Panel(
                    "Checkpoints, 99th percentile", "s",
                    "Above 200 ms: the brokers are slow to acknowledge; look at their disks and at"
                    " under-replicated partitions.",
                    (Query(_quantile(0.99, "vigil_checkpoint_seconds", "agent"), "{{agent}}"),),
                    bad=0.2,
                ),
                Panel(
                    "Failed checkpoints", "cps",
                    "By error. A few at a rebalance or a broker's restart are as it should be; a"
                    " steady rate is not (VigilCheckpointsFail).",
                    (Query(
                        "sum by (agent, reason) (rate(vigil_checkpoint_failures_total"
                        f"{_RATE}))", "{{agent}} {{reason}}",
                    ),),
                ),
                Panel(
                    "State held", "bytes",
                    "Encoded size. Grows without more accounts: `vigil check` warns of patterns whose"
                    " state has no bound.",
                    (Query("sum by (agent) (vigil_state_bytes)", "{{agent}}"),),
                ),
                Panel(
                    "State records", "locale",
                    "Accounts, windows and decisions remembered. A sudden fall without a worker"
                    " going: tell the developers before the topic is compacted.",
                    (Query("sum by (agent) (vigil_state_records)", "{{agent}}"),),
                    width=6,
                ),
                Panel(
                    "Left to restore", "locale",
                    "State records still to be read back. It must fall; if it stands still the"
                    " broker doesn't answer.",
                    (Query("sum by (agent) (vigil_restore_left_records)", "{{agent}}"),),
                    width=6,
                ),
                Panel(
                    "Restores, 90th percentile", "s",
                    "How long one took. Minutes: the state topics are not compacted; `vigil topics"
                    " check`.",
                    (Query(
                        "histogram_quantile(0.9, sum by (le, agent)"
                        " (increase(vigil_restore_seconds_bucket[1h]))) >= 0", "{{agent}}",
                    ),),
                    width=6, empty="Nothing was restored",
                ),
                Panel(
                    "Read back", "cps",
                    "State records read back a second, while there is anything left to restore. At"
                    " nought then: the broker doesn't answer.",
                    (Query(f"sum by (agent) (rate(vigil_restore_records_total{_RATE}))", "{{agent}}"),),
                    width=6,
                ),
            ),
        ),
        Row(
            "Workers",
            (
                Panel(
                    "Partitions running", "locale",
                    "Pairs of agent and partition per worker. Very uneven for long: a worker that"
                    " left and came back; the next rebalance evens it out.",
                    (Query('vigil_partitions{state="running"}', "{{instance}}"),),
                    Look.STACK,
                ),
                Panel(
                    "Processor", "percentunit",
                    "Cores in use. Near 1 a worker is at its limit (it is one process): start another"
                    " before lag grows.",
                    (Query(f"rate(process_cpu_seconds_total{_RATE})", "{{instance}}"),),
                    bad=0.9,
                ),
                Panel(
                    "Memory", "bytes",
                    "Resident. It follows the state held; grows alone: tell the developers, and"
                    " restart that worker, which loses nothing.",
                    (Query("process_resident_memory_bytes", "{{instance}}"),),
                ),
                Panel(
                    "Open files", "percentunit",
                    "Share of the limit in use. Near 1: raise the limit; connections to brokers are"
                    " leaking if it keeps growing.",
                    (Query("process_open_fds / process_max_fds", "{{instance}}"),),
                    bad=0.8, at_most=1,
                ),
                Panel(
                    "Versions", "locale",
                    "What each worker runs. Two versions are fine while you roll out, not for long.",
                    (Query("max by (instance, version, python) (vigil_build_info)"),),
                    Look.TABLE,
                    columns=(("instance", "Worker"), ("version", "Vigil"), ("python", "Python")),
                ),
                Panel(
                    "Refused rule sets", "locale",
                    "Workers that can't run the published rule set and go on with the last one:"
                    " `vigil rules status` says why.",
                    (Query("max by (instance) (vigil_ruleset_refused)"),),
                    Look.TABLE, bad=1, columns=(("instance", "Worker"), ("Value", "Refused")),
                ),
            ),
        ),
    ),
)  # fmt: skip
