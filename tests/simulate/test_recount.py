"""The recount by itself, on acts made by hand."""

from streams.simulate.recount import (
    HIT,
    REVIEW,
    Act,
    act,
    distinct,
    harm,
    hit,
    many,
    middle,
    no,
    one,
    opening,
    ordered,
    review,
    total,
    unanswered,
    within,
)

END = 10**12
MINUTE = 60_000


def acts(*described):
    """Acts from (minute, what) or (minute, what, fields)."""
    return [
        Act(minute * MINUTE, what, fields[0].get("account", "a1") if fields else "a1", *fields)
        if fields
        else Act(minute * MINUTE, what, "a1", {})
        for minute, what, *fields in described
    ]


REFUSED = act("prompt.refused")
REFUSALS = [(minute, "prompt.refused") for minute in (0, 10, 20, 30)]


def test_a_window_is_open_at_its_beginning():
    three = within(20 * MINUTE, many(3, REFUSED))
    assert not three(acts(*REFUSALS), END)
    assert within(20 * MINUTE + 1, many(3, REFUSED))(acts(*REFUSALS), END)


def test_acts_of_another_kind_or_with_another_value_do_not_count():
    wrote = act("message.sent", peer_age_band=("minor", "teen"))
    sent = [
        (n, "message.sent", {"peer_age_band": band}) for n, band in enumerate(("teen", "adult"))
    ]
    assert within(MINUTE, many(1, wrote))(acts(*sent), END)
    assert not within(5 * MINUTE, many(2, wrote))(acts(*sent), END)
    assert not within(5 * MINUTE, many(1, wrote))(acts((0, "message.sent")), END)


def test_low_scores_are_left_out_and_absent_ones_are_not():
    hits = [(n, HIT, {"category": "csam", "score": score}) for n, score in enumerate((0.59, 0.6))]
    assert within(MINUTE, many(1, harm()))(acts(*hits), END)
    assert not within(5 * MINUTE, many(2, harm()))(acts(*hits), END)
    assert within(5 * MINUTE, many(1, harm()))(acts((0, HIT, {"category": "csem"})), END)
    near = hit(category="csam", least=0.45, below=0.6)
    assert within(5 * MINUTE, many(1, near))(acts(hits[0]), END)
    assert not within(5 * MINUTE, many(1, near))(acts(hits[1]), END)


def test_distinct_values_are_counted_once_and_accounts_are_values_too():
    on = [(n, HIT, {"category": "csam", "surface": s}) for n, s in enumerate("aab")]
    assert within(5 * MINUTE, distinct(2, "surface", harm()))(acts(*on), END)
    assert not within(5 * MINUTE, distinct(3, "surface", harm()))(acts(*on), END)
    made = [(n, "account.created", {"account": f"a{n}"}) for n in range(3)]
    assert within(5 * MINUTE, distinct(3, "account", act("account.created")))(acts(*made), END)


def test_sums_and_medians_are_of_the_values_there_are():
    scored = [(n, HIT, {"category": "csam", "score": s}) for n, s in enumerate((0.2, 0.5, 0.6))]
    suspicion = hit(category="csam", least=0.0)
    assert within(5 * MINUTE, total(1.25, "score", suspicion))(acts(*scored), END)
    assert not within(5 * MINUTE, total(1.4, "score", suspicion))(acts(*scored), END)
    everything = within(5 * MINUTE, many(3, suspicion), middle(0.5, "score", suspicion))
    assert everything(acts(*scored), END)
    assert not within(5 * MINUTE, middle(0.51, "score", suspicion), many(3, suspicion))(
        acts(*scored), END
    )


def test_an_order_is_strict_and_may_leave_acts_out():
    twice = within(60 * MINUTE, ordered(REFUSED, REFUSED, act("image.generated")))
    assert twice(acts(*REFUSALS[:2], (15, "login.failed"), (20, "image.generated")), END)
    assert not twice(acts(*REFUSALS[:1], (20, "image.generated"), (30, "prompt.refused")), END)
    assert not twice(
        acts((0, "prompt.refused"), (0, "prompt.refused"), (1, "image.generated")), END
    )


def test_an_order_is_found_also_where_an_earlier_start_lies_outside_the_window():
    late = acts((0, "prompt.refused"), (50, "prompt.refused"), (55, "image.generated"))
    assert within(10 * MINUTE, ordered(REFUSED, act("image.generated")))(late, END)


def test_absence_is_asked_for_within_the_window():
    alone = within(30 * MINUTE, many(1, REFUSED), no(act("account.created")))
    assert not alone(acts((0, "account.created"), (10, "prompt.refused")), END)
    assert alone(acts((0, "account.created"), (30, "prompt.refused")), END)


def test_one_value_has_to_do_all_of_it():
    refs = [(n, HIT, {"category": "csam", "content_ref": ref}) for n, ref in enumerate("xyx")]
    assert one("content_ref", within(5 * MINUTE, many(2, harm())))(acts(*refs), END)
    assert not one("content_ref", within(5 * MINUTE, many(3, harm())))(acts(*refs), END)


def test_an_answer_has_to_come_in_time_and_the_time_has_to_pass():
    open_report = unanswered(hit(source="user_report"), review(), 60 * MINUTE)
    report = (0, HIT, {"source": "user_report"})
    assert open_report(acts(report), 61 * MINUTE)
    assert not open_report(acts(report), 60 * MINUTE), "nobody knows yet"
    assert not open_report(acts(report, (60, REVIEW)), END)
    assert open_report(acts(report, (61, REVIEW)), END)


def test_an_opening_is_something_that_has_not_been_for_a_while():
    woke = opening(act("login.succeeded"), 100 * MINUTE, within(30 * MINUTE, many(2, harm())))
    hits = [(n, HIT, {"category": "csam"}) for n in (210, 220)]
    assert woke(acts((0, "login.succeeded"), (200, "login.succeeded"), *hits), END)
    assert not woke(
        acts((0, "login.succeeded"), (150, "login.succeeded"), (205, "login.succeeded"), *hits[1:]),
        END,
    )
