"""What a pattern can't do without."""

from __future__ import annotations

import pytest

from streams.patterns.blindness import hangs_on
from streams.signals.records import SOURCES, SURFACES
from tests.patterns.driving import load

RULE = """\
title: Rule
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a01
status: stable
logsource: {product: vigil, service: %s}
detection:
  it: %s
  other: %s
  condition: %s
"""

SEEN = """\
title: Seen
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a02
name: seen
status: stable
logsource: {product: vigil, service: moderation-hits}
detection:
  it: {source: human}
  condition: it
"""


@pytest.mark.parametrize(
    ("search", "condition", "sources"),
    [
        ("{source: classifier}", "it", {"classifier"}),
        ("{source: [classifier, human]}", "it", set()),
        ("{category: csam}", "it", set()),
        ("{category: csam, source: hash_match}", "it", {"hash_match"}),
        ("{source: [hash_match, classifier, user_report, trusted_flagger]}", "not it", {"human"}),
        ("{source: classifier}", "it or other", set()),
    ],
)
def test_a_pattern_hangs_on_a_source_that_alone_satisfies_its_search(
    tmp_path, search, condition, sources
):
    other = "{verdict: confirmed}"
    (pattern,) = load(tmp_path, RULE % ("moderation-hits", search, other, condition)).patterns
    assert hangs_on(pattern, "moderation-hits", "source", SOURCES) == sources
    assert hangs_on(pattern, "activity", "source", SOURCES) == set()


def test_a_hit_without_a_surface_can_satisfy_what_excludes_surfaces(tmp_path):
    search = "{surface: [input, output, upload, message, training_dataset]}"
    (pattern,) = load(
        tmp_path, RULE % ("moderation-hits", search, "{verdict: confirmed}", "not it")
    ).patterns
    assert hangs_on(pattern, "moderation-hits", "surface", SURFACES) == set()


def test_what_would_keep_it_from_being_told_blinds_nobody(tmp_path):
    found = "{category: csam, source: hash_match}"
    rule = RULE % ("moderation-hits", found, "{verdict: confirmed}", "it")
    rule += "vigil: {harm: csam, unless: {rules: [seen], within: 2h}}\n---\n" + SEEN
    (pattern,) = load(tmp_path, rule).patterns
    assert hangs_on(pattern, "moderation-hits", "source", SOURCES) == {"hash_match"}
