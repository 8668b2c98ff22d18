"""Every mistake in a rule is refused with file, line, reason and a way out; nothing half-loads."""

from __future__ import annotations

import pytest

from streams.patterns import RuleErrors, check_rules, load_rules
from streams.signals import Schema
from tests.patterns.driving import SCHEMA
from tests.patterns.mistakes import GOOD, faults

# (what is replaced, by what, line of the finding, in the message, in the suggestion, more replaced)
MISTAKES = {
    "unknown field": ("    surface:", "    surfce:", 26, "no field 'surfce'", "'surface'"),
    "field of another topic": (
        "    surface: input", "    category: csam", 26, "no field 'category'", "moderation-hits",
    ),
    "unknown enum value": ("prompt.refused", "prompt.refussed", 25, "never", "'prompt.refused'"),
    "wildcard that reaches no enum value": ("prompt.refused", "promt.*", 25, "never", "prompt."),
    "number for a word": ("surface: input", "device: 42", 26, "not numbers", "'42'"),
    "unquoted yes": ("surface: input", "model: yes", 26, "reads this as True", "quote"),
    "impossible id": ("surface: input", "device: a@b", 26, "can never be", "characters"),
    "unknown modifier": ("surface:", "surface|contain:", 26, "'contain'", "'contains'"),
    "modifier of another type": ("surface:", "surface|gte:", 26, "doesn't fit", "contains"),
    "modifier without sense": ("surface:", "device|base64:", 26, "no sense", ""),
    "address modifier": ("surface: input", "network|cidr: 10.0.0.0/8", 26, "no sense", ""),
    "flag without an expression": ("surface:", "device|i:", 26, "'re'", "|re|i"),
    "expression that explodes": (
        "surface: input", "device|re: '^(a+)+$'", 26, "exponential", "bound",
    ),
    "expression with lookahead": (
        "surface: input", "device|re: '(?=a)b'", 26, "not valid", "lookaround",
    ),
    "comparison field unknown": (
        "surface: input", "device|fieldref: netwrk", 26, "no field 'netwrk'", "'network'",
    ),
    "exists without a truth": ("surface: input", "device|exists: maybe", 26, "true or false", ""),
    "empty list": ("surface: input", "surface: []", 26, "empty list", "null"),
    "keyword search": (
        "  it:\n    kind: prompt.refused\n    surface: input\n", "  it: [word]\n", 24,
        "map fields", "no text",
    ),
    "condition of unknown searches": ("condition: it", "condition: its", 27, "its", "'it'"),
    "condition that is no condition": ("condition: it", "condition: it and", 27, "", ""),
    "no condition": ("  condition: it\n", "", 23, "no 'condition'", "condition:"),
    "searches that rule each other out": (
        "  condition: it", "  other: {kind: login.failed}\n  condition: it and other", 28,
        "no signal can ever match", "and",
    ),
    "old timeframe": ("  condition: it", "  timeframe: 5m\n  condition: it", 27, "no longer", "timespan"),
    "unknown service": ("service: activity", "service: activty", 22, "no topic", "'activity'"),
    "commands": ("service: activity", "service: pattern-commands", 22, "no topic", ""),
    "other product": ("product: vigil", "product: windows", 21, "must be 'vigil'", "vigil"),
    "logsource category": ("  product: vigil", "  category: x\n  product: vigil", 21, "no 'category'", ""),
    "signals about entities": ("service: activity", "service: entity-signals", 22, "no topic", ""),
    "an action beyond what entities justify": (
        "  action: warn", "  action: suspend", 14, "more than what several accounts share",
        "'restrict'", ("group-by: [account]", "group-by: [device]"),
    ),
    "an entity found by what is derived": (
        "service: activity", "service: account-signals", 8, "guilt doesn't travel", "'account'",
        ("group-by: [account]", "group-by: [content_ref]"),
        ("    kind: prompt.refused\n    surface: input", "    kind: content"),
    ),
    "no id": ("id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a01\n", "", 16, "needs an 'id'", "uuid"),
    "id that is no UUID": ("id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a01", "id: first", 17, "not a UUID", ""),
    "no title": ("title: Refused\n", "", 16, "needs a 'title'", ""),
    "unknown status": ("name: refused\nstatus: stable", "name: refused\nstatus: stabel", 19, "not a status", "'stable'"),
    "unknown level": ("level: high", "level: hihg", 4, "not a level", "'high'"),
    "misspelt section": ("detection:\n  it", "detecton:\n  it", 23, "unknown key 'detecton'", "'detection'"),
    "both sections": ("name: refused", "name: refused\ncorrelation: {}", 19, "more than one of", "---"),
    "collection action": ("name: refused", "name: refused\naction: global", 19, "not supported", ""),
    "duplicate id": ("7aff", "7a01", 17, "already taken by", "own"),
    "misspelt reference": ("rules: [refused]", "rules: [refusd]", 7, "'refusd'", "'refused'"),
    "reference to itself": (
        "rules: [refused]", "rules: [6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7aff]", 7, "refers to itself", "",
    ),
    "reference to what is not loaded": (
        "name: refused\nstatus: stable", "name: refused\nstatus: deprecated", 7, "status keeps", "",
    ),
    "no rules": ("  rules: [refused]\n", "", 5, "needs 'rules'", "list"),
    "unknown type": ("event_count", "event_cout", 6, "not a correlation type", "'event_count'"),
    "number type without a field": ("event_count", "value_sum", 10, "without field", "field"),
    "sum of words": (
        "event_count", "value_sum", 12, "can't calculate with 'kind'", "value_count",
        ("gte: 3", "gte: 3\n    field: kind"),
    ),
    "percentile of a sum": (
        "event_count", "value_avg", 10, "'percentile' means nothing", "remove",
        ("gte: 3", "gte: 3\n    field: kind\n    percentile: 5"),
    ),
    "percentile beyond all": (
        "event_count", "value_percentile", 10, "no percentile 101", "0 to 100",
        ("gte: 3", "gte: 3\n    field: kind\n    percentile: 101"),
    ),
    "no type": ("  type: event_count\n", "", 5, "needs a 'type'", "event_count"),
    "no timespan": ("  timespan: 10m\n", "", 5, "needs a 'timespan'", "10m"),
    "timespan without unit": ("10m", "10", 9, "imespan", "10m"),
    "endless timespan": ("10m", "9y", 9, "longer than", ""),
    "no group-by": ("  group-by: [account]\n", "", 5, "needs 'group-by'", "[account]"),
    "group-by without an owner": ("[account]", "[kind]", 8, "must name 'account'", "device"),
    "group-by an unknown field": ("[account]", "[account, devce]", 8, "no field 'devce'", "'device'"),
    "group-by three fields": ("[account]", "[account, device, kind]", 8, "at most one more", ""),
    "group-by a list field": ("[account]", "[account, labels]", 8, "can't group", ""),
    "unknown correlation key": ("timespan:", "timspan:", 9, "'timspan'", "'timespan'"),
    "two bounds": ("gte: 3", "{gt: 3, lte: 5}", 10, "exactly one", "two bounds"),
    "unknown operator": ("gte: 3", "gre: 3", 10, "", "'gte'"),
    "bound that is no number": ("gte: 3", "gte: many", 10, "many", ""),
    "no condition in a count": ("  condition:\n    gte: 3\n", "", 5, "needs a 'condition'", "gte"),
    "words in a count": ("condition:\n    gte: 3", "condition: refused", 10, "compares a number", "gte"),
    "words that can't be read": (
        "event_count", "temporal", 10, "can't be read from 'nor refused' on", "and, or, not",
        ("condition:\n    gte: 3", "condition: refused nor refused"),
    ),
    "words that break off": (
        "event_count", "temporal", 10, "can't be read at its end", "and, or, not",
        ("condition:\n    gte: 3", "condition: refused and"),
    ),
    "words with an unknown rule": (
        "event_count", "temporal", 10, "not defined in rules list: refusd", "refused",
        ("condition:\n    gte: 3", "condition: refused and refusd"),
    ),
    "words that hold on nothing": (
        "event_count", "temporal", 10, "although no rule matches", "and not",
        ("condition:\n    gte: 3", "condition: not refused"),
    ),
    "ordered words that hold on nothing": (
        "event_count", "temporal_ordered", 10, "holds on nothing", "in order",
        ("condition:\n    gte: 3", "condition: not refused"),
    ),
    "ordered words that exclude themselves": (
        "event_count", "temporal_ordered", 10, "can never hold", "in order",
        ("condition:\n    gte: 3", "condition: refused and not refused"),
    ),
    "condition that can't hold": ("gte: 3", "lt: 1", 10, "can never hold", "at least 1"),
    "field in an event_count": ("gte: 3", "gte: 3\n    field: kind", 10, "counts no field", "value_count"),
    "too much state": ("gte: 3", "gte: 5000", 10, "KiB of state", "threshold"),
    "unknown vigil key": ("action: warn", "acton: warn", 14, "'acton'", "'action'"),
    "unknown action": ("action: warn", "action: warm", 14, "not a known action", "'warn'"),
    "unknown harm": ("harm: csam", "harm: csan", 13, "not a known harm", "'csam'"),
    "action without harm": ("  harm: csam\n", "", 13, "needs a 'harm'", ""),
    "bad cooldown": ("action: warn", "cooldown: soon", 14, "not a duration", "10m"),
    "cooldown too short": ("action: warn", "cooldown: 1s", 14, "too short", "lateness"),
    "budget that is no number": ("action: warn", "budget: lots", 14, "whole number", ""),
    "unless that is no mapping": ("action: warn", "unless: refused", 14, "must be a mapping", "within"),
    "unless without rules": ("action: warn", "unless: {within: 1h}", 14, "needs 'rules'", "within"),
    "unless without a time": ("action: warn", "unless: {rules: [refused]}", 14, "needs 'within'", "24h"),
    "unless of no time": (
        "action: warn", "unless: {rules: [refused], within: 0s}", 14, "longer than nothing", "24h",
    ),
    "unless with an unknown key": (
        "action: warn", "unless: {rules: [refused], withn: 1h}", 14, "unknown key 'withn'", "'within'",
    ),
    "unless with an unknown rule": (
        "action: warn", "unless: {rules: [refusd], within: 1h}", 14, "'refusd'", "'refused'",
    ),
    "evidence no signal can give": ("action: warn", "evidence: 2", 14, "can never hold", "more sources"),
    "evidence beyond all classes": ("action: warn", "evidence: 6", 14, "only 5", "trusted_flagger"),
    "rollout beyond all": ("action: warn", "rollout: 101", 14, "percentage", "0 to 100"),
    "rollout that is no number": ("action: warn", "rollout: half", 14, "whole number", ""),
    "block that is no block": (
        "vigil:\n  harm: csam\n  action: warn\n", "vigil: warn\n", 12, "must be a mapping", "",
    ),
    "duplicate key": ("level: high", "level: high\nlevel: low", 5, "stands twice", "only one"),
    "broken YAML": ("  type: event_count", "  type: [event_count", 7, "not valid YAML", ""),
    "tabs": ("  type: event_count", "\ttype: event_count", 6, "not valid YAML", ""),
    "merge key": ("level: high", "level: high\n<<: {a: 1}", 5, "merge", "write"),
    "not a mapping": (GOOD, "- a\n- b\n", 1, "must be a mapping", ""),
}  # fmt: skip


def test_the_rule_every_mistake_starts_from_is_good(tmp_path):
    assert faults(tmp_path, GOOD) == []
    assert len(load_rules([tmp_path], SCHEMA)) == 1


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_refused_at_its_line_with_reason_and_suggestion(tmp_path, name):
    old, new, line, reason, hint, *also = MISTAKES[name]
    text = GOOD
    for before, after in [*also, (old, new)]:
        assert before in text
        text = text.replace(before, after, 1)
    found = faults(tmp_path, text)
    file = f"{tmp_path.as_posix()}/rules.yml"
    assert any(
        (finding.file, finding.line) == (file, line)
        and reason in finding.message
        and hint in finding.suggestion
        for finding in found
    ), found
    with pytest.raises(RuleErrors, match=rf"rules\.yml:{line}: "):
        load_rules([tmp_path], SCHEMA)


def test_all_mistakes_of_all_files_are_told_at_once_and_nothing_loads(tmp_path):
    (tmp_path / "a.yml").write_text(GOOD.replace("prompt.refused", "prompt.refussed"))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.yaml").write_text("title: x\n")
    (tmp_path / "c.yml").write_text(
        GOOD.replace("3f3d7", "3f3d8")
        .replace("name: refused", "name: again")
        .replace("[refused]", "[agian]")
    )
    with pytest.raises(RuleErrors) as refused:
        load_rules([tmp_path], SCHEMA)
    files = {finding.file.rsplit("/", 1)[1] for finding in refused.value.findings}
    assert files == {"a.yml", "b.yaml", "c.yml"}
    assert len(str(refused.value).splitlines()) == len(refused.value.findings)


def test_a_value_count_beyond_the_values_of_its_field_can_never_hold(tmp_path):
    text = GOOD.replace("event_count", "value_count").replace(
        "gte: 3", "gte: 7\n    field: surface"
    )
    (finding,) = faults(tmp_path, text)
    assert (finding.line, "has 6 values" in finding.message) == (10, True)


def test_a_comparison_outside_a_numbers_range_can_never_match(tmp_path):
    text = GOOD.split("---\n")[1].replace("activity", "moderation-hits")
    text = text.replace("    kind: prompt.refused\n    surface: input", "    score|gt: 1")
    (finding,) = faults(tmp_path, text)
    assert (finding.line, "between 0 and 1" in finding.message) == (10, True)


def test_kinds_and_attributes_of_the_schema_file_are_known(tmp_path):
    schema = tmp_path / "schema.toml"
    schema.write_text(
        '[activity]\nkinds = ["star.added"]\n'
        '[activity.attributes]\ntier = {type = "enum", values = ["free", "paid"]}\n'
    )
    text = GOOD.replace("prompt.refused", "star.added").replace("surface: input", "tier: paid")
    (tmp_path / "rules").mkdir()
    assert faults(tmp_path / "rules", text, Schema.load(schema)) == []
    assert faults(tmp_path / "rules", text.replace("paid", "payd"), Schema.load(schema)) != []


def test_a_correlation_of_too_many_rules_is_refused(tmp_path):
    base = GOOD.split("---\n", 1)[1]
    names = [f"r{number:02}" for number in range(17)]
    text = GOOD.split("---\n", 1)[0].replace("[refused]", f"[{', '.join(names)}]")
    for number, name in enumerate(names):
        text += "---\n" + base.replace("refused\nstatus", name + "\nstatus").replace(
            "3f3d7a01", f"3f3d7b{number:02}"
        )
    (finding,) = faults(tmp_path, text)
    assert (finding.line, "more than 16 rules" in finding.message) == (7, True)


def test_a_block_that_has_no_effect_is_warned_about(tmp_path):
    (tmp_path / "rules.yml").write_text(GOOD + "vigil:\n  harm: csam\n")
    warnings = load_rules([tmp_path], SCHEMA).warnings
    assert [(warning.line, "silent" in warning.message) for warning in warnings] == [(28, True)]


def test_check_also_warns_of_missing_tests_unused_searches_and_keys_without_effect(tmp_path):
    text = GOOD.split("---\n")[1].replace(
        "  condition:", "  unused: {kind: login.failed}\n  condition:"
    )
    (tmp_path / "rules.yml").write_text(text.replace("name: refused", "wibblewobble: 1"))
    found = check_rules([tmp_path], SCHEMA)
    assert {finding.severity for finding in found} == {"warning"}
    assert [finding.line for finding in found] == [1, 3, 12]
    assert len(load_rules([tmp_path], SCHEMA)) == 1
