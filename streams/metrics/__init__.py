"""What Prometheus sees. Updated per chunk and per checkpoint; nothing here knows the engine.

Names begin with `vigil_`, units are base units, and label values come from closed lists only
(`series.LABELS`): topics of the table, agents, reasons, and the patterns, modes, actions and harms of
the rule set that is loaded. What is on none of them is counted as ``other``, so that no account and no
content can become a series. docs/metrics.md is written from here.
"""

from streams.metrics.metrics import CONTENT_TYPE, Metrics
from streams.metrics.series import Loaded

__all__ = ["CONTENT_TYPE", "Loaded", "Metrics"]
