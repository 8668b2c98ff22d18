"""Child-safety reporting deadlines: nothing known may wait unseen."""

from dashboards.board import Board, Look, Panel, Query, Row, number

_HARMS = "csam|csem"
_REMOVED_IN = 'sum(increase(vigil_removal_seconds_bucket{le="%s"}[1d]))'

REPORTING = Board(
    "reporting",
    "Child-safety reporting deadlines",
    "Drafts of reports to authorities, removal of what is confirmed, and how long both take.",
    (
        Row(
            "The last day",
            (
                number(
                    "Drafts", "locale",
                    "Drafts in a day, each to be confirmed by a person. None for weeks where there were"
                    " some: see whether known material still comes in as a hit.",
                    'sum(increase(vigil_reports_total{step="draft"}[1d]))',
                ),
                number(
                    "Confirmed", "locale",
                    "Confirmed in a day. Below drafts for days: reviewers need help now.",
                    'sum(increase(vigil_reports_total{step="confirmed"}[1d]))',
                ),
                number(
                    "Oldest draft", "s",
                    "For how long the first draft has waited to be confirmed. A day or more: call"
                    " whoever confirms reports; VigilReportPending has the runbook.",
                    'max(vigil_queue_oldest_seconds{queue="report"})', bad=86_400,
                ),
                number(
                    "Content to remove", "locale",
                    "Holders of confirmed content told in a day. Each leads to a removal.",
                    "sum(increase(vigil_removal_seconds_count[1d]))",
                ),
                number(
                    "Told within the hour", "percentunit",
                    "Share of those told within an hour of when it had to be removed. Below 0.99:"
                    " VigilRemovalSlow has the runbook.",
                    f"{_REMOVED_IN % '3600.0'} / sum(increase(vigil_removal_seconds_count[1d]))",
                    bad=0.99, good_above=True,
                ),
                number(
                    "Preserved", "locale",
                    "Preservation orders in a day. Fewer than drafts: evidence may be deleted; look"
                    " at the policy's zero tolerance at once.",
                    'sum(increase(vigil_enforcement_total{action="preserve"}[1d]))',
                ),
            ),
        ),
        Row(
            "Reports",
            (
                Panel(
                    "What became of reports", "locale",
                    "Per hour. Drafts without confirmations after them: nobody is at the desk.",
                    (Query("sum by (step) (increase(vigil_reports_total[1h]))", "{{step}}"),),
                    width=12,
                ),
                Panel(
                    "Confirmations asked for", "locale",
                    "Review items that ask to confirm a report, per hour. They come first in the"
                    " queue.",
                    (Query(
                        'sum(increase(vigil_review_items_total{reason="report_confirmation"}[1h]))',
                        "asked for",
                    ),),
                    width=12,
                ),
            ),
        ),
        Row(
            "Removal",
            (
                Panel(
                    "Time to removal", "s",
                    "From when content had to be removed to the decision, 50th and 99th percentile."
                    " Minutes: lag in the entities agent. Days: its holder turned up late.",
                    (
                        Query(
                            "histogram_quantile(0.5, sum by (le)"
                            " (increase(vigil_removal_seconds_bucket[1h])))", "50th",
                        ),
                        Query(
                            "histogram_quantile(0.99, sum by (le)"
                            " (increase(vigil_removal_seconds_bucket[1h])))", "99th",
                        ),
                    ),
                    bad=3600,
                ),
                Panel(
                    "Removed and quarantined", "locale",
                    "Per hour. Must follow what had to be removed; if it doesn't, the accounts agent"
                    " lags behind the entities agent.",
                    (Query(
                        "sum by (action) (increase(vigil_enforcement_total"
                        '{action=~"content.remove|dataset.quarantine|preserve"}[1h]))', "{{action}}",
                    ),),
                    Look.STACK,
                ),
                Panel(
                    "Actions for these harms", "locale",
                    "Per hour, by action. Suspensions without content removed: look at the policy's"
                    " zero tolerance.",
                    (Query(
                        "sum by (action) (increase(vigil_enforcement_total"
                        f'{{harm=~"{_HARMS}"}}[1h]))', "{{action}}",
                    ),),
                    Look.STACK,
                ),
            ),
        ),
    ),
)  # fmt: skip
