"""More partitions for a deployment that is in use, with everything that is remembered.

`readiness` looks whether it may begin, `moving` carries state records to where their keys belong
now, `steps` does the whole of it, so that it can be killed anywhere and run again.
"""

from streams.repartition.moving import Moved
from streams.repartition.readiness import Fewer, NotReady, Standing, look
from streams.repartition.steps import repartition

__all__ = ["Fewer", "Moved", "NotReady", "Standing", "look", "repartition"]
