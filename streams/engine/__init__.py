"""The engine: what carries signals to handlers and keeps what handlers decide.

`store`, `inputs`, `outbox` and `processor` know nothing of Kafka and are the same under both
drivers; `memory` is the in-memory driver (replay, tests), `kafka/` the Faust-based one.
"""
