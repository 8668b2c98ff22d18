"""The policy file: what it says, what it leaves out, and how its mistakes are told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streams.policy import LADDER, Budget, PolicyError, Rung, check, load
from streams.policy.reading import DEFAULT, LEAST_REVIEWS, SECTIONS
from streams.records import PROPOSABLE
from streams.signals import Schema
from streams.signals.records import CATEGORIES

HOUR = 3_600_000
DAY = 24 * HOUR
LADDERS = """[ladders.default]
decay = "90d"
cooldown = "0s"
rungs = [
    {strikes = 0, action = "warn"},
    {strikes = 1, action = "restrict", lasts = "1d"},
    {strikes = 2, action = "suspend"},
]
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "policy.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_the_shipped_policy_loads_and_climbs_as_meta_s_strikes_do_after_a_first_message():
    policy = load()
    lasting = [
        (rung.strikes, rung.action, rung.lasts // DAY) for rung in policy.ladder("spam").rungs
    ]
    assert lasting == [
        (0, "prevention.message", 0),
        (1, "warn", 0),
        (2, "restrict", 1),
        (3, "restrict", 3),
        (4, "restrict", 7),
        (5, "restrict", 30),
        (7, "suspend", 30),
    ]
    assert policy.ladder("spam").decay == 365 * DAY
    assert policy.takeover.window == 72 * HOUR


def test_in_the_shipped_policy_no_strike_count_is_dealt_with_more_mildly_for_child_safety():
    policy = load()
    for strikes in range(10):
        mild = policy.ladder("spam").choose("warn", strikes, "suspend").rung
        for harm in ("csam", "csem"):
            rung = policy.ladder(harm).choose("warn", strikes, "suspend").rung
            assert LADDER.index(rung.action) >= LADDER.index(mild.action)


def test_the_shipped_policy_says_something_of_every_action_and_harm_and_has_a_source_for_ladders():
    policy = load()
    assert set(policy.budgets) == set(PROPOSABLE)
    assert set(policy.raised_to) == set(LADDER)
    assert all(policy.due(harm) and policy.ladder(harm).rungs for harm in CATEGORIES)
    for line in DEFAULT.read_text().splitlines():
        if line.startswith(("decay", "cooldown", "window", "surge", "precision")):
            assert re.search(r"# .*(our own|Our own|Meta|Discord|Fewer)", line), line


def test_a_file_that_says_nothing_is_the_shipped_policy(write):
    assert load(write("")) == load()
    assert load(write(DEFAULT.read_text())) == load()


def test_what_a_file_says_counts_and_what_it_leaves_out_is_as_shipped(write):
    policy = load(
        write(
            '[review_due]\nspam = "1h"\n[budgets]\nsuspend = {hour = 1}\nwarn = {}\n'
            '[breaker]\nprecision = 0.9\n[takeover]\nwindow = "24h"\n'
            '[raised_to]\nwarn = "warn"\n[minors]\nprotective = []\n'
        )
    )
    shipped = load()
    assert (policy.due("spam"), policy.due("csam")) == (HOUR, shipped.due("csam"))
    assert policy.due("hate") == shipped.due("hate") == 72 * HOUR
    assert policy.budgets["suspend"] == Budget(1, None)
    assert policy.budgets["warn"] == Budget()
    assert policy.budgets["restrict"] == shipped.budgets["restrict"]
    assert (policy.breaker.precision, policy.breaker.surge) == (0.9, shipped.breaker.surge)
    assert policy.takeover.window == DAY
    assert policy.takeover.signs == shipped.takeover.signs
    assert policy.raised_to["warn"] == "warn"
    assert policy.minors.protective == frozenset()
    assert policy.by_harm == shipped.by_harm


def test_a_file_that_has_a_ladder_has_all_of_them(write):
    policy = load(write(LADDERS))
    assert policy.by_harm == {}
    assert policy.ladder("csam") is policy.ladder("spam") is policy.default
    assert policy.default.rungs[2] == Rung(2, "suspend", 0)


def test_a_harm_of_the_schema_file_may_have_a_ladder(write, tmp_path):
    schema = tmp_path / "schema.toml"
    schema.write_text(
        '[moderation-hits]\ncategories = ["impersonation"]\n[activity]\nkinds = ["phone.changed"]\n'
    )
    own = LADDERS + LADDERS.replace("default]", 'own]\nharms = ["impersonation"]')
    own += '[review_due]\nimpersonation = "1h"\n[takeover]\nsigns = ["phone.changed"]\n'
    policy = load(write(own), Schema.load(schema))
    assert policy.ladder("impersonation").name == "own"
    assert policy.ladder("fraud").name == "default"
    assert policy.takeover.signs == {"phone.changed"}
    assert len(check(write(own))) == 3


def test_the_hash_follows_what_is_said_and_nothing_else(write):
    plain = load(write(LADDERS)).hash
    assert load(write(f"# a comment\n{LADDERS.replace('90d', '2160h')}")).hash == plain
    changes = [
        LADDERS.replace("90d", "91d"),
        LADDERS.replace('"1d"', '"2d"'),
        LADDERS + "[breaker]\nsurge = 6\n",
        LADDERS + "[budgets]\nwarn = {hour = 999, day = 5000}\n",
        LADDERS + '[minors]\nbands = ["minor"]\n',
        LADDERS + '[review_due]\ndefault = "71h"\n',
        LADDERS + '[takeover]\nturns = ["suspend"]\n',
        LADDERS + LADDERS.replace("default]", 'own]\nharms = ["spam"]'),
    ]
    hashes = [load(write(text)).hash for text in changes]
    assert len({plain, load().hash, *hashes}) == len(hashes) + 2
    assert all(re.fullmatch("[a-z2-7]{26}", one) for one in hashes)


def test_a_budget_a_pattern_names_itself_counts_and_a_day_never_gives_less_than_an_hour():
    policy = load()
    assert policy.budget("restrict") == Budget(200, 1000)
    assert policy.budget("restrict", 5) == Budget(5, 1000)
    assert policy.budget("restrict", 0) == Budget(0, 1000)
    assert policy.budget("restrict", 4000) == Budget(4000, 4000)


def rungs(*lines):
    body = "".join(f"{line},\n" for line in lines)
    return f'[ladders.default]\ndecay = "90d"\ncooldown = "1h"\nrungs = [\n{body}]\n'


MESSAGE = '{strikes = 0, action = "prevention.message"}'
MISTAKES = {
    "[ladder.default]": (1, "ladder", "is not known here; did you mean ladders?"),
    "ladders = 3": (1, "ladders", "must be a table; write [ladders]"),
    '[ladders.x]\nharms = []\ndecay = "9d"\ncooldown = "1h"\n'
    'rungs = [{strikes = 0, action = "warn"}]':
        (1, "ladders", "has no default; add [ladders.default]"),
    '[ladders.default]\ncooldown = "1h"\nrungs = [{strikes = 0, action = "warn"}]':
        (1, "ladders.default", "has no decay"),
    f'{LADDERS}harms = ["spam"]\n':
        (9, "ladders.default.harms", "the default ladder is for all other harms"),
    LADDERS + LADDERS.replace("default]", 'own]\nharms = ["spamm"]'):
        (10, "ladders.own.harms[1]", 'can\'t be "spamm"; did you mean spam?'),
    LADDERS + LADDERS.replace("default]", 'own]\nharms = ["spam", "spam"]'):
        (10, "ladders.own.harms[2]", "spam stands there twice"),
    LADDERS + LADDERS.replace("default]", 'a]\nharms = ["spam"]')
    + LADDERS.replace("default]", 'b]\nharms = ["spam"]'):
        (19, "ladders.b.harms", "spam has the ladder a already"),
    LADDERS.replace("90d", "401d"): (2, "ladders.default.decay", "must be from 1d to 400d"),
    LADDERS.replace("90d", "90 days"): (2, "ladders.default.decay", '"90 days" is not a duration'),
    LADDERS.replace("90d", "86400001ms"):
        (2, "ladders.default.decay", "is not a duration; write it in whole seconds"),
    LADDERS.replace('"0s"', '"31d"'): (3, "ladders.default.cooldown", "must be from 0s to 30d"),
    rungs(): (4, "ladders.default.rungs", "must be a list of rungs"),
    LADDERS.replace("rungs = [", "rungs = [\n 7,"):
        (5, "ladders.default.rungs[1]", "must be a table"),
    rungs(MESSAGE, '{strikes = 1, action = "ban"}'):
        (6, "ladders.default.rungs[2].action", 'can\'t be "ban"; use one of prevention.message'),
    rungs(MESSAGE, '{strikes = 1, action = "protect"}'):
        (6, "ladders.default.rungs[2].action", 'can\'t be "protect"'),
    rungs(MESSAGE, '{strike = 1, action = "warn"}'):
        (6, "ladders.default.rungs[2].strike", "did you mean strikes?"),
    rungs(MESSAGE, '{action = "warn"}'): (6, "ladders.default.rungs[2]", "has no strikes"),
    rungs(MESSAGE, '{strikes = 1.5, action = "warn"}'):
        (6, "ladders.default.rungs[2].strikes", "must be a whole number from 0 on, not 1.5"),
    rungs(MESSAGE, '{strikes = true, action = "warn"}'):
        (6, "ladders.default.rungs[2].strikes", "must be a whole number from 0 on, not true"),
    rungs('{strikes = 1, action = "warn"}'):
        (5, "ladders.default.rungs[1].strikes", "the first rung takes no strikes"),
    rungs('{strikes = 0, action = "restrict", lasts = "1d"}'):
        (5, "ladders.default.rungs[1].action", "a ladder can't begin with restrict"),
    rungs(MESSAGE, '{strikes = 0, action = "warn"}'):
        (6, "ladders.default.rungs[2].strikes", "must be more than the 0 of the rung before"),
    rungs('{strikes = 0, action = "warn"}', '{strikes = 1, action = "prevention.message"}'):
        (6, "ladders.default.rungs[2].action", "prevention.message is milder than warn"),
    rungs(MESSAGE, '{strikes = 1, action = "restrict"}'):
        (6, "ladders.default.rungs[2]", "a restriction needs an end"),
    rungs(MESSAGE, '{strikes = 1, action = "warn", lasts = "1d"}'):
        (6, "ladders.default.rungs[2].lasts", "warn has no end to wait for"),
    rungs(MESSAGE, '{strikes = 1, action = "restrict", lasts = "0s"}'):
        (6, "ladders.default.rungs[2].lasts", "must be from 1s to 400d"),
    rungs(
        MESSAGE,
        '{strikes = 1, action = "restrict", lasts = "2d"}',
        '{strikes = 2, action = "restrict", lasts = "1d"}',
    ): (7, "ladders.default.rungs[3].lasts", "is shorter than on the rung before (2d)"),
    rungs(
        MESSAGE,
        '{strikes = 1, action = "suspend"}',
        '{strikes = 2, action = "suspend", lasts = "1d"}',
    ): (7, "ladders.default.rungs[3].lasts", "is shorter than on the rung before (no end)"),
    "[raised_to]\nwarning = 'warn'": (2, "raised_to.warning", "did you mean warn?"),
    "[raised_to]\nrestrict = 'warn'": (2, "raised_to.restrict", "warn is less than restrict"),
    "[takeover]\nwindow = '3'": (2, "takeover.window", "is not a duration"),
    "[takeover]\nwindow = '31d'": (2, "takeover.window", "must be from 1h to 30d"),
    "[takeover]\nsigns = ['login']": (2, "takeover.signs[1]", 'can\'t be "login"'),
    "[takeover]\nsigns = 'login.failed'": (2, "takeover.signs", "must be a list"),
    "[takeover]\nturns = ['restrict']":
        (2, "takeover.turns", "leaves out suspend: a victim of a takeover would be suspended"),
    "[minors]\nbands = ['teen']": (2, "minors.bands", "leaves out minor"),
    "[minors]\nprotective = ['warn', 'suspend']":
        (2, "minors.protective", "suspend takes something away, it doesn't protect"),
    "[review_due]\nspamm = '1h'": (2, "review_due.spamm", "did you mean spam?"),
    "[review_due]\ncsam = 4": (2, "review_due.csam", "4 is not a duration"),
    "[budgets]\nbann = {}": (2, "budgets.bann", "is not known here"),
    "[budgets]\nwarn = 5": (2, "budgets.warn", "must be a table; write [budgets.warn]"),
    '[budgets."content.remove"]\nhour = -1':
        (2, 'budgets."content.remove".hour', "must be a whole number from 0 on, not -1"),
    "[budgets]\nwarn = {hour = 5, day = 4}": (2, "budgets.warn.day", "is less than one hour's"),
    "[budgets]\nwarn = {minute = 5}": (2, "budgets.warn.minute", "use one of hour, day"),
    "[breaker]\nsurge = 0.5": (2, "breaker.surge", "must be a number from 1 to 1000, not 0.5"),
    "[breaker]\nsurge = nan": (2, "breaker.surge", "must be a number from 1 to 1000, not nan"),
    "[breaker]\nprecision = 70": (2, "breaker.precision", "must be a number from 0 to 1, not 70"),
    "[breaker]\nreviews = 19": (2, "breaker.reviews", "must be a whole number from 20 on, not 19"),
    "\nx = [": (2, "", "is not TOML"),
    "x = 1\n\nx = 2": (3, "", "is not TOML"),
    b"a = 1\nb = '\xff'": (2, "", "is not UTF-8"),
    b"x" * 70_000: (0, "", "is over 64 KiB"),
    "x = " + "[" * 5_000 + "]" * 5_000: (0, "", "is nested too deep"),
}  # fmt: skip


@pytest.mark.parametrize("text", MISTAKES, ids=lambda text: str(text[:40]))
def test_a_mistake_is_named_with_line_key_and_what_to_do(write, text):
    line, key, message = MISTAKES[text]
    path = write(text)
    found = check(path)
    told = [one for one in found if one.key == key and message in str(one)]
    assert len(told) == 1, found
    assert told[0].line == line
    place = f"{path}:{line}:" if line else f"{path}:"
    assert str(told[0]).startswith(f"{place} {key}: " if key else place)


def test_every_mistake_is_told_at_once_in_the_order_of_the_file(write):
    path = write(f"{LADDERS.replace('90d', 'nine')}[breaker]\nreviews = 1\nx = 2\n[minor]\n")
    with pytest.raises(PolicyError) as caught:
        load(path)
    assert [(one.line, one.key) for one in caught.value.mistakes] == [
        (2, "ladders.default.decay"),
        (10, "breaker.reviews"),
        (11, "breaker.x"),
        (12, "minor"),
    ]
    assert str(caught.value).count("\n") == 3


def test_a_file_that_is_not_there_is_told_by_name(tmp_path):
    (mistake,) = check(tmp_path / "none.toml")
    assert str(mistake) == f"{tmp_path}/none.toml: can't be read: No such file or directory"


def test_a_file_without_mistakes_has_none(write):
    assert check(write(LADDERS)) == ()
    assert check(DEFAULT) == ()


PAGE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text()


def test_the_page_about_policy_describes_every_section_action_and_reason():
    from streams.policy import Why  # noqa: PLC0415 - only this test is about words

    for word in (*SECTIONS, *PROPOSABLE, *Why):
        assert f"`{word}`" in PAGE or f"`[{word}]`" in PAGE, word
    assert str(LEAST_REVIEWS) in PAGE


def test_the_examples_on_the_page_are_policies(write):
    examples = [part.split("```", 1)[0] for part in PAGE.split("```toml\n")[1:]]
    assert examples
    for example in examples:
        assert check(write(example)) == (), example
