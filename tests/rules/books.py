"""Rule files for the tests of publishing: small, and with all the tests publishing insists on."""

from __future__ import annotations

from pathlib import Path

from streams.patterns import RuleFile

LADDER = "5b1d1a52-0000-4000-8000-000000000001"
LOGINS = "5b1d1a52-0000-4000-8000-000000000002"
UPLOADS = "5b1d1a52-0000-4000-8000-000000000003"

_COUNT = """\
title: {title}
id: {id}
status: {status}
level: {level}
correlation:
  type: event_count
  rules: [{rule}]
  group-by: [account]
  timespan: 1h
  condition: {{gte: {least}}}
vigil:
  harm: spam
  action: warn
  rollout: {rollout}
  tests:
    - name: as many as it takes
      given: {{kind: {kind}}}
      signals:
        - {{at: 0s, every: 1m, times: {least}}}
      fires: {fires}m
    - name: one too few
      given: {{kind: {kind}}}
      signals:
        - {{at: 0s, every: 1m, times: {fires}}}
      fires: never
    - name: something else
      case: benign
      signals:
        - {{kind: login.succeeded, at: 0s, every: 1m, times: 20}}
      fires: never
---
title: {title}, one
id: {id_of_one}
name: {rule}
status: stable
logsource: {{product: vigil, service: activity}}
detection:
  it: {{kind: {kind}}}
  condition: it
"""

_UPLOADS = f"""\
title: Any upload
id: {UPLOADS}
status: stable
level: low
logsource: {{product: vigil, service: activity}}
detection:
  upload: {{kind: upload.created}}
  condition: upload
vigil:
  cooldown: 0s
  tests:
    - name: every upload
      given: {{kind: upload.created}}
      signals:
        - {{at: 0s, every: 1m, times: 2}}
      fires: [0s, 1m]
    - name: nearly an upload
      signals:
        - {{kind: dataset.created, at: 0s}}
      fires: never
    - name: something else
      case: benign
      signals:
        - {{kind: login.succeeded, at: 0s}}
      fires: never
"""


def ladder(least: int = 3, **changed: str) -> str:
    """So many refusals within an hour."""
    return _count("Ladder", LADDER, "prompt.refused", "refused_one", least, **changed)


def logins(least: int = 3, **changed: str) -> str:
    """So many failed logins within an hour."""
    return _count("Failed logins", LOGINS, "login.failed", "login_failed", least, **changed)


def _count(title: str, identifier: str, kind: str, rule: str, least: int, **changed: str) -> str:
    given = {"status": "stable", "level": "medium", "rollout": "100"} | changed
    return _COUNT.format(
        title=title, id=identifier, id_of_one=identifier.replace("0000-4000", "1111-4000"),
        kind=kind, rule=rule, least=least, fires=least - 1, **given,
    )  # fmt: skip


def book(**files: str) -> list[RuleFile]:
    """These files, and one that makes every upload a detection."""
    texts = {"uploads": _UPLOADS, **files}
    return [RuleFile(f"{name}.yml", f"{name}.yml", text.encode()) for name, text in texts.items()]


def write(directory: Path, **files: str) -> Path:
    """`book` as a directory; what it held before is gone."""
    directory.mkdir(exist_ok=True)
    for old in directory.iterdir():
        old.unlink()
    for file in book(**files):
        (directory / file.name).write_bytes(file.contents)
    return directory
