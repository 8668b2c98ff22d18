"""A good rule file for mistakes to be made in, and what is found wrong with a file."""

from __future__ import annotations

from streams.patterns import check_rules
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


def faults(directory, text, schema=SCHEMA):
    (directory / "rules.yml").write_text(text)
    return [finding for finding in check_rules([directory], schema) if finding.severity == "error"]
