"""Ids of others become ids of ours: kept where they are pseudonyms by shape, replaced where not.

A replacement is HMAC-SHA256 with the operator's key over what kind of thing it names and their id:
the same id always gives the same pseudonym, and without the key nobody finds the way back. Shape
alone can't tell a user name from a pseudonym (``alice`` is in the alphabet); whoever has names for
ids says so, and then every id is replaced.
"""

from __future__ import annotations

import base64
import hmac
from pathlib import Path

from streams.adapters.unusable import AdapterUnusable
from streams.signals.ids import is_id

PSEUDONYM_CHARS = 26
"""130 bits in base32: no two ids meet by chance."""

MIN_KEY_BYTES = 16

_PERSONS = frozenset({"account", "reporter", "peer"})
"""Fields that name accounts: one account has one pseudonym in all of them."""


class Pseudonyms:
    """The ids of one deployment. The key is in no representation of it and in no message."""

    def __init__(self, key: bytes, *, replace_all: bool = False) -> None:
        self._key = key
        self._replace_all = replace_all

    def ref(self, field: str, theirs: object) -> str:
        """The id or reference for our `field`: theirs if it is fit to stand there, else made."""
        text = str(theirs)
        return text if not self._replace_all and is_id(text) else self.made(field, text)

    def made(self, field: str, theirs: str) -> str:
        """A pseudonym, whatever their id looks like."""
        kind = "account" if field in _PERSONS else field
        return self._digest(f"{kind}\0{theirs}".encode("utf-8", "surrogatepass"))

    def event(self, source: str, theirs: object) -> str:
        """The id of a record that comes from `source` (a word of ours) and is `theirs` there."""
        name = f"{source}.{theirs}"
        if not self._replace_all and is_id(name):
            return name
        return f"{source}.{self.made('event', name)}"

    def of_body(self, body: bytes) -> str:
        """What stands for the id of a record without one: the same bytes again are the same."""
        return self._digest(b"body\0" + body)

    def _digest(self, message: bytes) -> str:
        digest = hmac.digest(self._key, message, "sha256")
        return base64.b32encode(digest).decode().lower()[:PSEUDONYM_CHARS]


def read_key(variable: str | None, file: Path | None, *, what: str) -> bytes:
    """A secret from a file, or else from the value of a variable; surrounding blanks are no part.

    `what` names flag and variable for the error. Raises `AdapterUnusable`; never quotes the secret.
    """
    if file is not None:
        try:
            key = file.read_bytes().strip()
        except OSError as error:
            raise AdapterUnusable(f"{file}: can't be read: {error.strerror}") from None
    else:
        key = (variable or "").encode().strip()
    if not key:
        raise AdapterUnusable(f"no key: {what}")
    if len(key) < MIN_KEY_BYTES:
        raise AdapterUnusable(f"the key is shorter than {MIN_KEY_BYTES} bytes: {what}")
    return key
