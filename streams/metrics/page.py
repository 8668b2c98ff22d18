"""docs/metrics.md, written from the registry: ``make docs`` runs this module.

A test holds the committed page against the one made here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from streams.metrics.series import LABELS, Series

_HEAD = """# Metrics

Written by `make docs` from `streams/metrics/series.py`; change that. A worker serves them on `/metrics` (`--web`).

Counts are of what is committed, and are made once per chunk and per checkpoint. All begin at zero when a worker starts, and
a pattern's series when its rule set is loaded: silence and absence can be told apart. Each worker counts its own share, so
sum over `instance`. With the shipped catalogue a worker has about a thousand series.

| metric | type | labels | unit | meaning |
|---|---|---|---|---|
"""

_LABELS = """
## Labels
Every value comes from a closed list, so that no account and no content can become a series.

| label | values |
|---|---|
"""

_PROCESS = """
## The process
From Python's Prometheus client, as everywhere.

| metric | type | meaning |
|---|---|---|
"""


def page(series: Series) -> str:
    """The whole page."""
    own = "\n".join(_metrics(series))
    labels = "\n".join(f"| `{name}` | {words} |" for name, words in LABELS.items())
    return f"{_HEAD}{own}\n{_LABELS}{labels}\n{_PROCESS}" + "\n".join(_process(series)) + "\n"


def _metrics(series: Series) -> Iterable[str]:
    for one in series.table:
        labels = ", ".join(f"`{label}`" for label in one.labels)
        yield f"| `{one.name}` | {one.type} | {labels} | {one.unit or '1'} | {one.about} |"


def _process(series: Series) -> Iterable[str]:
    for family in series.registry.collect():
        if family.name.startswith("process_"):
            name = family.name + ("_total" if family.type == "counter" else "")
            yield f"| `{name}` | {family.type} | {family.documentation} |"


def main() -> None:
    """Write the page to stdout."""
    sys.stdout.write(page(Series({})))


if __name__ == "__main__":
    main()
