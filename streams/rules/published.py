"""What stands on the topic `rules`, record by record.

Keys tell two kinds of records apart:

- ``set/HASH`` is one rule set, for ever the same. Its value is a zstd frame of JSON (`PublishedSet`):
  every file with its name, and who published them when. HASH is the hash of the files, the one
  outputs are stamped with; a record whose files hash to anything else is not believed.
- ``current`` is JSON (`Current`): which set is to run, since when, and which ones before it.

The topic is compacted and has as many partitions as the others, so the two lie on different ones
and a reader may meet `current` before its set. A writer waits for the set to be acknowledged before
it writes `current`. By hand: ``kcat … -k set/HASH | zstd -d | jq .files``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

import msgspec
import zstandard

from streams.patterns import RuleFile
from streams.patterns.versions import RULESET_CHARS, ruleset_hash
from streams.signals.times import parse_ms
from streams.topics import MAX_RECORD_BYTES

TOPIC = "rules"
CURRENT_KEY = b"current"
SET_KEY = b"set/"

FORMAT = 1
MAX_SET_BYTES = MAX_RECORD_BYTES - 4096
"""What a set may take compressed; the rest is for the key and the batch around it."""
MAX_UNPACKED_BYTES = 32 * 1024 * 1024
MAX_BEFORE = 50
"""So many sets that were current before are remembered for going back to."""

_LEVEL = 19
"""The smallest zstd makes at no noticeable cost: 0.1 s for 1.2 MB, and sets are written rarely."""


class NotBelieved(Exception):
    """A record that is not what its key says; the message says why."""


class SetTooLarge(Exception):
    """A rule set that no record of Kafka can hold."""


class PublishedSet(msgspec.Struct, frozen=True, kw_only=True):
    """One rule set. `files` are (name, text), in the order of their names.

    `ruleset` is the hash of the files. The rest is what the publisher says, and nothing vouches for
    it: how many patterns were live and in shadow with the schema file whose SHA-256 is `schema`
    (hexadecimal; empty: without one) in the Vigil of version `vigil`; `at` is RFC 3339.
    """

    ruleset: str
    files: tuple[tuple[str, str], ...]
    live: int
    shadow: int
    at: str
    by: str
    note: str = ""
    schema: str = ""
    vigil: str = ""
    format: int = FORMAT


class Current(msgspec.Struct, frozen=True, kw_only=True):
    """Which set is to run since `at` (RFC 3339), and, newest first, those that were before it.

    Going back takes the first of `before`, and leaves the rest: going back twice goes two sets back
    and never forward again.
    """

    ruleset: str
    at: str
    by: str
    note: str = ""
    before: tuple[str, ...] = ()


_encode = msgspec.json.Encoder().encode
_decode_set = msgspec.json.Decoder(PublishedSet).decode
_decode_current = msgspec.json.Decoder(Current).decode


def set_key(ruleset: str) -> bytes:
    """The key of a set's record."""
    return SET_KEY + ruleset.encode()


def encode_set(published: PublishedSet) -> bytes:
    """The value of a set's record. Raises `SetTooLarge`."""
    unpacked = _encode(published)
    value = zstandard.ZstdCompressor(level=_LEVEL).compress(unpacked)
    if len(value) > MAX_SET_BYTES or len(unpacked) > MAX_UNPACKED_BYTES:
        raise SetTooLarge(
            f"the rule set takes {len(value):,} bytes compressed ({len(unpacked):,} before), a record "
            f"of Kafka holds {MAX_SET_BYTES:,} ({MAX_UNPACKED_BYTES:,} before). Leave out rules that "
            "aren't loaded, or shorten their inline tests with 'every' and 'times'"
        )
    return value


def decode_set(ruleset: str, value: bytes) -> PublishedSet:
    """The set of a record that belongs to the key of `ruleset`. Raises `NotBelieved`."""
    try:
        # The size it claims is looked at before any memory is set aside for it.
        if not 0 < zstandard.frame_content_size(value) <= MAX_UNPACKED_BYTES:
            raise NotBelieved("it is too large, or doesn't say how large it is")
        found = _decode_set(zstandard.ZstdDecompressor().decompress(value))
    except zstandard.ZstdError:
        raise NotBelieved("it is no zstd frame") from None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise NotBelieved("it is not a rule set, or one of another version of Vigil") from None
    if found.format != FORMAT:
        raise NotBelieved(f"it is written in format {found.format}, this Vigil reads {FORMAT}")
    names = [name for name, _ in found.files]
    if len(set(names)) < len(names) or not all(map(_is_a_file_name, names)):
        raise NotBelieved("its files have names no directory could hold")
    actual = ruleset_hash((name, text.encode()) for name, text in found.files)
    if not ruleset == found.ruleset == actual:
        raise NotBelieved(f"its files hash to {actual}")
    return found


def encode_current(current: Current) -> bytes:
    """The value of the record `current`."""
    return _encode(current)


def decode_current(value: bytes) -> Current:
    """What the record `current` says. Raises `NotBelieved`."""
    try:
        found = _decode_current(value)
        parse_ms(found.at)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise NotBelieved("it doesn't say which rule set is current") from None
    if not all(map(_is_a_hash, (found.ruleset, *found.before))):
        raise NotBelieved("it names what is no hash of a rule set")
    return found


def rule_files(published: PublishedSet) -> list[RuleFile]:
    """The files, ready to be loaded."""
    return [RuleFile(name, name, text.encode()) for name, text in published.files]


def texts(files: Sequence[RuleFile]) -> tuple[tuple[str, str], ...]:
    """Files as a set holds them. Raises `UnicodeDecodeError` where one isn't UTF-8."""
    return tuple(sorted((file.name, file.contents.decode()) for file in files))


def _is_a_hash(text: str) -> bool:
    return len(text) == RULESET_CHARS and text.isascii() and text.isalnum()


def _is_a_file_name(name: str) -> bool:
    path = PurePosixPath(name)
    return (
        name.isprintable()
        and "\\" not in name
        and str(path) == name != "."
        and not path.is_absolute()
        and ".." not in path.parts
    )
