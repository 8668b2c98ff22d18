"""The agents: pure handlers ``(state, signal, out) -> None`` that know nothing of Kafka.

`contract` says what an agent may rely on; each other module is one agent of the picture in
DESIGN.md. Handlers never import the engine: two drivers (Kafka, memory) run the same code.
"""
