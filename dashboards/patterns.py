"""Pattern quality: for those who write patterns and answer for them."""

from dashboards.board import Board, Look, Panel, Query, Row, titled

LEAST_REVIEWS = 20
"""Reviews below which a share says nothing."""

_UPHELD = (
    'sum by (pattern) (increase(vigil_reviewed_total{outcome="upheld", pattern=~"$pattern"}[30d]))'
)
_REVIEWED = 'sum by (pattern) (increase(vigil_reviewed_total{pattern=~"$pattern"}[30d]))'
_FIRED = 'sum by (pattern) (increase(vigil_detections_total{pattern=~"$pattern"}[1d]))'
_FIRED_BEFORE = f"({_FIRED.replace('[1d]', '[1d] offset 7d')} or 0 * {_FIRED})"

PATTERNS = Board(
    "patterns",
    "Pattern quality",
    "Which patterns moved, fell silent, or are wrong too often.",
    (
        Row(
            "Movers and silence",
            (
                Panel(
                    "Movers", "locale",
                    "Detections of the last day less those of the same day a week ago, the ten that"
                    " grew most. Read some with `vigil tap detections`; `vigil backtest` says what"
                    " another threshold would have found.",
                    (Query(f"topk(10, {titled(f'{_FIRED} - {_FIRED_BEFORE}')})"),),
                    Look.TABLE, columns=(("title", "Pattern"), ("Value", "More than a week ago")),
                ),
                Panel(
                    "Silent live patterns", "locale",
                    "Live for a week without a detection. Either nobody does it, or the pattern is"
                    " blind: see below what it looks at, and run its inline tests (`vigil test`).",
                    (Query(
                        'max by (title, severity) (vigil_pattern_info{mode="live", pattern=~"$pattern"}'
                        " and on (pattern) sum by (pattern) (increase(vigil_detections_total[7d])) == 0)"
                    ),),
                    Look.TABLE, columns=(("title", "Pattern"), ("severity", "Severity")),
                    empty="None",
                ),
                Panel(
                    "What patterns look at", "locale",
                    "Signals a second, now, on each topic a pattern looks at. At nought the pattern"
                    " can't fire by it: find out why the source is silent.",
                    (Query(
                        "sort(" + titled(
                            'max by (pattern, topic) (vigil_pattern_topic_info{pattern=~"$pattern"})'
                            " * on (topic) group_left () sum by (topic)"
                            " (rate(vigil_signals_total[$__rate_interval]))"
                        ) + ")"
                    ),),
                    Look.TABLE,
                    columns=(("title", "Pattern"), ("topic", "Topic"), ("Value", "Signals a second")),
                ),
            ),
        ),
        Row(
            "Blind spots",
            (
                Panel(
                    "Hits by source", "locale",
                    "Per hour. A source at nought that isn't usually: its detector is down, and the"
                    " patterns beside can't fire.",
                    (Query("sum by (source) (increase(vigil_hits_total[1h]))", "{{source}}"),),
                    width=12,
                ),
                Panel(
                    "Who hangs on a source", "locale",
                    "Hits of the last hour from a source that a pattern can't do without. At nought"
                    " the pattern is blind, however busy everything else is.",
                    (Query(
                        "sort(" + titled(
                            'max by (pattern, source) (vigil_pattern_source_info{pattern=~"$pattern"})'
                            " * on (source) group_left () sum by (source)"
                            " (increase(vigil_hits_total[1h]))"
                        ) + ")"
                    ),),
                    Look.TABLE, width=12,
                    columns=(("title", "Pattern"), ("source", "Source"), ("Value", "Hits")),
                ),
                Panel(
                    "Hits by surface", "locale",
                    "Per hour, by where the content was found. A surface at nought is one that nobody"
                    " looks at any more, or that the product no longer has.",
                    (Query("sum by (surface) (increase(vigil_hits_total[1h]))", "{{surface}}"),),
                    width=12,
                ),
                Panel(
                    "Who hangs on a surface", "locale",
                    "Hits of the last hour on a surface that a pattern can't do without. At nought"
                    " the pattern is blind there: ask whoever runs the detector for it.",
                    (Query(
                        "sort(" + titled(
                            'max by (pattern, surface) (vigil_pattern_surface_info{pattern=~"$pattern"})'
                            " * on (surface) group_left () sum by (surface)"
                            " (increase(vigil_hits_total[1h]))"
                        ) + ")"
                    ),),
                    Look.TABLE, width=12,
                    columns=(("title", "Pattern"), ("surface", "Surface"), ("Value", "Hits")),
                ),
            ),
        ),
        Row(
            "Right and wrong",
            (
                Panel(
                    "Precision", "percentunit",
                    f"Share of reviewed decisions upheld in 30 days; only patterns with {LEAST_REVIEWS}"
                    " reviews or more. Below 0.8 the governor holds what it proposes: narrow the"
                    " pattern, backtest, publish, then `vigil resume`.",
                    (Query(
                        titled(f"({_UPHELD} / {_REVIEWED}) and {_REVIEWED} >= {LEAST_REVIEWS}"),
                        "{{title}}",
                    ),),
                    bad=0.8, good_above=True, at_most=1, width=12,
                    empty=f"No pattern has {LEAST_REVIEWS} reviews yet",
                ),
                Panel(
                    "Reviews", "locale",
                    f"Reviews by pattern in 30 days. Under {LEAST_REVIEWS} nothing is known of a pattern:"
                    " have a sample of its decisions looked at.",
                    (Query(f"topk(15, {titled(f'{_REVIEWED} > 0')})", "{{title}}"),),
                    bad=LEAST_REVIEWS, good_above=True, width=12, empty="Nobody has reviewed anything",
                ),
            ),
        ),
        Row(
            "On trial and on hold",
            (
                Panel(
                    "Shadow against live", "locale",
                    "Detections of the last day by pattern and mode. A pattern on trial that fires"
                    " more than its live neighbours is not ready to act.",
                    (Query(
                        "topk(20, (sum by (pattern, mode) (increase(vigil_detections_total"
                        '{pattern=~"$pattern"}[1d])) > 0) * on (pattern) group_left (title)'
                        " topk by (pattern) (1, vigil_pattern_info))"
                    ),),
                    Look.TABLE,
                    columns=(("title", "Pattern"), ("mode", "Mode"), ("Value", "Detections")),
                ),
                Panel(
                    "Held by pattern", "locale",
                    "Actions per hour that wait for a person, by what holds them. `budget`: is the"
                    " budget too small, or the pattern too wide? `surge`, `precision`: it is stopped;"
                    " `vigil queue --patterns` says why.",
                    (Query(
                        "sum by (held_by) (increase(vigil_held_total"
                        '{pattern=~"$pattern"}[1h]))', "{{held_by}}",
                    ),),
                    Look.STACK,
                ),
                Panel(
                    "Breakers opened", "locale",
                    "Each is a pattern that acts no more until a person looks: `vigil queue"
                    " --patterns`, then `vigil resume`, or a corrected rule set.",
                    (Query(
                        "topk(10, " + titled(
                            'sum by (pattern) (increase(vigil_breakers_total{pattern=~"$pattern"}[1h])) > 0'
                        ) + ")", "{{title}}",
                    ),),
                    bad=1, empty="None opened",
                ),
            ),
        ),
        Row(
            "One pattern",
            (
                Panel(
                    "Detections", "locale",
                    "Per hour, of the patterns chosen at the top. A step at a purple line is the rule"
                    " set's doing; without one it is the world's.",
                    (Query(
                        titled(
                            "sum by (pattern, mode) (increase(vigil_detections_total"
                            '{pattern=~"$pattern"}[1h])) > 0'
                        ), "{{title}} {{mode}}",
                    ),),
                    width=12,
                ),
                Panel(
                    "Taken back, and undone", "locale",
                    "Per hour: detections a late signal took back, and actions a person reversed."
                    " Actions undone: whoever did it knows why; the pattern's version is stopped.",
                    (
                        Query(
                            'sum(increase(vigil_retractions_total{pattern=~"$pattern"}[1h]))',
                            "taken back",
                        ),
                        Query(
                            'sum(increase(vigil_verdicts_total{pattern=~"$pattern",'
                            ' verdict="undone"}[1h]))', "undone",
                        ),
                    ),
                    width=12,
                ),
            ),
        ),
    ),
    by_pattern=True,
)  # fmt: skip
