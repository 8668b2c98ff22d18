"""Whether a broker answers and would make a topic now."""

import contextlib
import socket
import time
from collections.abc import Mapping
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from streams.logs import muted

_POLL_S = 0.05
_PROBE = "vigil-readiness-probe"


def can_make_topics(address: str, login: Mapping[str, Any], *, timeout_s: float) -> bool:
    """Ask the broker to check, not to make, a topic; False if it doesn't agree in time."""
    deadline = time.monotonic() + timeout_s
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=timeout_s).close()
    except OSError:
        time.sleep(_POLL_S)
        return False
    left_ms = max(500, int((deadline - time.monotonic()) * 1000))
    # While a broker starts, a refused connection is no news.
    with muted("kafka"):
        try:
            with contextlib.closing(
                KafkaAdminClient(
                    **{**login, "bootstrap_servers": address},
                    bootstrap_timeout_ms=left_ms,
                    request_timeout_ms=left_ms,
                )
            ) as admin:
                admin.create_topics(
                    {_PROBE: {"num_partitions": 1, "replication_factor": 1}}, validate_only=True
                )
        except (KafkaError, OSError):
            time.sleep(_POLL_S)
            return False
    return True
