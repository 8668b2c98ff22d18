"""A real single-node Kafka for demo, tests and development: KRaft, 127.0.0.1 only, small heap.

`jars` fetches Kafka from its Maven coordinates, `properties` says how the node is set up, `node`
starts and stops it, `processes` tells our process from one that was given its number. Not for
production: one node, replication 1, no authentication.
"""

from streams.embedded.jars import ToolMissing
from streams.embedded.node import EmbeddedKafka, KafkaNotStarted, Status

__all__ = ["EmbeddedKafka", "KafkaNotStarted", "Status", "ToolMissing"]
