"""`vigil stress`: every campaign in every evasion, hidden several times and looked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import click

from streams.cli import exits, options, output, progress

if TYPE_CHECKING:
    from streams.stress.findings import Campaign, Findings, Recall

_DASH = "–"


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=10, show_default=True,
              help="How often all of it is tried, each time in other traffic.")  # fmt: skip
@click.option("--first-seed", type=int, default=1, show_default=True,
              help="Seeds count up from it.")  # fmt: skip
@click.option("--signals", type=click.IntRange(1_000), default=200_000, show_default=True,
              help="Records of each trial; a seed takes one trial for the campaigns that fit into"
              " the days, one for those that take longer.")  # fmt: skip
@click.option("--days", type=click.FloatRange(min=0.5), default=1.0, show_default=True,
              help="Days of full traffic in a trial, at 40 signals a day and account.")  # fmt: skip
@click.option("--campaigns", default="all", show_default=True, metavar="LIST",
              help="What to hide: all, none or names; see vigil simulate.")  # fmt: skip
@click.option("--evasions", metavar="LIST",
              help="How each evades, where it makes sense: plain and settings of a campaign, several"
              " at once with colons [default: plain,pace=0.4,pace=0.1,split=2,hop,pad=5].")  # fmt: skip
@click.option("--lookalikes", default="all", show_default=True, metavar="LIST",
              help="Harmless accounts that look bad; see vigil simulate.")  # fmt: skip
@click.option("--rules", multiple=True, metavar="DIR",
              help="Rule directory; the word catalogue is the shipped one (the default).")  # fmt: skip
@click.option("--gate", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Limits (TOML); under them the exit code is 1.")  # fmt: skip
@options.jobs
@options.schema
@options.json_
def stress(
    *,
    seeds: int,
    first_seed: int,
    signals: int,
    days: float,
    campaigns: str,
    evasions: str | None,
    lookalikes: str,
    rules: tuple[str, ...],
    gate: Path | None,
    jobs: int | None,
    schema: Path | None,
    json_: bool,
) -> int:
    """Hide every campaign in harmless traffic, in every evasion, and see what is found.

    Runs the real agents in memory, no Kafka. Tells for each campaign how many of those that a
    pattern must see were found and how long it took, the false positives per million harmless
    signals, and what was done to look-alikes. What the figures can't tell: docs/stress.md.

    \b
    vigil stress
    vigil stress --gate deploy/stress-gate.toml
    vigil stress --campaigns slow-drip --evasions plain,pace=0.5,split=3:pad=10 --seeds 50
    vigil stress --campaigns none --days 30 --signals 1200000      false positives over a month
    vigil stress --rules catalogue --rules my-rules --json | jq .false_positives
    """
    from streams.simulate.hiding import PlanTooSmallError
    from streams.simulate.plan import UnknownCampaignError
    from streams.stress import gate as gates
    from streams.stress.findings import summed
    from streams.stress.trials import Stress, try_all
    from streams.stress.variations import EVASIONS

    options.insist_on_rules(rules)
    limits = gates.read(gate) if gate else gates.Gate()
    try:
        wanted = Stress(
            campaigns=campaigns,
            evasions=tuple(evasions.split(",")) if evasions else EVASIONS,
            lookalikes=lookalikes,
            rules=rules or ("catalogue",),
            schema=schema,
            seeds=seeds,
            first_seed=first_seed,
            signals=signals,
            days=days,
        )
        began = monotonic()
        with progress.of("trying", len(wanted.plans()), "trials") as advance:
            trials = try_all(wanted, jobs or options.cores(), lambda: advance(1))
    except (UnknownCampaignError, PlanTooSmallError) as error:
        raise click.UsageError(str(error)) from error
    findings = summed(trials, wanted.ruleset())
    took = monotonic() - began
    failures = gates.judged(findings, limits)
    if json_:
        output.as_json({**findings.as_json(), "gate": failures if gate else None})
    else:
        _show(findings, wanted.evasions)
    click.echo(
        f"{findings.trials} trials of {signals:,} signals in {took:.0f} s, "
        f"{findings.signals / took:,.0f} signals/s",
        err=True,
    )
    for failure in failures:
        click.echo(f"gate: {failure}", err=True)
    if gate and not failures:
        click.echo(f"{gate}: passed", err=True)
    return exits.PROBLEMS if failures else exits.OK


def _show(findings: Findings, asked: tuple[str, ...]) -> None:
    evasions = [way for way in asked if way in findings.by_evasion]
    evasions += [way for way in findings.by_evasion if way not in asked]
    columns = ("campaign", "found", "recall", "p50", "max", *evasions)
    output.as_table(columns, (_campaign(one, evasions) for one in findings.campaigns))
    click.echo()
    output.as_table(
        ("evasion", "hidden", "detectable", "found"),
        (
            (name, one.instances, one.detectable, one.found)
            for name, one in (
                *((way, findings.by_evasion[way]) for way in evasions),
                ("all", findings.total),
            )
        ),
    )
    click.echo()
    output.as_table(
        ("look-alike", "instances", "punished", "detections", "actions"),
        (
            (
                one.lookalike,
                one.instances,
                one.punished,
                _counts(one.detections),
                _counts(one.actions),
            )
            for one in findings.lookalikes
        ),
    )
    click.echo(
        f"\n{sum(findings.false.values())} false live detections in {findings.benign:,} benign "
        f"signals, {findings.false_per_million:.1f} per million: {_counts(findings.false)}"
    )
    click.echo(f"in shadow besides: {_counts(findings.false_in_shadow)}")


def _campaign(one: Campaign, evasions: Sequence[str]) -> tuple[object, ...]:
    from streams.tap.show import duration

    total = one.total
    took = [_DASH if ms is None else duration(ms) for ms in (total.took_p50_ms, total.took_max_ms)]
    recall = _DASH if total.recall is None else f"{total.recall:.3f}"
    each = (one.by_evasion.get(evasion) for evasion in evasions)
    return (one.campaign, _of(total), recall, *took, *map(_of, each))


def _of(recall: Recall | None) -> str:
    """``9/10``: found and to be found; a dot where nothing had to be."""
    if recall is None:
        return ""
    return f"{recall.found}/{recall.detectable}" if recall.detectable else "·"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or _DASH
