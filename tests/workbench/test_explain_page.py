"""How a story is shown: the page needs nothing but itself, nothing free gets in, and it fits."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from streams.cli import main
from streams.workbench.explain.data import as_data
from streams.workbench.explain.moments import DECISION, SIGNAL, Moment
from streams.workbench.explain.page import render
from streams.workbench.explain.recorded import Understanding
from streams.workbench.explain.story import Story, tell
from streams.workbench.explain.terminal import for_people
from streams.workbench.explain.timeline import Gap, fit
from streams.workbench.words import duration, offset
from tests.patterns.driving import (
    HOUR,
    MINUTE,
    SCHEMA,
    activity,
    correlation,
    hit,
    load,
    refused,
    review,
)
from tests.workbench.test_explain import CATALOGUE, outputs, write

SECRET = "he wrote: meet me <b>at</b> 5"
FORGED = "aaaaaaaaaaaaaaaaaaaaaaaaaa"


@pytest.fixture
def sly(tmp_path, capsys) -> Story:
    """A story out of a rule set and a recording that both try to get markup and text through."""
    body = "type: event_count\nrules: [refused]\ngroup-by: [account]\ntimespan: 1h\ncondition: {gte: 3}"  # fmt: skip
    text = correlation(body, vigil="harm: csam\naction: warn")
    text = text.replace(
        "title: Correlation",
        'title: "</title><script>alert(1)</script> \\e[2J"\n'
        "description: |\n  Why: <img src=https://evil.example/x.png onerror=alert(1)>\n"
        "  Review: \"'><a href=javascript:alert(1)>look</a>\n"
        "falsepositives: ['<style>@import url(https://evil.example/y.css)</style>']\n",
    ).replace("title: Refused", 'title: "<iframe src=https://evil.example>"')
    ruleset = load(tmp_path, text)
    path = tmp_path / "day <b>.jsonl"
    signals = [refused(n * MINUTE, surface="input") for n in range(4)]
    bad = [
        activity("prompt.refused", 5 * MINUTE, prompt=SECRET),
        activity("prompt.refused", 5 * MINUTE, id=SECRET),
        hit(5 * MINUTE, content_ref=SECRET),
        hit(5 * MINUTE, category=SECRET),
        review(5 * MINUTE, outcome=SECRET),
    ]
    write(path, signals)
    found = outputs(capsys, path, "--rules", str(tmp_path / "rules.yml"))
    write(path, [*signals, *bad], said=_lines(found))
    return tell(found[0]["value"]["id"], [path], ruleset)


def _lines(found: list[dict[str, Any]]) -> str:
    """Vigil's own records, and some that pretend to be."""
    detection, enforcement = found
    forged = []
    for record, name, value in (
        (detection, "title", SECRET), (detection, "severity", SECRET), (detection, "harm", SECRET),
        (detection, "mode", SECRET), (detection, "evidence", [SECRET]), (detection, "version", SECRET),
        (detection, "values", {"prompt": SECRET}), (detection, "values", {SECRET: 1}),
        (detection, "entity", SECRET), (detection, "at", SECRET), (detection, "pattern", SECRET),
        (detection, "content_ref", SECRET), (detection, "window", {"start": SECRET, "end": SECRET}),
        (enforcement, "action", SECRET), (enforcement, "automated", SECRET),
        (enforcement, "detections", [SECRET]), (enforcement, "ruleset", SECRET),
    ):  # fmt: skip
        # A title is not looked at, so that record counts; it only must not be shown.
        id_ = "b" * 26 if name == "title" else FORGED
        forged.append({**record, "value": {**record["value"], "id": id_, name: value}})
    return "".join(json.dumps(line) + "\n" for line in (*found, *forged))


class Page(HTMLParser):
    """What a browser would be told to do."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


KNOWN_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "section", "footer"),
    *("h1", "h2", "p", "span", "code", "time", "strong", "div", "i", "dl", "dt", "dd", "ul", "li"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "meter"),
}
KNOWN_ATTRIBUTES = {
    *("lang", "charset", "name", "content", "http-equiv", "class", "id", "style", "title", "role"),
    *("scope", "colspan", "tabindex", "datetime", "min", "max", "value"),
    *("aria-label", "aria-labelledby"),
}


def test_the_page_refers_to_nothing_outside_and_runs_nothing(sly):
    text = render(sly)
    page = Page(text)
    assert set(page.tags) <= KNOWN_TAGS, "no link, script, img, iframe, a, form, …"
    assert {name for _, name, _ in page.attributes} <= KNOWN_ATTRIBUTES, "no src, href, on…"
    styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert len(styles) == 1
    inline = [value for _, name, value in page.attributes if name == "style"]
    assert all(re.fullmatch(r"[a-z]+: [\d.]+%;?( width: [\d.]+%)?|text-align: left", one) for one in inline)  # fmt: skip
    assert not re.search(r"url\(|@import|expression|http", "".join(styles))
    policy = [
        value for tag, _, value in page.attributes if tag == "meta" and "default-src" in value
    ]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_what_rules_say_is_shown_as_text_and_nothing_free_from_records_is_shown(sly):
    text = render(sly)
    page = Page(text)
    shown = "".join(page.text)
    for words in ("</title><script>alert(1)</script>", "<img src=https://evil.example/x.png"):
        assert words in shown, "escaped, so it is read and not obeyed"
    assert "<table>" not in shown, "and what is ours is markup, not text"
    console = Console(width=100, highlight=False)
    with console.capture() as captured:
        console.print(for_people(sly, 100))
    for told in (text, captured.get(), json.dumps(as_data(sly))):
        assert "meet me" not in told
        assert FORGED not in told
    assert "\x1b" not in text + captured.get()
    assert sly.notes == ["5 records of this account were refused and are not shown."]
    assert [one.action for one in sly.actions] == ["warn"]


def test_every_field_of_a_record_that_pretends_to_be_vigils_is_checked(tmp_path, capsys):
    path = write(tmp_path / "day.jsonl", [refused(n * MINUTE) for n in range(8)])
    found = outputs(capsys, path)
    understood = Understanding(SCHEMA)
    assert {line["topic"] for line in found} == {"detections", "enforcement"}
    for line in found:
        topic, value = line["topic"], line["value"]
        assert understood(topic, json.dumps(value).encode()) is not None
        for name in value:
            if name in ("title", "strikes", "cause"):
                continue
            for free in (SECRET, [SECRET], {SECRET: SECRET}):
                assert understood(topic, json.dumps({**value, name: free}).encode()) is None, name
        assert understood(topic, json.dumps({**value, "harm": "word"}).encode()) is None


@pytest.mark.parametrize("width", [80, 120, 240])
def test_the_terminal_has_no_line_that_is_too_wide(tmp_path, capsys, width):
    signals = [refused(n * MINUTE, surface="input", device="d" * 64) for n in range(90)]
    signals += [hit(n * HOUR, surface="output", content_ref="c" * 64) for n in range(3)]
    path = write(tmp_path / "day.jsonl", signals)
    found = outputs(capsys, path)
    for line in found:
        story = tell(line["value"]["id"], [path], CATALOGUE)
        console = Console(width=width, highlight=False)
        with console.capture() as captured:
            console.print(for_people(story, width))
        text = captured.get()
        assert max(map(len, text.splitlines())) <= width
        assert "more: " in text
        assert story.title in text


def test_the_command_writes_a_page_and_prints_json(tmp_path, capsys):
    path = write(tmp_path / "day.jsonl", [refused(n * MINUTE) for n in range(8)])
    id_ = outputs(capsys, path)[0]["value"]["id"]
    page = tmp_path / "why.html"
    assert main(["explain", id_, "--from", str(path), "--html", str(page)]) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"written: {page}\n")
    assert "Refusal ladder" in page.read_text()
    assert main(["explain", id_, "--from", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["detection"]["id"] == id_
    times = len(told["detection"]["evidence"])
    assert [one["evidence"] for one in told["signals"]].count(True) == times
    assert [one["offset_ms"] for one in told["signals"][:times]] == [
        (n + 1 - times) * MINUTE for n in range(times)
    ]
    assert told["actions"][0]["action"] == "prevention.message"
    assert main(["explain", id_, "--from", str(path)]) == 0
    assert f"at least {times} × 'Prompt refused', within 30 min" in capsys.readouterr().out


MOMENTS = st.lists(
    st.builds(
        Moment,
        at=st.integers(0, 1_000),
        kind=st.sampled_from([SIGNAL, SIGNAL, SIGNAL, DECISION]),
        what=st.sampled_from(["prompt refused", "login failed", "hit", "other", "more"]),
        topic=st.sampled_from(["activity", "moderation-hits"]),
        id=st.just("x"),
        evidence=st.booleans(),
    ),
    max_size=60,
).map(lambda moments: sorted(moments, key=lambda moment: moment.at))


@given(MOMENTS, st.integers(1, 30))
def test_of_a_time_line_nothing_is_lost_and_what_matters_most_is_shown(moments, most):
    shown = fit(moments, 400, 600, most)
    told: list[Moment] = []
    for one in shown:
        told += one.left_out if isinstance(one, Gap) else [one]
    assert [id(one) for one in told] == [id(one) for one in moments], "each once, in order"
    kept = [one for one in shown if isinstance(one, Moment)]
    assert len(kept) == min(most, len(moments))
    assert not any(isinstance(a, Gap) and isinstance(b, Gap) for a, b in pairwise(shown))  # fmt: skip

    def weight(moment: Moment) -> int:
        if moment.kind != SIGNAL:
            return 0
        return 1 if moment.evidence else 2 if moment.topic != "activity" else 3

    left = [weight(one) for gap in shown if isinstance(gap, Gap) for one in gap.left_out]
    assert not left or max(map(weight, kept), default=0) <= min(left)


def test_a_gap_says_how_many_of_what():
    moments = [Moment(at=0, kind=SIGNAL, what=what, topic="activity", id="x")
               for what in ["a"] * 11 + ["b", "c", "c", "d", "e"]]  # fmt: skip
    assert str(Gap(moments)) == "16 more: 11 a, 2 c, 1 b, 2 other kinds"


@given(st.integers(0, 400 * 86_400_000))
def test_durations_are_read_back_to_within_their_smallest_unit(ms):
    units = {"d": 86_400_000, "h": 3_600_000, "min": 60_000, "s": 1_000, "ms": 1}
    words = duration(ms).split()
    parts = [(int(count), units[unit]) for count, unit in zip(words[::2], words[1::2], strict=True)]
    told = sum(count * unit for count, unit in parts)
    assert 0 <= ms - told < max(parts[-1][1], 1_000 if ms >= 1_000 else 1) * 60
    assert len(parts) <= 2
    assert all(count for count, _ in parts) or ms < 1_000


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0 s"), (400, "+0.4 s"), (-458, "−0.5 s"), (-61_000, "−1 min 1 s"), (86_400_000, "+1 d"),
     (90_000_000, "+1 d 1 h"), (86_400_000 + 60_000, "+1 d")],
)  # fmt: skip
def test_times_relative_to_another(ms, text):
    assert offset(ms) == text


def test_a_recording_may_have_any_name(sly, tmp_path):
    assert sly.files == (tmp_path / "day <b>.jsonl",)
    assert "day &lt;b&gt;.jsonl" in render(sly)
