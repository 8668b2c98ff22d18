"""Detection overview: what Vigil finds and does, for whoever opens Grafana first."""

from dashboards.board import Board, Look, Panel, Query, Row, number, titled

_RATE = "[$__rate_interval]"

DETECTIONS = Board(
    "detections",
    "Detection overview",
    "What is found and what is done about it. Start here; the other boards say why.",
    (
        Row(
            "The last hour",
            (
                number(
                    "Signals", "cps",
                    "Signals handled a second. Nought while producers write: go to stream health.",
                    f"sum(rate(vigil_signals_total{_RATE}))",
                ),
                number(
                    "Live detections", "locale",
                    "Patterns that fired and may act. Far from what is usual at this hour: see below"
                    " which pattern it is, then its row in pattern quality.",
                    'sum(increase(vigil_detections_total{mode="live"}[1h]))',
                ),
                number(
                    "Shadow detections", "locale",
                    "What patterns on trial would have said. It harms nobody; many are a reason not"
                    " to make that pattern live yet.",
                    'sum(increase(vigil_detections_total{mode="shadow"}[1h]))',
                ),
                number(
                    "Actions", "locale",
                    "Actions decided, undoing and expiring left out. Rises without more detections:"
                    " look at the ladder and the rule set that came into force.",
                    'sum(increase(vigil_enforcement_total{action!~"undo|expire"}[1h]))',
                ),
                number(
                    "Held", "locale",
                    "Actions put on hold for a person. Above nought: `vigil queue`, most urgent"
                    " first.",
                    "sum(increase(vigil_held_total[1h]))", bad=1,
                ),
                number(
                    "Refused signals", "locale",
                    "Records that could not be read and went to dead-letters. Above nought: a"
                    " producer writes what the schema doesn't allow; see reasons in stream health.",
                    "sum(increase(vigil_dead_letters_total[1h]))", bad=1,
                ),
            ),
        ),
        Row(
            "What is found",
            (
                Panel(
                    "Live detections by pattern", "locale",
                    "Per hour, the ten that fire most. One that leaps is an attack, a changed"
                    " product, or a changed rule: compare with the purple lines (rule sets), read"
                    " `vigil tap detections`, and set the pattern to shadow if it is wrong.",
                    (Query(
                        "topk(10, " + titled(
                            'sum by (pattern) (increase(vigil_detections_total{mode="live"}[1h])) > 0'
                        ) + ")", "{{title}}",
                    ),),
                    width=12,
                ),
                Panel(
                    "Live and shadow", "locale",
                    "Detections per hour by mode. Shadow far above live after a publication: a"
                    " pattern on trial is too wide; look at it before it is promoted.",
                    (Query("sum by (mode) (increase(vigil_detections_total[1h]))", "{{mode}}"),),
                    Look.STACK, width=6,
                ),
                Panel(
                    "Detections taken back", "locale",
                    "Per hour, where a late signal showed that what had to be missing was there."
                    " Many: signals of that source arrive later than the pattern waits.",
                    (Query(
                        "topk(10, " + titled(
                            "sum by (pattern) (increase(vigil_retractions_total[1h])) > 0"
                        ) + ")", "{{title}}",
                    ),),
                    width=6, empty="Nothing was taken back",
                ),
            ),
        ),
        Row(
            "What is done, and on what",
            (
                Panel(
                    "Actions", "locale",
                    "Actions per hour. Suspensions rise: look at enforcement, by harm, before"
                    " anybody is told that it is an attack.",
                    (Query(
                        "sum by (action) (increase(vigil_enforcement_total[1h]))", "{{action}}"
                    ),),
                    Look.STACK,
                ),
                Panel(
                    "Signals by topic", "cps",
                    "What comes in. A topic at nought blinds the patterns that look at it: pattern"
                    " quality names them.",
                    (Query(f"sum by (topic) (rate(vigil_signals_total{_RATE}))", "{{topic}}"),),
                ),
                Panel(
                    "Hit to decision, 99th percentile", "s",
                    "From a signal's Kafka timestamp to the commit of the detection. Above a second:"
                    " stream health says whether it is lag, checkpoints or late producers.",
                    (Query(
                        "histogram_quantile(0.99, sum by (le) (rate("
                        f'vigil_latency_seconds_bucket{{topic="detections"}}{_RATE})))',
                        "detections",
                    ),),
                    bad=1,
                ),
            ),
        ),
        Row(
            "What is in force",
            (
                Panel(
                    "Rule set by worker", "locale",
                    "All workers must name the same one. If not for longer than a minute:"
                    " `vigil rules status` says which worker refused it and why.",
                    (Query("max by (instance, ruleset) (vigil_ruleset_info)"),),
                    Look.TABLE, width=8, columns=(("instance", "Worker"), ("ruleset", "Rule set")),
                ),
                Panel(
                    "Patterns in force", "locale",
                    "What is judged by right now. One is missing: it isn't in the published set, or"
                    " its status is deprecated; `vigil rules diff` shows what changed.",
                    (Query("max by (title, mode, severity, version) (vigil_pattern_info)"),),
                    Look.TABLE, width=16,
                    columns=(
                        ("title", "Pattern"), ("severity", "Severity"), ("mode", "Mode"),
                        ("version", "Version"),
                    ),
                ),
            ),
        ),
    ),
)  # fmt: skip
