"""The embedded Kafka: comes up, goes down, comes back, and keeps its hands off others."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from streams.embedded import EmbeddedKafka, KafkaNotStarted, processes
from tests.kafka.waiting import until


@pytest.fixture
def node(tmp_path):
    node = EmbeddedKafka(tmp_path / "node", tied=True)
    yield node
    node.stop()


def write(address, count):
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=address)) as admin:
        admin.create_topics({"kept": {"num_partitions": 1, "replication_factor": 1}})
    producer = KafkaProducer(bootstrap_servers=address, acks="all")
    for number in range(count):
        producer.send("kept", str(number).encode())
    producer.flush()
    producer.close()


def count(address):
    partition = TopicPartition("kept", 0)
    with contextlib.closing(KafkaConsumer(bootstrap_servers=address)) as consumer:
        return consumer.end_offsets([partition])[partition]


def test_it_comes_back_with_its_data_on_its_port_after_stop_and_after_kill_9(node):
    address = node.start()
    assert node.status().address == address
    write(address, 100)
    assert node.start() == address, "starting a running node only says where it is"

    assert node.stop()
    assert not node.status().running
    assert not node.stop(), "nothing is left to stop"
    assert node.start() == address
    assert count(address) == 100

    node.kill()
    assert not node.status().running
    assert node.start() == address
    assert count(address) == 100


def test_it_listens_on_the_loopback_only_and_makes_no_topics_on_demand(kafka_node):
    port = int(kafka_node.address.rpartition(":")[2])
    listening = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            host, number = local.rsplit(":", 1)
            if state == "0A" and int(number, 16) == port:
                listening.add(host)
    assert listening <= {"0100007F", "0000000000000000FFFF00000100007F"}
    assert (
        "auto.create.topics.enable=false"
        in (kafka_node.directory / "server.properties").read_text()
    )


def test_another_process_that_was_given_its_number_is_not_touched(tmp_path):
    node = EmbeddedKafka(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        (tmp_path / "node.json").write_text(json.dumps({"pid": other.pid, "port": 1}))
        assert not node.status().running
        assert not node.stop()
        node.kill()
        assert other.poll() is None
        other.communicate(b"\n")
        assert other.returncode == 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_damaged_pid_file_means_not_running(tmp_path, text):
    (tmp_path / "node.json").write_text(text)
    assert not EmbeddedKafka(tmp_path).status().running


def test_a_taken_port_is_told_at_once(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(KafkaNotStarted, match=f"port {port} .* is taken: choose another"):
            EmbeddedKafka(tmp_path, port=port).start()


def test_a_stuck_node_is_ended_by_force_and_another_beside_it_is_left_alone(node, kafka_node):
    address = node.start()
    assert address != kafka_node.address
    pid = node.status().pid
    os.kill(pid, signal.SIGSTOP)
    assert node.stop(timeout_s=0.5)
    assert not processes.is_ours(pid, str(node.directory / "server.properties"))
    assert kafka_node.status().running


TIED = """
import sys, pathlib
from streams.embedded import EmbeddedKafka
print(EmbeddedKafka(pathlib.Path(sys.argv[1]), tied=True).start(), flush=True)
input()
"""


def test_a_tied_node_ends_with_the_process_that_started_it_even_by_kill_9(tmp_path):
    command = [sys.executable, "-c", TIED, str(tmp_path / "node")]
    starter = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with starter:
        assert b"127.0.0.1" in starter.stdout.readline()
        node = EmbeddedKafka(tmp_path / "node")
        assert node.status().running
        starter.kill()
    until(lambda: not node.status().running)


def test_kafkas_own_tools_are_at_hand(kafka_node):
    write(kafka_node.address, 1)
    command = kafka_node.tool(
        "org.apache.kafka.tools.ConsoleProducer",
        *("--bootstrap-server", kafka_node.address, "--topic", "kept"),
    )
    subprocess.run(command, input=b"one\ntwo\n", check=True, capture_output=True)
    assert count(kafka_node.address) == 3
