"""A file that can't be read as rules is refused before anything in it is looked at."""

from __future__ import annotations

import pytest

from streams.patterns import RuleErrors, check_rules, load_rules
from tests.patterns.driving import SCHEMA
from tests.patterns.mistakes import faults


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
