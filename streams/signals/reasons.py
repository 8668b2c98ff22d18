"""Why a record is refused: the closed list that dead letters and metrics use."""

from collections.abc import Iterable
from enum import StrEnum

UNDECLARED = "?"
"""Stands for every field name the schema doesn't know: a name can carry content too."""


class Reason(StrEnum):
    """The `reason` of a dead letter."""

    NULL_VALUE = "null_value"
    NULL_KEY = "null_key"
    TOO_LARGE = "too_large"  # value over 64 KiB
    TOO_DEEP = "too_deep"  # nested deeper than any record can be
    NOT_JSON = "not_json"  # not exactly one UTF-8 JSON object
    UNKNOWN_FIELD = "unknown_field"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    MALFORMED_ID = "malformed_id"
    MALFORMED_TIME = "malformed_time"  # no offset, no RFC 3339, or outside 1970 to 9999
    UNDECLARED_VALUE = "undeclared_value"  # a kind, category, label… on no closed list
    OUT_OF_RANGE = "out_of_range"  # a score outside 0 to 1, a number beyond 64 bits
    IN_FUTURE = "in_future"  # more than 5 minutes ahead of the record's Kafka timestamp
    KEY_MISMATCH = "key_mismatch"  # the record's key is not its account
    INVALID_HEADER = "invalid_header"
    WRONG_PARTITION = "wrong_partition"
    HANDLER_FAILED = "handler_failed"


class Refused(Exception):
    """A record that must not come in; the driver writes one dead letter for it and goes on.

    `reason` is from the closed list. `fields` are declared field (or header) names in the order of
    the schema, each at most once, `?` last for all undeclared ones. Neither they nor the message
    nor a chained exception ever quotes the record.
    """

    def __init__(self, reason: Reason, fields: Iterable[str] = ()) -> None:
        self.reason = reason
        self.fields = tuple(fields)
        super().__init__(f"{reason}: {', '.join(self.fields)}" if self.fields else str(reason))
