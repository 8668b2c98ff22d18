"""The correlation types of Sigma 2.1 by name, and what each needs."""

from __future__ import annotations

EVENT_COUNT = "event_count"
VALUE_COUNT = "value_count"
VALUE_SUM = "value_sum"
VALUE_AVG = "value_avg"
VALUE_PERCENTILE = "value_percentile"
VALUE_MEDIAN = "value_median"
TEMPORAL = "temporal"
TEMPORAL_ORDERED = "temporal_ordered"

NUMERIC = (VALUE_SUM, VALUE_AVG, VALUE_PERCENTILE, VALUE_MEDIAN)
"""Types that calculate from a number field."""
WITH_FIELD = (VALUE_COUNT, *NUMERIC)
"""Types whose condition names a field."""
WITH_CONDITION = (EVENT_COUNT, *WITH_FIELD)
"""Types that mean nothing without a condition."""
IN_WORDS = (TEMPORAL, TEMPORAL_ORDERED)
"""Types whose condition may be in words."""
TYPES = (*WITH_CONDITION, *IN_WORDS)

MEDIAN = 50.0
"""The percentile where none is named."""
