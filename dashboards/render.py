"""Makes Grafana's JSON (classic, v1) of a board: ids, refIds, links, variables, annotations."""

from __future__ import annotations

import json
import re
from string import ascii_uppercase
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    DataSourceRef,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLink,
    DashboardLinkType,
    DataTransformerConfig,
    Threshold,
    ThresholdsMode,
    VariableHide,
    VariableOption,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.board import Board, Look, Panel, Query

COUNT = "locale"
"""Grafana's name for a number written out."""

_SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
_METRIC = re.compile(r"\b((?:vigil|process)_\w+|up\b)(\{)?")
_CHOSEN = 'job=~"$job", instance=~"$instance"'
_HEIGHT = {Look.NUMBER: 4, Look.LINES: 8, Look.STACK: 8, Look.TABLE: 8}

_PATTERN_NAMES = r'/pattern="(?<value>[^"]+)".*title="(?<text>[^"]+)"/'
"""Grafana offers titles and puts in ids; labels come in the alphabet's order."""

_LEADS_TO = {"title": ("patterns", "pattern"), "instance": ("stream", "instance")}
"""From a label in a legend to the board about it, and the label that board is narrowed by."""

AnyPanel = timeseries.Panel | stat.Panel | table.Panel


def render(board: Board) -> str:
    """The board's file."""
    made = (
        dashboard.Dashboard(f"Vigil / {board.title}")
        .uid(board.uid)
        .description(board.about)
        .tags(["vigil"])
        .readonly()
        .timezone("utc")
        .refresh("30s")
        .time("now-6h", "now")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink("Vigil's boards")
            .type(DashboardLinkType.DASHBOARDS)
            .tags(["vigil"])
            .keep_time(True)
            .include_vars(True)
        )
        .with_variable(
            dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
        )
        .with_variable(_choice("job", "Job", "label_values(vigil_build_info, job)"))
        .with_variable(
            _choice("instance", "Worker", 'label_values(vigil_build_info{job=~"$job"}, instance)')
        )
    )
    if board.by_pattern:
        names = _choice("pattern", "Pattern", "query_result(vigil_pattern_info)")
        # What is counted for patterns no longer in force is not in the list.
        made.with_variable(names.regex(_PATTERN_NAMES).all_value(".+"))
    for annotation in _annotations():
        made.annotation(annotation)
    number = 0
    for row in board.rows:
        number += 1
        made.with_row(dashboard.Row(row.title).id(number))
        for panel in row.panels:
            number += 1
            made.with_panel(_panel(panel).id(number))
    parts = json.loads(JSONEncoder().encode(made.build()), object_hook=_shown)
    return json.dumps(parts, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _shown(part: dict[str, Any]) -> dict[str, Any]:
    """Without the SDK's default that puts links and annotations away in a menu."""
    return {name: value for name, value in part.items() if value != "inControlsMenu"}


def narrowed(expr: str) -> str:
    """The expression for the job and the workers chosen at the top of the board."""
    return _METRIC.sub(lambda found: f"{found[1]}{{{_CHOSEN}" + (", " if found[2] else "}"), expr)


def _choice(name: str, label: str, query: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(_SOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        # All are those in the list: `.+` would let in what other jobs call `up` and `process_…`.
        .include_all(True)
        .current(VariableOption(selected=True, text="All", value="$__all"))
        .hide(VariableHide.DONT_HIDE)
    )


def _annotations() -> tuple[dashboard.AnnotationQuery, ...]:
    """What changed: the usual cause."""
    seen = "count by (ruleset) (vigil_ruleset_info)"
    started = "changes(process_start_time_seconds[$__rate_interval]) > 0"
    return (
        dashboard.AnnotationQuery()
        .name("Rule set in force")
        .datasource(_SOURCE)
        .enable(True)
        .icon_color("purple")
        .expr(narrowed(f"{seen} unless {seen.replace('info)', 'info offset 2m)')}"))
        .title_format("rule set {{ruleset}}"),
        dashboard.AnnotationQuery()
        .name("Worker started")
        .datasource(_SOURCE)
        .enable(True)
        .icon_color("blue")
        .expr(narrowed(started))
        .title_format("started {{instance}}"),
    )


def _panel(panel: Panel) -> AnyPanel:
    made: AnyPanel
    match panel.look:
        case Look.NUMBER:
            made = (
                stat.Panel()
                .color_mode(BigValueColorMode.VALUE)
                .graph_mode(BigValueGraphMode.AREA)
                .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
            )
        case Look.TABLE:
            made = _table(panel)
        case _:
            made = _lines(panel)
    made.title(panel.title).description(panel.about).unit(panel.unit).datasource(_SOURCE)
    made.span(panel.width).height(_HEIGHT[panel.look]).min(0)
    if panel.at_most is not None:
        made.max(panel.at_most)
    made.thresholds(_thresholds(panel)).data_links(_links(panel))
    if panel.unit == COUNT:
        made.decimals(0)  # Prometheus extrapolates what can only be whole
    if panel.empty:
        made.no_value(panel.empty)
    for letter, query in zip(ascii_uppercase, panel.queries, strict=False):
        made.with_target(_target(query, letter, panel.look))
    return made


def _links(panel: Panel) -> list[Builder[DashboardLink]]:
    """From each series to the board that says more about what it is of."""
    return [
        dashboard.DashboardLink(f"More about this {by}").url(
            f"/d/vigil-{board}?var-{by}=${{__field.labels.{by}}}&${{__url_time_range}}"
        )
        for label, (board, by) in _LEADS_TO.items()
        if any(f"{{{{{label}}}}}" in query.legend for query in panel.queries)
    ]


def _lines(panel: Panel) -> timeseries.Panel:
    stacked = panel.look is Look.STACK
    legend = (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.TABLE)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
        .sort_by("Last *")
        .sort_desc(sort_desc=True)
    )
    made = (
        timeseries.Panel()
        .legend(legend)
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        .fill_opacity(30 if stacked else 5)
        .line_width(1)
    )
    if panel.bad is not None:
        made.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
        )
    if stacked:
        made.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
    return made


def _table(panel: Panel) -> table.Panel:
    """The labels and the value that were asked for, side by side."""
    names = [name for name, _ in panel.columns]
    hidden = {"Time", "pattern", "Value"} - set(names)
    options = {
        "excludeByName": dict.fromkeys(sorted(hidden), True),
        "indexByName": {name: place for place, name in enumerate(names)},
        "renameByName": dict(panel.columns),
    }
    return table.Panel().with_transformation(
        DataTransformerConfig(id_val="organize", options=options)
    )


def _thresholds(panel: Panel) -> dashboard.ThresholdsConfig:
    first, then = ("red", "green") if panel.good_above else ("green", "red")
    steps = [Threshold(value=None, color="green" if panel.bad is None else first)]
    if panel.bad is not None:
        steps.append(Threshold(value=panel.bad, color=then))
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def _target(query: Query, ref: str, look: Look) -> prometheus.Dataquery:
    target = prometheus.Dataquery().ref_id(ref).expr(narrowed(query.expr)).datasource(_SOURCE)
    if look is Look.TABLE:
        return target.instant().format(PromQueryFormat.TABLE)
    return target.range().legend_format(query.legend or "__auto")
