"""atproto labels (`com.atproto.label.defs#label`), as a labeler publishes them.

A label says what a third party thinks: `suspected`, by a `trusted_flagger`, where the dictionary has
a category for its value. An author's label on his own post accuses nobody, and one that takes
another back (`neg`) can't be said here. Format: bluesky-social/atproto,
`lexicons/com/atproto/label/defs.json`; one label a record, not the firehose's frames.
"""

from __future__ import annotations

from typing import Any

import msgspec

from streams.adapters.foreign import Foreign, moment, reader
from streams.adapters.incoming.ozone import account_of
from streams.adapters.making import Given, Made, hits


class _Label(msgspec.Struct):
    src: str
    uri: str
    val: str
    cts: str
    neg: bool = False


_read: Any = reader(_Label)


def adapt(foreign: Foreign, given: Given) -> list[Made]:
    """Return the hit of a label, if it is one."""
    label: _Label = _read(foreign.value)
    category = given.words.category(label.val)
    did = account_of(None, label.uri, "uri")
    if label.neg or category is None or did == label.src:
        return []
    on_post = label.uri != did
    return hits(
        given,
        source_id=("label", given.ids.made("event", f"{label.src}\0{label.uri}\0{label.cts}")),
        account=given.ids.made("account", did),
        at=moment(label.cts, "cts"),
        categories=[category],
        source="trusted_flagger",
        verdict="suspected",
        content_ref=given.ids.made("content_ref", label.uri) if on_post else None,
        detector=given.ids.made("detector", label.src),
    )
