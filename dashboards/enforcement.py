"""Enforcement and review queue: what is done to people, and what waits for people."""

from dashboards.board import Board, Look, Panel, Query, Row, number, titled

ENFORCEMENT = Board(
    "enforcement",
    "Enforcement and review",
    "What is done to accounts, what is held, and whether people keep up.",
    (
        Row(
            "The last day",
            (
                number(
                    "Suspensions", "locale",
                    "Accounts suspended in a day. Far from what is usual: look by harm below, then at"
                    " the patterns that caused it; `vigil undo` reverses a pattern's version.",
                    'sum(increase(vigil_enforcement_total{action="suspend"}[1d]))',
                ),
                number(
                    "Undone", "locale",
                    "Actions reversed in a day. Each was a mistake against somebody: find out which"
                    " pattern, and that it was corrected.",
                    'sum(increase(vigil_enforcement_total{action="undo"}[1d]))', bad=1,
                ),
                number(
                    "Held", "locale",
                    "Actions put on hold in a day. `vigil queue` lists what waits.",
                    "sum(increase(vigil_held_total[1d]))",
                ),
                number(
                    "Released or voided", "locale",
                    "Held actions a person decided in a day. Well below what was held: reviewers"
                    " don't keep up.",
                    'sum(increase(vigil_verdicts_total{verdict=~"released|voided"}[1d]))',
                ),
                number(
                    "Oldest hold", "s",
                    "For how long the first held action has waited. Hours for what is critical, days"
                    " for the rest: more reviewers, or a pattern that proposes too much.",
                    'max(vigil_queue_oldest_seconds{queue="held"})', bad=259_200,
                ),
                number(
                    "Breakers opened", "locale",
                    "Patterns that act no more until a person looks: `vigil queue --patterns`.",
                    "sum(increase(vigil_breakers_total[1d]))", bad=1,
                ),
            ),
        ),
        Row(
            "What is done",
            (
                Panel(
                    "Actions", "locale",
                    "Per hour. A new mix without a new rule set is the world's doing; with one, read"
                    " `vigil rules diff`.",
                    (Query(
                        "sum by (action) (increase(vigil_enforcement_total[1h]))", "{{action}}"
                    ),),
                    Look.STACK,
                ),
                Panel(
                    "Suspensions by harm", "locale",
                    "Per hour. Suspensions for mild harms: check the ladder's policy first.",
                    (Query(
                        'sum by (harm) (increase(vigil_enforcement_total{action="suspend"}[1h]))',
                        "{{harm}}",
                    ),),
                    Look.STACK,
                ),
                Panel(
                    "Offended again after", "locale",
                    "Per hour: proposals against somebody to whom that was done before for the same"
                    " harm. Many after a message and few after a warning: a warning is what helps.",
                    (Query("sum by (after) (increase(vigil_repeats_total[1h]))", "{{after}}"),),
                    Look.STACK,
                ),
            ),
        ),
        Row(
            "What the governor says",
            (
                Panel(
                    "Verdicts", "locale",
                    "Per hour, what became of proposed actions. Granted falls and held rises: a"
                    " budget is spent or a breaker is open.",
                    (
                        Query(
                            "sum by (verdict) (increase(vigil_verdicts_total[1h]))", "{{verdict}}"
                        ),
                        Query("sum(increase(vigil_held_total[1h]))", "held"),
                    ),
                ),
                Panel(
                    "What holds", "locale",
                    "Per hour, by cause. `budget_hour` in bursts is what budgets are for; all day"
                    " long it is too small, or the pattern too wide.",
                    (Query("sum by (held_by) (increase(vigil_held_total[1h]))", "{{held_by}}"),),
                    Look.STACK,
                ),
                Panel(
                    "Who is held most", "locale",
                    "Patterns by actions held in a day. Open pattern quality for the first of them.",
                    (Query(
                        "topk(10, " + titled(
                            "sum by (pattern) (increase(vigil_held_total[1d])) > 0"
                        ) + ")"
                    ),),
                    Look.TABLE, columns=(("title", "Pattern"), ("Value", "Held")),
                    empty="Nothing was held",
                ),
            ),
        ),
        Row(
            "What waits for people",
            (
                Panel(
                    "New review items", "locale",
                    "Per hour, by reason. `appeal` rises: somebody was wronged in numbers; look at"
                    " what was done in the days before.",
                    (Query("sum by (reason) (increase(vigil_review_items_total[1h]))", "{{reason}}"),),
                    Look.STACK, width=12,
                ),
                Panel(
                    "Reviews", "locale",
                    "Per hour, by outcome. More overturned than before: pattern quality says which"
                    " pattern is to blame.",
                    (Query("sum by (outcome) (increase(vigil_reviewed_total[1h]))", "{{outcome}}"),),
                    Look.STACK, width=12,
                ),
            ),
        ),
    ),
)  # fmt: skip
