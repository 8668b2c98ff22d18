"""The five boards Grafana shows, as programs; ``make docs`` writes them as JSON beside these files.

A board is data (`board.py`): rows of panels with their queries, units, and a sentence on what to do
when it looks bad. `render.py` makes Grafana's JSON of it. Nothing here is part of the package that
is installed: it needs a development dependency, and what a deployment needs is the JSON.
"""

from dashboards.board import Board, Panel, Query
from dashboards.detections import DETECTIONS
from dashboards.enforcement import ENFORCEMENT
from dashboards.patterns import PATTERNS
from dashboards.reporting import REPORTING
from dashboards.stream import STREAM

BOARDS: tuple[Board, ...] = (DETECTIONS, PATTERNS, STREAM, ENFORCEMENT, REPORTING)

__all__ = ["BOARDS", "Board", "Panel", "Query"]
