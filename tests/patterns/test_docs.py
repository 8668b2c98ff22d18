"""What docs/patterns.md shows is what loads."""

from __future__ import annotations

from pathlib import Path

from streams.patterns import run_tests
from streams.patterns.block import KEYS
from streams.patterns.correlation_types import TYPES
from streams.patterns.detections import MODIFIERS
from streams.records import PROPOSABLE
from tests.patterns.driving import HIT, correlation, load, play_inline

TEXT = (Path(__file__).parents[2] / "docs" / "patterns.md").read_text()
BLOCKS = [part.split("```", 1)[0] for part in TEXT.split("```yaml\n")[1:]]


def test_the_example_loads_and_passes_its_own_test(tmp_path):
    (result,) = run_tests(load(tmp_path, BLOCKS[0]), play_inline)
    assert result.passed, str(result)


def test_the_inline_test_passes(tmp_path):
    body = "type: temporal_ordered\nrules: [refused, refused, refused, hit]\n"
    body += "group-by: account\ntimespan: 1d"
    (tests,) = (block for block in BLOCKS if block.startswith("tests:"))
    (result,) = run_tests(load(tmp_path, correlation(body, vigil=tests)), play_inline)
    assert result.passed, str(result)


def test_the_filter_loads_and_narrows(tmp_path):
    (narrows,) = (block for block in BLOCKS if "\nfilter:" in block)
    (narrowed,) = load(tmp_path, HIT + "---\n" + narrows).patterns
    (plain,) = load(tmp_path, HIT).patterns
    assert narrowed.version != plain.version


def test_every_key_type_action_and_modifier_is_described():
    for word in (*KEYS, *TYPES, *PROPOSABLE, *MODIFIERS):
        if word not in ("ignorecase", "multiline", "dotall"):  # the long names of i, m and s
            assert word in TEXT, word
