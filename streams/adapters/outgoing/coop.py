"""Coop (roostorg): decisions, as bodies of `POST /api/v1/actions`.

``{"actionId", "itemId", "itemTypeId", "policyIds", "note"}``. The dictionary's `actions` name Coop's
action for ours, `item_types` the item types of accounts and content, `policies` the policy of a harm
class. An action without a name there isn't sent. The note is our decision's id and nothing else, so
that a reviewer can look it up, and an appeal can name it. Format: roostorg/coop at 1c1f54d,
`server/routes/action/ActionRoutes.ts`; it answers 202.
"""

from __future__ import annotations

from streams.adapters.dictionary import Dictionary
from streams.adapters.outgoing.decided import Decided, Leaving
from streams.adapters.unusable import AdapterUnusable
from streams.records import Enforcement

_ON_CONTENT = "content.remove"


def adapt(decided: Decided, words: Dictionary) -> Leaving | None:
    """Return the action for an enforcement, None for one that Coop has no action for."""
    record = decided.record
    if not isinstance(record, Enforcement) or record.action not in words.actions:
        return None
    on_content = record.action == _ON_CONTENT and record.content_ref is not None
    kind = "content" if on_content else "account"
    if kind not in words.item_types:
        raise AdapterUnusable(f"the dictionary's [item_types] lacks {kind}: Coop's id of that type")
    body = {
        "actionId": words.actions[record.action],
        "itemId": record.content_ref if on_content else record.account,
        "itemTypeId": words.item_types[kind],
        "policyIds": [words.policies[record.harm]] if record.harm in words.policies else [],
        "note": record.id,
    }
    return Leaving(record.id, record.account, body)
