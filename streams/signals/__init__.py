"""Signals: what comes in, and what is refused at the door.

One row per field in `records`, one struct per topic made from the rows and the operator's schema
file (`schema`), one decoder per topic that hands out checked signals or raises `Refused`
(`decoder`). Identifiers (`ids`) and time (`times`) have one definition each, here. There is no
text field: nothing that gets past this room can carry content.
"""

from streams.signals.reasons import Reason, Refused
from streams.signals.records import Field, FieldType, Record, Signal
from streams.signals.schema import Schema
from streams.signals.schema_file import SchemaError

__all__ = [
    "Field",
    "FieldType",
    "Reason",
    "Record",
    "Refused",
    "Schema",
    "SchemaError",
    "Signal",
]
