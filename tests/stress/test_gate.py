from pathlib import Path

import pytest

from streams.stress.gate import GateError, read

SHIPPED = Path(__file__).parents[2] / "deploy" / "stress-gate.toml"


def test_the_shipped_gate_limits_what_the_project_promises():
    gate = read(SHIPPED)
    assert gate.recall >= 0.95
    assert gate.false_per_million <= 5
    assert gate.lookalikes_punished == 0


def test_every_mistake_is_named_at_once(tmp_path):
    path = tmp_path / "gate.toml"
    path.write_text(
        'recal = 0.9\nrecall = 95\nfalse_per_million = "few"\nlookalikes_punished = true\n'
        "[campaigns]\nslow-drop = 0.5\nslow-drip = -1\n"
    )
    with pytest.raises(GateError) as caught:
        read(path)
    assert str(caught.value).splitlines() == [
        f"{path}: recal: unknown key: did you mean recall?",
        f"{path}: recall: must be a share from 0 to 1, as in recall = 0.95",
        f"{path}: false_per_million: must be a number, 0 or more",
        f"{path}: lookalikes_punished: must be a number, 0 or more",
        f"{path}: campaigns.slow-drop: no such campaign: did you mean slow-drip?",
        f"{path}: campaigns.slow-drip: must be a share from 0 to 1",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"recall = ", "is not TOML"),
        (b"\xff", "is not UTF-8"),
        (b"", "limits nothing"),
        (b"campaigns = 3", r"must be a table: write \[campaigns\]"),
        (b"false_per_million = nan", "must be a number, 0 or more"),
    ],
)
def test_a_file_that_is_no_gate_says_why(tmp_path, text, says):
    path = tmp_path / "gate.toml"
    path.write_bytes(text)
    with pytest.raises(GateError, match=says):
        read(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(GateError, match=r"nowhere\.toml: can't be read"):
        read(tmp_path / "nowhere.toml")
