"""Outcomes of inline tests as JUnit XML, for the pages CI systems make of it.

There is no standard; what is written here is the part that Jenkins, GitLab, GitHub's reporters and
Azure agree on: ``testsuites > testsuite > testcase > failure``, counts and seconds as attributes.
XML has no form for control characters, not even escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from streams.workbench.inline import Outcome
from streams.workbench.words import printable


def write(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write the file: a suite per pattern, a case per test. Raises OSError."""
    root = Element("testsuites", _figures(outcomes), name="vigil test")
    for outcome in outcomes:
        pattern = outcome.pattern
        suite = SubElement(
            root, "testsuite", _figures([outcome]), name=printable(pattern.title), file=pattern.file
        )
        for result in outcome.results:
            case = SubElement(
                suite,
                "testcase",
                name=printable(result.test.name),
                classname=f"{Path(pattern.file).stem}.{pattern.id}",
                file=result.test.file,
                line=str(result.test.line),
                time=f"{outcome.took_s / len(outcome.results):.3f}",
            )
            if not result.passed:
                message = f"expected {result.expected}, found {result.found}"
                SubElement(case, "failure", message=message, type="inline test").text = printable(
                    str(result)
                )
    indent(root)
    ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _figures(outcomes: Sequence[Outcome]) -> dict[str, str]:
    return {
        "tests": str(sum(len(outcome.results) for outcome in outcomes)),
        "failures": str(sum(len(outcome.failures) for outcome in outcomes)),
        "errors": "0",
        "skipped": "0",
        "time": f"{sum(outcome.took_s for outcome in outcomes):.3f}",
    }
