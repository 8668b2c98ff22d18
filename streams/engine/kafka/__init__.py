"""The Kafka driver: Faust for membership, assignment and agents; our own transport and checkpoints.

`fetch` and `transport` bring chunks of raw records from aiokafka through Faust; `assignor` spreads
partition numbers; `owner` runs one (agent, partition): `checkpoint` commits it, `restore` reads it
back; `engine` holds the owners through rebalances; `guard` keeps a worker's name unique; `worker`
is one process from start to exit code.

This is the only place that touches private parts of Faust and aiokafka; the contract tests in
tests/engine/test_private_hooks.py say which, and fail loudly when those change.
"""
