"""`/livez`, `/readyz` and `/metrics` over a real socket."""

from __future__ import annotations

import http.client
import socket
import sys
import threading

import pytest

from streams.web import CannotListen, Web


class Worker:
    """The callbacks a worker gives, to be turned over in a test."""

    sick = unready = ""

    def alive(self):
        return self.sick

    def ready(self):
        return self.unready

    def metrics(self):
        return b"vigil_up 1\n"


@pytest.fixture
def worker():
    return Worker()


@pytest.fixture
def web(worker):
    with Web("127.0.0.1:0", alive=worker.alive, ready=worker.ready, metrics=worker.metrics) as web:
        yield web


def get(web, path):
    client = http.client.HTTPConnection(web.address, timeout=10)
    client.request("GET", path)
    answer = client.getresponse()
    body = answer.read().decode()
    client.close()
    return answer.status, body


def test_probes_say_ok_or_503_with_the_reason(web, worker):
    assert get(web, "/livez") == (200, "ok")
    assert get(web, "/readyz") == (200, "ok")
    worker.unready = "restoring accounts/3"
    assert get(web, "/readyz") == (503, "restoring accounts/3")
    assert get(web, "/livez") == (200, "ok")
    worker.sick = "the loop has not turned for 31 s"
    assert get(web, "/livez") == (503, "the loop has not turned for 31 s")


def test_a_check_that_fails_is_a_503_without_its_message(worker):
    def broken():
        raise RuntimeError("with a message that may quote a record")

    with Web("127.0.0.1:0", alive=broken, ready=broken, metrics=worker.metrics) as web:
        assert get(web, "/livez") == (503, "the check failed: RuntimeError")


def test_metrics_are_served_and_nothing_else(web):
    assert get(web, "/metrics") == (200, "vigil_up 1\n")
    for path in ("/", "/tables", "/metrics/x", "/../etc/passwd"):
        assert get(web, path)[0] == 404


def test_threads_take_turns_faster_only_while_metrics_are_answered():
    usual, while_answering = sys.getswitchinterval(), []

    def metrics():
        while_answering.append(sys.getswitchinterval())
        return b"vigil_up 1\n"

    with Web("127.0.0.1:0", alive=str, ready=str, metrics=metrics) as web:
        assert get(web, "/metrics") == (200, "vigil_up 1\n")
    assert while_answering < [usual]
    assert sys.getswitchinterval() == usual


def test_it_answers_while_the_thread_of_the_worker_is_blocked(web):
    """This thread stands for the worker's loop: it waits here, and the server answers elsewhere."""
    answers = []
    other = threading.Thread(target=lambda: answers.append(get(web, "/livez")))
    other.start()
    other.join(timeout=10)
    assert answers == [(200, "ok")]


def test_a_taken_address_is_told_with_what_to_do(web, worker):
    second = Web(web.address, alive=worker.alive, ready=worker.ready, metrics=worker.metrics)
    with pytest.raises(CannotListen, match=r"can't listen there .* Choose another --web"):
        second.start()
    second.stop()


@pytest.mark.parametrize("address", ["8321", "localhost", ":", "localhost:", "a:b", ":8321"])
def test_an_address_that_is_none_is_told(address, worker):
    with pytest.raises(CannotListen, match="is not host:port"):
        Web(address, alive=worker.alive, ready=worker.ready, metrics=worker.metrics)


def test_it_listens_on_the_given_address_only_and_stops(worker):
    with Web("127.0.0.1:0", alive=worker.alive, ready=worker.ready, metrics=worker.metrics) as web:
        host, _, port = web.address.rpartition(":")
        assert host == "127.0.0.1"
        other_loopback = socket.socket()
        with other_loopback, pytest.raises(ConnectionRefusedError):
            other_loopback.connect(("127.0.0.2", int(port)))
    with socket.socket() as gone, pytest.raises(ConnectionRefusedError):
        gone.connect((host, int(port)))
