"""From read rules to patterns: references resolved, fields checked, state bounds computed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from streams.patterns import correlation_types as types
from streams.patterns.absence import Absence
from streams.patterns.conditions import Always, assume
from streams.patterns.episodes import min_cooldown_ms
from streams.patterns.grouping import ACCOUNT, Fields, Grouping
from streams.patterns.pattern import STOP, Pattern, Search, Stage
from streams.patterns.references import References
from streams.patterns.rule import Rule
from streams.patterns.sources import CLASSES
from streams.patterns.stages import BYTES_PER_ID, MAX_STATE_BYTES, Stages
from streams.patterns.versions import Meanings, semantic_version, window_key
from streams.patterns.windows import MOST_EVIDENCE
from streams.records import BEYOND_RESTRICT
from streams.signals import Schema
from streams.signals.durations import format_duration
from streams.signals.records import DERIVED

MIN_LATENESS_MS = 6 * 60_000
"""The five minutes a clock may run ahead, and one more."""
COOLDOWN_WITHOUT_WINDOW_MS = 24 * 3_600_000
_BYTES_PER_CANDIDATE = 400
"""What a wait keeps beside its evidence: times, and up to three references."""


class _Found(NamedTuple):
    """What a rule looks for."""

    searches: tuple[Search, ...]
    stages: tuple[Stage, ...]
    cooldown: int
    lateness: int
    grouping: Grouping


class Assembly:
    """All rules of a rule set on their way to patterns.

    `broken` are names and ids of rules that could not be read: that a reference to one of them
    leads nowhere is no mistake of its own.
    """

    def __init__(self, rules: Sequence[Rule], schema: Schema, broken: Collection[str] = ()) -> None:
        self._rules = rules
        self._schema = schema
        self._references = References(rules, broken)
        self._fields = Fields(schema, self._references)
        self._meanings = Meanings(self._references)

    def patterns(self) -> list[Pattern]:
        """The patterns of all rules that report; mistakes are noted in the rules' reports."""
        found = []
        for rule in self._rules:
            if not rule.loaded:
                continue
            if not self._references.reports(rule):
                self._warn_of_a_silent_block(rule)
                continue
            if rule.correlation is not None and not self._references.of(rule):
                continue
            before = rule.document.report.errors
            what = self._single(rule) if rule.correlation is None else self._correlated(rule)
            if what is None:
                continue
            self._check_sources(rule, what)
            absence, stops = self._absence(rule, what)
            if what.grouping.entity is not None:
                self._check_entity(rule, (*what.searches, *stops))
            if rule.document.report.errors == before:
                found.append(self._pattern(rule, what, absence, stops))
        self._distinct_keys(found)
        return found

    @staticmethod
    def _warn_of_a_silent_block(rule: Rule) -> None:
        data = rule.document.data
        if "vigil" not in data:
            return
        if rule.filters is not None:
            what, hint = "a filter is no pattern, and its vigil block has no effect", "remove it"
        else:
            what = (
                "another rule refers to this one, so it is silent and its vigil block has no effect"
            )
            hint = (
                "move the block to the correlation, or say 'generate: true' if both are to report"
            )
        rule.document.report.warning(data.lines["vigil"], what, hint)

    def _single(self, rule: Rule) -> _Found:
        assert rule.condition is not None
        waits = rule.block.unless is not None
        if rule.block.lateness is not None and not waits:
            rule.error(
                "'lateness' means nothing without a window: this rule fires however late",
                "remove it",
                at=("vigil", "lateness"),
            )
        cooldown = rule.block.cooldown
        if cooldown is None:
            cooldown = COOLDOWN_WITHOUT_WINDOW_MS
        lateness = self._lateness(rule, rule.block.unless.within if rule.block.unless else 0)
        if cooldown:  # with none, every match is an episode of its own and nothing is kept
            cooldown = self._cooldown(rule, cooldown, lateness if waits else 0)
        grouping = Grouping(ACCOUNT, None, None)
        search = Search(rule.topic, rule.condition, title=rule.metadata.title)
        return _Found((search,), (), cooldown, lateness, grouping)

    def _correlated(self, rule: Rule) -> _Found | None:
        spec = rule.correlation
        assert spec is not None
        grouping = self._fields.grouping(rule)
        if grouping is None:
            return None
        lateness = self._lateness(rule, spec.timespan)
        cooldown = rule.block.cooldown
        if cooldown is None:
            cooldown = spec.timespan
        cooldown = self._cooldown(rule, cooldown, lateness)
        # What waits keeps its evidence many times over: then only as much as the threshold takes.
        shared = grouping.entity is not None and rule.block.unless is None
        built = Stages(self._fields, lateness, cooldown, rule.block.evidence, shared)
        if not built.build(rule, grouping):
            return None
        return _Found(tuple(built.searches), tuple(built.stages), cooldown, lateness, grouping)

    @staticmethod
    def _lateness(rule: Rule, timespan: int) -> int:
        lateness = rule.block.lateness
        return max(MIN_LATENESS_MS, timespan) if lateness is None else lateness

    @staticmethod
    def _cooldown(rule: Rule, cooldown: int, lateness: int) -> int:
        least = min_cooldown_ms(lateness)
        if cooldown >= least:
            return cooldown
        rule.error(
            f"a cooldown of {format_duration(cooldown)} is too short to remember every episode "
            f"within the lateness of {format_duration(lateness)}",
            f"make it {format_duration(least)} or more, or 'lateness' shorter",
            at=("vigil", "cooldown"),
        )
        return least

    @staticmethod
    def _check_sources(rule: Rule, found: _Found) -> None:
        """Whether the signals it looks for can come from so many classes of source."""
        wanted = rule.block.evidence
        if wanted <= 1:
            return
        possible: set[str] = set()
        for search in found.searches:
            if search.topic == "reviews":
                possible.add("human")
            elif search.topic == "moderation-hits":
                possible.update(
                    name
                    for name in CLASSES
                    if assume(search.condition, "source", name) != Always(False)
                )
        if not found.stages:
            possible &= {next(iter(possible), "")}  # a single record has a single source
        if len(possible) < wanted:
            rule.error(
                f"'evidence: {wanted}' can never hold: its signals come from "
                f"{', '.join(sorted(possible)) or 'no source that counts'}",
                "lower it, or look for hits of more sources",
                at=("vigil", "evidence"),
            )

    @staticmethod
    def _check_entity(rule: Rule, searches: Sequence[Search]) -> None:
        """Whether it keeps to what may be held against those who share something."""
        if any(search.topic in DERIVED for search in searches):
            rule.error(
                "what is derived says nothing of what people share: guilt doesn't travel",
                f"look for what came in, or group by '{ACCOUNT}'",
                at=("correlation", "group-by"),
            )
        if rule.block.action in BEYOND_RESTRICT:
            rule.error(
                f"'{rule.block.action}' is more than what several accounts share can justify",
                "write 'restrict', or decide by what each account did",
                at=("vigil", "action"),
            )

    def _absence(self, rule: Rule, found: _Found) -> tuple[Absence | None, list[Search]]:
        unless = rule.block.unless
        if unless is None:
            return None, []
        absence = Absence(unless.within, found.lateness, found.cooldown)
        per_candidate = _BYTES_PER_CANDIDATE + BYTES_PER_ID * self._most_evidence(found)
        size = 2 * absence.most_kept * per_candidate
        if size > MAX_STATE_BYTES:
            rule.error(
                f"one account could make this wait hold {size // 1024} KiB of state; the most is "
                f"{MAX_STATE_BYTES // 1024} KiB",
                "make 'within' longer against 'lateness', or lower the threshold",
                at=("vigil", "unless"),
            )
        searches = []
        for target in self._references.stops(rule):
            assert target.condition is not None
            fields = self._schema.fields(target.topic)
            for name in (found.grouping.owner, found.grouping.group):
                if name is not None and name not in fields:
                    rule.error(
                        f"'{target.metadata.name or target.metadata.id}' reads {target.topic}, "
                        f"which has no field '{name}' to tell whose wait it ends",
                        "group by fields that both have, under the same name",
                        at=("vigil", "unless", "rules"),
                    )
                    return None, []
            searches.append(
                Search(
                    target.topic,
                    target.condition,
                    STOP,
                    owner=found.grouping.owner,
                    group=found.grouping.group,
                    title=target.metadata.title,
                )
            )
        return absence, searches

    @staticmethod
    def _most_evidence(found: _Found) -> int:
        if not found.stages:
            return 1
        if found.grouping.entity is None:
            return found.stages[0].correlation.most_evidence

        def most(number: int) -> int:
            below = [n for n, stage in enumerate(found.stages) if stage.above == number]
            return found.stages[number].correlation.most_evidence * (1 + sum(map(most, below)))

        return min(most(0), MOST_EVIDENCE)

    def _pattern(
        self, rule: Rule, found: _Found, absence: Absence | None, stops: Sequence[Search]
    ) -> Pattern:
        metadata = rule.metadata
        spec = rule.correlation
        meaning: Mapping[str, Any] = self._meanings.of(rule)
        version = semantic_version(meaning, rule.document.data.get("vigil"))
        measures, threshold, words = "", 0.0, ""
        if spec is not None:
            measures = "rules" if spec.type in types.IN_WORDS else spec.type
            threshold = spec.threshold.bound if spec.threshold else float(len(spec.rules))
            threshold = int(threshold) if threshold == int(threshold) else threshold
            if spec.words is not None:
                words = str(rule.document.data["correlation"]["condition"])
        return Pattern(
            id=metadata.id,
            title=metadata.title,
            description=metadata.description,
            falsepositives=metadata.falsepositives,
            version=version,
            key=window_key(metadata.id, version),
            mode=metadata.mode or "",
            severity=metadata.level,
            block=rule.block,
            searches=(*found.searches, *stops),
            stages=found.stages,
            cooldown=found.cooldown,
            entity=found.grouping.entity,
            group=found.grouping.group,
            absence=absence,
            measures=measures,
            threshold=threshold,
            words=words,
            file=rule.document.file,
            line=rule.document.line,
        )

    @staticmethod
    def _distinct_keys(patterns: Sequence[Pattern]) -> None:
        taken: dict[str, Pattern] = {}
        for pattern in patterns:
            other = taken.setdefault(pattern.key, pattern)
            # The same id twice is a mistake, and told as one.
            assert other.id == pattern.id, f"{pattern.id} and {other.id} hash to the same state key"
