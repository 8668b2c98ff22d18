"""The Faust app of a worker: its settings, its transport, one Faust agent for each of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import faust
from faust.auth import Credentials, SASLCredentials, SSLCredentials
from faust.serializers.schemas import Schema

from streams.agents.contract import Agent
from streams.engine.kafka.assignor import BalancedAssignor
from streams.engine.kafka.engine import Engine
from streams.engine.kafka.transport import ChunkTransport

HEARTBEAT_S = 3.0
_FETCH_BYTES = 1024 * 1024
_REBALANCE_TIMEOUT_S = 30.0


class _ChunkSchema(Schema[Any, Any]):
    """Chunks are Python objects already: nothing to decode."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> Any:
        return None

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:
        return message.value


class VigilApp(faust.App):
    """A Faust app on the chunk transport; keeps nothing on disk."""

    engine: Engine

    def _new_transport(self) -> ChunkTransport:
        return ChunkTransport(self.conf.broker_consumer, self, self.engine)

    def _create_directories(self) -> None:
        return None


def make_app(
    agents: Sequence[Agent],
    engine: Engine,
    *,
    connection: Mapping[str, Any],
    prefix: str,
    worker_id: str,
    session_timeout_s: float,
) -> VigilApp:
    """The app, wired to the engine; not started. `connection` are aiokafka's client settings."""
    brokers = str(connection["bootstrap_servers"])
    app = VigilApp(
        f"{prefix}vigil",
        broker=[f"kafka://{address}" for address in brokers.split(",")],
        broker_credentials=_credentials(connection),
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        broker_client_id=f"vigil-{worker_id}",
        broker_session_timeout=session_timeout_s,
        broker_heartbeat_interval=min(HEARTBEAT_S, session_timeout_s / 3),
        broker_rebalance_timeout=_REBALANCE_TIMEOUT_S,
        broker_commit_interval=60.0,
        consumer_group_instance_id=worker_id,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=_FETCH_BYTES,
        PartitionAssignor=BalancedAssignor,
    )
    app.engine = engine
    app.on_partitions_revoked.connect(_revoked(engine), weak=False)
    app.on_rebalance_complete.connect(_assigned(engine), weak=False)
    for agent in agents:
        topics = [prefix + topic for topic in agent.inputs]
        channel = app.topic(*topics, schema=_ChunkSchema(), acks=False)
        app.agent(channel, name=agent.name)(_receiver(engine))
    return app


def _credentials(connection: Mapping[str, Any]) -> Credentials | None:
    """The login of aiokafka's client settings in Faust's words."""
    protocol = connection.get("security_protocol", "PLAINTEXT")
    if protocol.startswith("SASL"):
        return SASLCredentials(
            username=connection["sasl_plain_username"],
            password=connection["sasl_plain_password"],
            ssl_context=connection.get("ssl_context"),
            mechanism=connection["sasl_mechanism"],
        )
    return SSLCredentials(connection["ssl_context"]) if protocol == "SSL" else None


def _receiver(engine: Engine) -> Any:
    async def receive(stream: Any) -> None:
        events: AsyncIterator[Any] = stream.events()
        async for event in events:
            try:
                await engine.accept(event.message.tp, event.value)
            except Exception as error:
                # Faust would start the agent anew, without the chunk.
                engine.failed(error)
                raise

    return receive


def _revoked(engine: Engine) -> Any:
    async def revoked(_app: VigilApp, _revoked: Any, **_: Any) -> None:
        await engine.revoked()

    return revoked


def _assigned(engine: Engine) -> Any:
    async def assigned(app: VigilApp, **_: Any) -> None:
        await engine.assigned(app.consumer.assignment())

    return assigned
