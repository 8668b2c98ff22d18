"""Everything that is wrong with a deployment, each with its remedy.

`examination` asks one question after the other: `broker` (version, settings), `rights` (ACLs), `records`
(retention against windows, clocks, partitioning, known material without a surface, dead letters),
`silence`, `workers` (group, versions), and what `streams.admin` says of topics; `rulesets` looks whether
all workers run the rules they should. It only looks; nothing is changed.
"""

from streams.doctor.examination import Deployment, examine
from streams.doctor.finding import Finding, Severity
from streams.doctor.rulesets import longest_window_ms

__all__ = ["Deployment", "Finding", "Severity", "examine", "longest_window_ms"]
