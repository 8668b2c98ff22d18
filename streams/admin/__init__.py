"""Making the topics of the table, and comparing a live cluster with it.

`cluster` is the connection with its errors in our words, `creation` and `comparison` the two
things done over it. Everything here is bounded in time and uses no event loop.
"""

from streams.admin.cluster import KafkaUnreachable
from streams.admin.comparison import Difference, TopicsWrong, check, require
from streams.admin.creation import create

__all__ = ["Difference", "KafkaUnreachable", "TopicsWrong", "check", "create", "require"]
