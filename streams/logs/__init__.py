"""What is logged: events of a closed list, with fields of a closed list, in lines that can't quote.

Everything that Vigil logs goes through `tell`. No field is for what stands in a payload; the id of
the account or entity a line is about stands in `key`, and only where somebody asked for it
(`--log-ids`). What libraries log is cut down to what can't be part of a record (`lines`).
"""

from streams.logs.events import Event, Fields, is_told, tell, where
from streams.logs.setting_up import FORMATS, LEVELS, muted, set_up, tell_of_threads

__all__ = [
    "FORMATS",
    "LEVELS",
    "Event",
    "Fields",
    "is_told",
    "muted",
    "set_up",
    "tell",
    "tell_of_threads",
    "where",
]
