"""What tests share: one real broker for a whole session, and names nobody else uses on it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from streams.embedded import EmbeddedKafka

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def kafka_node(tmp_path_factory) -> Iterator[EmbeddedKafka]:
    """The session's broker itself, for tests that stop, kill or restart one: those make their own.

    It ends with the tests, also when they are killed.
    """
    from streams.embedded import EmbeddedKafka  # noqa: PLC0415 - most tests need no broker

    with EmbeddedKafka(tmp_path_factory.mktemp("kafka"), tied=True) as node:
        yield node


@pytest.fixture(scope="session")
def kafka(kafka_node) -> str:
    """`host:port` of the session's real broker. Use a `prefix` of your own on it."""
    return kafka_node.address


@pytest.fixture
def prefix() -> str:
    """A topic prefix no other test of this session uses."""
    return f"t{os.getpid()}-{next(_numbers)}."
