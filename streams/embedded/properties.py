"""How the single node is set up: Kafka's own settings, each one that isn't a default with a why."""

from collections.abc import Mapping
from pathlib import Path

NODE_ID = 1
LOG_PARTITIONS = 4


def server_properties(
    *, port: int, controller_port: int, data: Path, settings: Mapping[str, object] | None = None
) -> str:
    """The text of `server.properties`, `settings` on top. Both listeners are on 127.0.0.1."""
    ours = {
        "process.roles": "broker,controller",
        "node.id": NODE_ID,
        # Static voters instead of a dynamic quorum: ports may change between two starts.
        "controller.quorum.voters": f"{NODE_ID}@127.0.0.1:{controller_port}",
        "listeners": f"CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"CLIENTS://127.0.0.1:{port}",
        "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "CLIENTS",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": data,
        # One node can't replicate.
        "default.replication.factor": 1,
        "min.insync.replicas": 1,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # 50 partitions of each internal topic would only cost start-up time.
        "offsets.topic.num.partitions": LOG_PARTITIONS,
        "transaction.state.log.num.partitions": LOG_PARTITIONS,
        "share.coordinator.state.topic.num.partitions": 1,
        # A mistyped topic is a mistake to hear of, not a topic.
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": 0,
        # Tests let sessions run out; nobody wants to wait the default 6 s for that.
        "group.min.session.timeout.ms": 1000,
        # A dead worker's open transaction holds readers back until it is aborted.
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
        # After a kill -9 the controller waits for the old incarnation's session to end.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        # Small heap: the defaults are for a machine of its own.
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "log.cleaner.threads": 1,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
        "num.recovery.threads.per.data.dir": 2,
    }
    together = ours | dict(settings or {})
    return "".join(f"{name}={value}\n" for name, value in together.items())


def log4j2_properties(log: Path) -> str:
    """Kafka's own log: 10 MiB twice, warnings of the chatty parts only."""
    return f"""\
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {log}
appender.file.filePattern = {log}.1
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{ISO8601}} %p %c: %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 1
logger.config.name = org.apache.kafka.common.config
logger.config.level = warn
logger.server.name = kafka.server.KafkaConfig
logger.server.level = warn
"""
