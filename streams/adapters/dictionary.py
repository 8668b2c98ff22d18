"""What the words of other tools mean here: an operator's TOML file.

Policies, labels, hash banks and action names are every platform's own. What stands in no dictionary
is never guessed to be worse than `policy_other`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from streams.adapters.unusable import AdapterUnusable
from streams.records import ACTIONS
from streams.signals import Schema
from streams.signals.records import TOPICS, FieldType

_REFS = frozenset(
    field.name for fields in TOPICS.values() for field in fields if field.type is FieldType.REF
)
_ITEMS = frozenset({"account", "content"})


class Reporter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who reports, as XARF wants it: an organisation, its address for mail, its domain."""

    org: str
    contact: str
    domain: str


class Dictionary(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One file. Ours stands where the contract has a word for it, theirs is any text.

    - `categories`: their policy, label, verdict, bank or finding type → our category
    - `kinds`: their action or event type → our kind of activity
    - `fields`: our reference field (or `action`) → the name of theirs, where each platform has its own
    - `account_types`: their item types that are accounts
    - `programs`: their actors that are no persons
    - `vetted`: hash banks of which an exact match is established fact
    - `actions`, `policies`: our action, our harm class → their id
    - `item_types`: `account` and `content` → their item type
    - `reporter`, `content_url`: for reports that leave the house; the URL names ``{ref}``
    """

    categories: dict[str, str] = {}
    kinds: dict[str, str] = {}
    fields: dict[str, str] = {}
    account_types: frozenset[str] = frozenset()
    programs: frozenset[str] = frozenset()
    vetted: frozenset[str] = frozenset()
    actions: dict[str, str] = {}
    policies: dict[str, str] = {}
    item_types: dict[str, str] = {}
    reporter: Reporter | None = None
    content_url: str = ""

    @classmethod
    def load(cls, path: Path, schema: Schema) -> Dictionary:
        """The file at `path`, its side of ours checked against `schema`. Raises `AdapterUnusable`."""
        try:
            found = msgspec.convert(tomllib.loads(path.read_bytes().decode()), cls)
        except OSError as error:
            raise AdapterUnusable(f"{path}: can't be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
            raise AdapterUnusable(f"{path}: {error}") from None
        categories = schema.fields("moderation-hits")["category"].values or ()
        kinds = schema.fields("activity")["kind"].values or ()
        _insist(path, "categories", found.categories.values(), categories)
        _insist(path, "kinds", found.kinds.values(), kinds)
        _insist(path, "fields", found.fields, _REFS | {"action"})
        _insist(path, "actions", found.actions, ACTIONS)
        _insist(path, "policies", found.policies, categories)
        _insist(path, "item_types", found.item_types, _ITEMS)
        return found

    def category(self, *theirs: str, given: Mapping[str, str] | None = None) -> str | None:
        """Our category for the first of their words that has one, the operator's before `given`."""
        for word in theirs:
            found = self.categories.get(word) or (given or {}).get(word)
            if found is not None:
                return found
        return None


def _insist(path: Path, table: str, used: Collection[str], known: Collection[str]) -> None:
    unknown = sorted(set(used) - set(known))
    if unknown:
        raise AdapterUnusable(
            f"{path}: [{table}] has {unknown[0]!r}, which is none of ours: one of"
            f" {', '.join(sorted(known))}"
        )
