"""Whether the brokers accept the login: asked once, since kafka-python tries until its time is up.

It also forgets the reason, which aiokafka tells. Where SASL isn't used nothing is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError

_ANSWER_MS = 5_000


def refusal(connection: Mapping[str, Any]) -> KafkaError | None:
    """Why the first bootstrap server that answers refuses the login; None if it doesn't.

    None also where nobody answers: that is for the client to tell. Not to be called where an
    event loop runs.
    """
    if not str(connection.get("security_protocol", "")).startswith("SASL"):
        return None
    return asyncio.run(_ask(connection))


async def _ask(connection: Mapping[str, Any]) -> KafkaError | None:
    login = {name: value for name, value in connection.items() if name != "bootstrap_servers"}
    for address in str(connection["bootstrap_servers"]).split(","):
        host, _, port = address.rpartition(":")
        try:
            made = await create_conn(
                host.strip("[]"), int(port), request_timeout_ms=_ANSWER_MS, **login
            )
        except OSError:
            continue
        except KafkaError as error:
            if error.retriable:
                continue
            return error
        made.close()
        return None
    return None
