"""The demo: a simulated day through a real Kafka and two real workers, held against the truth.

`show` is its course, `recording` the day and its truth, `crew` the workers, `day` the playing with
`audience` and `lag` looking on, `screen` what a person sees, `summary` tells how it went; `boards` says
what Grafana would show of it, asked of `prometheus`. Everything it starts ends with it, whatever ends it.
"""
