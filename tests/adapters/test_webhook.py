"""A signed webhook against a real server that fails in every way it can.

It was seen failing: with a broken-off answer taken for delivered, and with the id changed from try to
try.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from streams.adapters.unusable import AdapterUnusable
from streams.adapters.webhook import Endpoint, Persistence, Webhook, secret_of
from streams.logs.lines import Lines
from tests.adapters.receiver import Receiver

SECRET_TEXT = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRET = secret_of(SECRET_TEXT.encode())
QUICK = Persistence(timeout_s=0.3)


class Standing:
    """A clock that only moves when somebody waits; starts now, for receivers turn down old times."""

    def __init__(self):
        self.now = datetime.now(UTC).timestamp()
        self.waits = []

    def time(self):
        return self.now

    async def sleep(self, seconds):
        self.waits.append(seconds)
        self.now += seconds


async def deliver(receiver, *messages, persistence=QUICK, clock=None):
    endpoint = Endpoint(receiver.url, SECRET, {"x-api-key": "a key of theirs"})
    async with Webhook(endpoint, persistence, clock or Standing()) as webhook:
        return [await webhook.deliver(message, b'{"id": 1}') for message in messages]


async def test_a_receiver_finds_a_message_signed_as_its_own_library_wants_it():
    async with Receiver() as receiver:
        assert await deliver(receiver, "d1") == [True]
    (got,) = receiver.got
    verifier = Verifier(SECRET_TEXT)
    assert verifier.verify(got.body.decode(), got.headers) == {"id": 1}
    with pytest.raises(WebhookVerificationError):
        verifier.verify(got.body.decode().replace("1", "2"), got.headers)
    with pytest.raises(WebhookVerificationError):
        verifier.verify(got.body.decode(), got.headers | {"webhook-id": "d2"})
    assert got.headers["idempotency-key"] == got.headers["webhook-id"] == "d1"
    assert got.headers["x-api-key"] == "a key of theirs"


FAILURES = [500, 503, 404, 410, (302, {"location": "/elsewhere"}), "hang", "hang up", "break off"]


@pytest.mark.parametrize("failure", FAILURES, ids=str)
async def test_whatever_goes_wrong_it_is_tried_again_under_the_same_id(failure):
    async with Receiver([failure, failure]) as receiver:
        assert await deliver(receiver, "d1") == [True]
    assert [got.headers["webhook-id"] for got in receiver.got] == ["d1"] * 3
    assert len({got.body for got in receiver.got}) == 1
    assert receiver.taken == ["d1"]


async def test_a_receiver_that_is_away_is_tried_until_it_is_there():
    receiver = Receiver()
    async with receiver:
        url = receiver.url
    clock = Standing()
    async with Webhook(Endpoint(url, SECRET), Persistence(tries=3), clock) as webhook:
        assert await webhook.deliver("d1", b"{}") is False
    assert len(clock.waits) == 2


async def test_waits_double_up_to_the_longest_and_each_try_is_signed_at_its_own_time():
    clock = Standing()
    began = clock.now
    persistence = Persistence(tries=8, first_wait_s=1, longest_wait_s=30)
    async with Receiver([500] * 7) as receiver:
        assert await deliver(receiver, "d1", persistence=persistence, clock=clock) == [True]
    whole = [1, 2, 4, 8, 16, 30, 30]
    for wait, full in zip(clock.waits, whole, strict=True):
        assert 0.75 * full <= wait <= full
    stamps = [int(got.headers["webhook-timestamp"]) for got in receiver.got]
    assert stamps == sorted(stamps)
    assert stamps[-1] - int(began) >= sum(whole) * 0.75 - 1


async def test_retry_after_is_respected_in_seconds_and_as_a_date():
    clock = Standing()
    later = format_datetime(
        datetime.fromtimestamp(clock.now, UTC) + timedelta(seconds=207), usegmt=True
    )
    answers = [(429, {"retry-after": "100"}), (503, {"retry-after": later}),
               (429, {"retry-after": "soon"}), (429, {"retry-after": "999999"})]  # fmt: skip
    async with Receiver(answers) as receiver:
        assert await deliver(receiver, "d1", clock=clock) == [True]
    first, second, third, fourth = clock.waits
    assert first == 100
    assert 106 <= second <= 107  # of the 207 s a hundred had passed
    assert third <= 4
    assert fourth == 3600


async def test_after_n_tries_it_is_given_up_and_the_next_goes_on():
    async with Receiver([500] * 3) as receiver:
        given = await deliver(receiver, "d1", "d2", persistence=Persistence(tries=3))
    assert given == [False, True]
    assert receiver.taken == ["d2"]


async def test_neither_secret_nor_address_details_nor_body_reach_a_log(caplog):
    caplog.set_level(logging.DEBUG)
    async with Receiver([500, "hang up"]) as receiver:
        endpoint = Endpoint(
            receiver.url.replace("//", "//user:pw@") + "?token=t0ken", SECRET, {"x": "api-key"}
        )
        async with Webhook(endpoint, QUICK, Standing()) as webhook:
            assert await webhook.deliver("d1", b'{"account": "u1"}')
    lines = Lines(as_json=False, ids=True)
    said = "".join(map(lines.format, caplog.records)) + repr(endpoint)
    assert 'why="status 500"' in said
    for secret in ("t0ken", "user", "pw", "api-key", "u1", SECRET.decode("latin1"), SECRET_TEXT):
        assert secret not in said


@pytest.mark.parametrize(
    "url", ["http://ops.example/hook", "ftp://ops.example", "https://", "ops.example/hook"]
)
def test_an_address_without_tls_outside_of_this_machine_is_refused(url):
    with pytest.raises(AdapterUnusable):
        Endpoint(url, SECRET)


def test_a_secret_that_says_base64_and_isn_t_is_refused():
    with pytest.raises(AdapterUnusable, match="isn't base64"):
        secret_of(b"whsec_not base64 at all!")
