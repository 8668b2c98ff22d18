"""The demo: a simulated day through a real Kafka and two real workers, held against the truth.

`stage` sets up and takes down (Kafka, topics, recording), `crew` runs the workers, `show` is the
play itself with what is seen on the screen, `score` holds detections against what was hidden,
`summary` tells how it went. Everything it starts ends with it, whatever ends it.
"""
