"""Every mistake in a rule file is refused with file, line, reason and a way out; nothing half-loads."""

from __future__ import annotations

import pytest

from streams.patterns import RuleErrors, check_rules, load_rules
from streams.signals import Schema
from tests.patterns.driving import SCHEMA

GOOD = """\
title: Correlation
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7aff
status: stable
level: high
correlation:
  type: event_count
  rules: [refused]
  group-by: [account]
  timespan: 10m
  condition:
    gte: 3
vigil:
  harm: csam
  action: warn
---
title: Refused
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a01
name: refused
status: stable
logsource:
  product: vigil
  service: activity
detection:
  it:
    kind: prompt.refused
    surface: input
  condition: it
"""

# (what is replaced, by what, line of the finding, in the message, in the suggestion)
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
    "other product": ("product: vigil", "product: windows", 21, "must be 'vigil'", "vigil"),
    "logsource category": ("  product: vigil", "  category: x\n  product: vigil", 21, "no 'category'", ""),
    "derived signals": ("service: activity", "service: account-signals", 22, "not yet", ""),
    "no id": ("id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a01\n", "", 16, "needs an 'id'", "uuid"),
    "id that is no UUID": ("id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a01", "id: first", 17, "not a UUID", ""),
    "no title": ("title: Refused\n", "", 16, "needs a 'title'", ""),
    "unknown status": ("name: refused\nstatus: stable", "name: refused\nstatus: stabel", 19, "not a status", "'stable'"),
    "unknown level": ("level: high", "level: hihg", 4, "not a level", "'high'"),
    "misspelt section": ("detection:\n  it", "detecton:\n  it", 23, "unknown key 'detecton'", "'detection'"),
    "both sections": ("name: refused", "name: refused\ncorrelation: {}", 19, "both", "---"),
    "collection action": ("name: refused", "name: refused\naction: global", 19, "not supported", ""),
    "filter": ("name: refused", "name: refused\nfilter: {}", 19, "not yet supported", ""),
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
    "type to come": ("event_count", "value_sum", 6, "not yet supported", "event_count"),
    "no type": ("  type: event_count\n", "", 5, "needs a 'type'", "event_count"),
    "no timespan": ("  timespan: 10m\n", "", 5, "needs a 'timespan'", "10m"),
    "timespan without unit": ("10m", "10", 9, "imespan", "10m"),
    "endless timespan": ("10m", "9y", 9, "longer than", ""),
    "no group-by": ("  group-by: [account]\n", "", 5, "needs 'group-by'", "[account]"),
    "group-by an entity": ("[account]", "[device]", 8, "entities agent", "[account, device]"),
    "group-by without account": ("[account]", "[kind]", 8, "must name 'account'", ""),
    "group-by an unknown field": ("[account]", "[account, devce]", 8, "no field 'devce'", "'device'"),
    "group-by three fields": ("[account]", "[account, device, kind]", 8, "at most one more", ""),
    "group-by a list field": ("[account]", "[account, labels]", 8, "can't group", ""),
    "unknown correlation key": ("timespan:", "timspan:", 9, "'timspan'", "'timespan'"),
    "two bounds": ("gte: 3", "{gt: 3, lte: 5}", 10, "exactly one", "two bounds"),
    "unknown operator": ("gte: 3", "gre: 3", 10, "", "'gte'"),
    "bound that is no number": ("gte: 3", "gte: many", 10, "many", ""),
    "no condition in a count": ("  condition:\n    gte: 3\n", "", 5, "needs a 'condition'", "gte"),
    "condition in words": ("condition:\n    gte: 3", "condition: refused and refused", 10, "not yet", ""),
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
    "unless": ("action: warn", "unless: {}", 14, "not yet supported", ""),
    "evidence": ("action: warn", "evidence: 2", 14, "not yet supported", ""),
    "rollout": ("action: warn", "rollout: 10", 14, "not yet supported", ""),
    "block that is no block": (
        "vigil:\n  harm: csam\n  action: warn\n", "vigil: warn\n", 12, "must be a mapping", "",
    ),
    "duplicate key": ("level: high", "level: high\nlevel: low", 5, "stands twice", "only one"),
    "broken YAML": ("  type: event_count", "  type: [event_count", 7, "not valid YAML", ""),
    "tabs": ("  type: event_count", "\ttype: event_count", 6, "not valid YAML", ""),
    "merge key": ("level: high", "level: high\n<<: {a: 1}", 5, "merge", "write"),
    "not a mapping": (GOOD, "- a\n- b\n", 1, "must be a mapping", ""),
}  # fmt: skip


def faults(directory, text, schema=SCHEMA):
    (directory / "rules.yml").write_text(text)
    return [finding for finding in check_rules([directory], schema) if finding.severity == "error"]


def test_the_rule_every_mistake_starts_from_is_good(tmp_path):
    assert faults(tmp_path, GOOD) == []
    assert len(load_rules([tmp_path], SCHEMA)) == 1


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_refused_at_its_line_with_reason_and_suggestion(tmp_path, name):
    old, new, line, reason, hint = MISTAKES[name]
    assert old in GOOD
    found = faults(tmp_path, GOOD.replace(old, new, 1))
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


def test_a_circle_of_correlations_is_told_as_one(tmp_path):
    other = GOOD.split("---", maxsplit=1)[0].replace("7aff", "7afe").replace("[refused]", "[first]")
    text = GOOD.replace("level: high", "name: first").replace("[refused]", "[second]")
    other = other.replace("level: high", "name: second")
    found = faults(tmp_path, text + "---\n" + other)
    assert all("refers to itself" in finding.message for finding in found)
    assert len(found) == 2


def test_a_correlation_of_correlations_is_refused_for_now(tmp_path):
    other = GOOD.split("---", maxsplit=1)[0].replace("7aff", "7afe").replace("[refused]", "[first]")
    text = GOOD.replace("level: high", "name: first") + "---\n" + other
    assert [("chains" in finding.message, finding.line) for finding in faults(tmp_path, text)] == [
        (True, 35)
    ]


def test_a_directory_without_rules_is_a_mistake(tmp_path):
    with pytest.raises(RuleErrors, match="holds no rule files"):
        load_rules([tmp_path], SCHEMA)
    with pytest.raises(RuleErrors, match="is not a directory or file"):
        load_rules([tmp_path / "nowhere"], SCHEMA)


ALIASES = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 10)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("bomb", "reason"),
    [
        (ALIASES, "unfolds to more than"),
        ("title: " + "[" * 100_000 + "]" * 100_000, "nested deeper"),
        ("title: &x [*x]\n", "inside or before"),
        ("title: x\n# " + "x" * 2_000_000, "larger than"),
        ("title: [" + "1," * 200_000 + "]\n", "unfolds to more than"),
    ],
    ids=["aliases", "depth", "recursion", "size", "nodes"],
)
def test_a_yaml_bomb_is_refused_without_going_off(tmp_path, bomb, reason):
    (found,) = faults(tmp_path, bomb)
    assert reason in found.message


def test_a_file_that_is_not_utf8_is_refused_at_its_line(tmp_path):
    (tmp_path / "rules.yml").write_bytes(b"title: a\nname: \xff\n")
    (finding,) = check_rules([tmp_path], SCHEMA)
    assert (finding.line, "UTF-8" in finding.message) == (2, True)


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
