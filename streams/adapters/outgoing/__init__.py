"""What goes out: a module per format, a pure function `adapt(decided, given)` in each.

Only the fields CONTRACT.md lists are passed on: an output record is read by the struct it was written
from. What a neighbour has no word for gives None and is counted, not sent as something near.
"""
