"""`vigil report transparency`: its forms agree, its page needs nothing but itself."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from time import time

import click
import pytest
from kafka import KafkaProducer

from streams import admin
from streams.cli import main
from streams.cli.transparency import transparency
from streams.reporting.transparency.report import DEFAULT_K
from streams.reporting.transparency.times import MOST_PEOPLE
from streams.reporting.transparency.withholding import LEAST_K
from streams.signals.times import format_ms
from tests.patterns.driving import DAY, MINUTE

AT = int(time() * 1000) - 2 * DAY
SURFACES = ("input", "output", "training_dataset")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Forty accounts: a hit each, two of five warned, one of five of those overturned."""
    lines = []

    def line(topic: str, account: str, at: int, **value: object) -> None:
        said = {"account": account, "at": format_ms(AT + at), **value}
        lines.append({"topic": topic, "key": account, "value": said, "ts": AT + at})

    for n in range(40):
        account, at = f"secret-{n}", n * MINUTE
        line("moderation-hits", account, at, id=f"h{n}-secret", category=("csam", "spam")[n % 2],
             source="classifier", verdict="suspected", surface=SURFACES[n % 3 if n % 7 else 2])  # fmt: skip
        if n % 5 < 2:
            line("detections", account, at, id=f"d{n}-secret", harm="csam", mode="live", evidence=[f"h{n}-secret"])  # fmt: skip
            line("enforcement", account, at, id=f"e{n}-secret", harm="csam", action="warn", detections=[f"d{n}-secret"])  # fmt: skip
            line("reviews", account, at + MINUTE, id=f"r{n}-secret", decision=f"e{n}-secret", stage="first",
                 outcome="overturned" if n % 3 else "upheld", reviewer="r1")  # fmt: skip
    path = tmp_path / "all.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


PERIOD = ("--from", format_ms(AT), "--to", str(AT + DAY))


def run(capsys, *more: object, code: int = 0) -> str:
    assert main(["report", "transparency", *map(str, more)]) == code
    return str(capsys.readouterr().out)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_complete_in_itself(capsys, recording, tmp_path):
    out = tmp_path / "report.html"
    run(capsys, *PERIOD, "--out", out, recording)
    text = out.read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert {"svg", "table", "rect"} <= set(page.tags)
    assert not {"script", "link", "img", "iframe", "a", "object", "form"} & set(page.tags)
    assert not {"href", "src", "onload", "action", "srcset"} & {name for name, _ in page.attributes}
    assert re.search(r"https?:|//|url\(|@import", text) is None
    assert "default-src 'none'" in text


def test_no_form_names_an_account_or_an_id(capsys, recording):
    for form in ("markdown", "csv", "json", "html"):
        text = run(capsys, *PERIOD, "--format", form, recording)
        assert "secret" not in text


def test_the_forms_tell_the_same_and_withhold_the_same(capsys, recording):
    report = json.loads(run(capsys, *PERIOD, "--json", recording))
    rows = list(csv.DictReader(io.StringIO(run(capsys, *PERIOD, "--format", "csv", recording))))
    in_csv = {
        (row["table"], row["row"], row["column"]): None if row["withheld"] == "1" else int(row["value"])
        for row in rows
        if row["measure"] == "accounts"
    }  # fmt: skip
    in_json = {
        (table["name"], one[table["by"]], ": ".join(one["column"]) or "all"): one["accounts"]
        for table in report["tables"]
        for one in table["figures"]
    }
    assert in_csv == in_json
    assert None in in_csv.values()
    markdown = run(capsys, *PERIOD, recording)
    page = run(capsys, *PERIOD, "--format", "html", recording)
    whole = f"{in_json['done', 'all', 'warn']} (16)"
    assert whole in markdown
    assert f"<td>{whole}</td>" in page
    assert markdown.count("✱") > 1


def test_the_period_is_needed_and_has_to_be_one(capsys, recording):
    run(capsys, recording, code=2)
    run(capsys, "--from", "2026-01-02", "--to", "2026-01-02", recording, code=2)
    run(capsys, "--from", "yesterday", "--to", "2026-01-02", recording, code=2)
    run(capsys, "--year", "2026", "--from", "2026-01-02", recording, code=2)
    run(capsys, *PERIOD, code=2)
    run(capsys, *PERIOD, "--k", "2", recording, code=2)
    assert "2026-01-01 to 2027-01-01" in run(capsys, "--year", "2026", recording)


def test_the_command_s_bounds_are_the_report_s():
    k = next(one for one in transparency.params if one.name == "k")
    assert isinstance(k.type, click.IntRange)
    assert (k.type.min, k.type.max, k.default) == (LEAST_K, MOST_PEOPLE, DEFAULT_K)


def test_a_line_that_is_no_record_ends_with_its_place(capsys, recording):
    recording.write_text(recording.read_text(encoding="utf-8") + "\nnothing", encoding="utf-8")
    assert main(["report", "transparency", *PERIOD, str(recording)]) == 2
    assert re.search(r"all\.jsonl:\d+: ", capsys.readouterr().err)


def test_topics_give_the_same_report_as_a_file_of_them(kafka, prefix, recording, capsys):
    admin.create({"bootstrap_servers": kafka}, prefix=prefix, partitions=2)
    producer = KafkaProducer(bootstrap_servers=kafka)
    for text in recording.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        producer.send(prefix + line["topic"], json.dumps(line["value"]).encode(),
                      line["key"].encode(), timestamp_ms=line["ts"])  # fmt: skip
    producer.flush()
    producer.close()
    of_file = run(capsys, *PERIOD, "--json", recording)
    assert run(capsys, *PERIOD, "--json", "--brokers", kafka, "--prefix", prefix) == of_file
