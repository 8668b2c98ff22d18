"""`vigil rules` as an operator uses it, on a real broker; no worker needed."""

from __future__ import annotations

import pytest
from kafka import KafkaProducer

from streams.cli import main
from streams.patterns import load_rules
from streams.rules.published import set_key
from streams.signals import Schema
from tests.rules import books
from tests.rules.deployment import Deployment


@pytest.fixture
def deployment(kafka, prefix, tmp_path):
    with Deployment(kafka, prefix, tmp_path) as deployment:
        yield deployment


def test_publish_list_diff_show_export_and_rollback(deployment, tmp_path):
    assert deployment.json("rules", "list") == []
    assert deployment.json("rules", "status") == {"current": None, "workers": []}

    rules = books.write(tmp_path / "rules", ladder=books.ladder(3, status="experimental"))
    first = deployment.publish(rules, "--note", "to look at")
    assert first == load_rules([rules], Schema()).hash, "what a replay would stamp"
    (listed,) = deployment.json("rules", "list")
    assert listed["current"]["at"] >= listed["published"]
    assert (listed["live"], listed["shadow"], listed["note"]) == (1, 1, "to look at")

    again = deployment.vigil("rules", "publish", rules)
    assert again.returncode == 0
    assert "is current already" in again.stdout

    books.write(rules, ladder=books.ladder(3), logins=books.logins(3))
    planned = deployment.json("rules", "diff", "current", rules)
    second = deployment.publish(rules)
    assert deployment.json("rules", "diff", first[:9], second[:9]) == planned
    assert [(one["change"], one["pattern"]) for one in planned] == [
        ("changed", books.LADDER),
        ("added", books.LOGINS),
    ]
    assert planned[0]["what"] == {"mode": ["shadow", "live"]}
    assert planned[0]["windows"] == "kept"
    assert [one["title"] for one in deployment.json("rules", "show", "current")] == [
        "Ladder", "Failed logins", "Any upload",
    ]  # fmt: skip

    back = deployment.json("rules", "rollback", "--note", "too loud")
    assert (back["ruleset"], back["was"], back["new"]) == (first, second, False)
    once_more = deployment.vigil("rules", "rollback")
    assert once_more.returncode == 2
    assert "no rule set was current before" in once_more.stderr
    sets = deployment.json("rules", "list")
    assert [(one["ruleset"], one["note"]) for one in sets] == [(second, ""), (first, "to look at")]
    assert sets[0]["current"] is None
    assert (sets[1]["current"]["note"], sets[1]["current"]["before"]) == ("too loud", [])
    assert deployment.json("rules", "rollback", second[:9])["ruleset"] == second
    # Publishing what was published before writes no set.
    books.write(rules, ladder=books.ladder(3, status="experimental"))
    third = deployment.json("rules", "publish", rules)
    assert (third["ruleset"], third["new"], third["switched"]) == (first, False, True)

    exported = deployment.vigil("rules", "export", second, "then")
    assert exported.returncode == 0
    assert load_rules([tmp_path / "then"], Schema()).hash == second
    assert deployment.vigil("rules", "export", second, "then").returncode == 2, "not empty"
    assert deployment.vigil("rules", "show", "zzz").returncode == 2


def test_what_fails_check_or_its_tests_is_not_published(deployment, tmp_path):
    good = books.ladder(3)
    bad = {
        "mistake": (good.replace("event_count", "event_cuont"), "did you mean 'event_count'?"),
        "no tests": (good.replace("case: benign", "case: near miss"), "has no test for: benign"),
        "failing test": (good.replace("fires: 2m", "fires: 1m"), "expected 1m, found 2m"),
        "warning": (good.replace("level:", "colour: red\nlevel:"), "has no effect"),
    }
    for what, (text, told) in bad.items():
        rules = books.write(tmp_path / "rules", ladder=text)
        run = deployment.vigil("rules", "publish", rules)
        assert run.returncode == 1, what
        assert told in run.stdout, what
        assert f"{rules}/ladder.yml:" in run.stdout, what
        assert "Not published" in run.stderr
    found = deployment.json("rules", "publish", rules, code=1)
    assert [one["severity"] for one in found["findings"]] == ["warning"]
    # A set is one directory: of two files of one name, one would be lost.
    twice = [books.write(tmp_path / name, ladder=good) for name in ("one", "two")]
    run = deployment.vigil("rules", "publish", *twice)
    assert run.returncode == 1
    assert "has the same name as" in run.stdout
    assert deployment.vigil("rules", "publish", "no-such-directory").returncode == 2
    assert deployment.json("rules", "list") == []


def test_a_record_somebody_tampered_with_is_not_believed_and_publishing_repairs_it(
    deployment, kafka, prefix, tmp_path
):
    rules = books.write(tmp_path / "rules")
    published = deployment.publish(rules)
    producer = KafkaProducer(bootstrap_servers=kafka)
    for key in (set_key(published), set_key("a" * 26), b"current"):
        producer.send(prefix + "rules", b"tampered with", key)
    producer.close()
    run = deployment.vigil("rules", "list", "--json")
    assert run.returncode == 0
    assert run.stdout.count("published") == 1
    assert run.stderr.count("event=rules_unbelieved") == 3
    assert f"topic={prefix}rules " in run.stderr
    assert deployment.json("rules", "publish", rules)["switched"] is False


def test_without_topics_it_says_which_command_makes_them(kafka, prefix, tmp_path, capsys):
    rules = str(books.write(tmp_path / "rules"))
    assert main(["rules", "publish", rules, "--brokers", kafka, "--prefix", prefix]) == 3
    assert f"vigil topics create --brokers {kafka} --prefix {prefix}" in capsys.readouterr().err
