"""The benchmarks behind ``make bench``: what Vigil does per CPU-second, beside its peers.

`stream` says what traffic the same-job engines read and what they must have made of it; `preload`
puts it on a broker; `worker_process` and `progress` measure a process from outside; `same_job`,
`catalogue`, `latency`, `recovery`, `restore` and `memory` are the jobs; `peers/` holds the engines
Vigil is compared with; `results` writes the lines and the table. A figure of a run whose committed
state or decisions differ from a recount is refused.
"""
