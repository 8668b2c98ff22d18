"""Who holds a content reference or a data set, and telling all of them once it is confirmed.

The list is complete, for what is confirmed has to go everywhere: the first `INLINE` holders stand in
the entity's record, each further one is a record of its own. Those lie in `SHARDS` by the hash of
the account, so that telling a million of them goes in steps: `STEP` of them at once, and the others
by the engine's timer, `PAUSE_MS` of the partition's time after each other. A step takes 8 ms, so
that other signals wait no longer for it; a million holders take a hundred seconds.

A holder is forgotten 30 days after it was met with it last. That it is confirmed is remembered for
400 days, and who brings it in meanwhile is told at once, each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from streams.agents.account_state import digest
from streams.agents.arrival import id_of
from streams.agents.contract import Out, State
from streams.agents.entity_state import MEMBER, REMOVAL, Confirmed, EntityRecord, Member, Removal
from streams.patterns.pattern import LIVE
from streams.records import AccountSignal, output_id
from streams.signals.times import format_ms

INLINE = 8
SHARDS = 256
STEP = 500
PAUSE_MS = 50

HELD_S = 30 * 86_400
CONFIRMED_MS = 400 * 86_400_000

ACTIONS: Mapping[str, str] = MappingProxyType(
    {"content_ref": "content.remove", "dataset_ref": "dataset.quarantine"}
)
"""What is done with what is confirmed, by type of entity."""


def hold(state: State, entity: str, record: EntityRecord, account: str, at_s: int) -> None:
    """Note (in `record`, which is not put) that an account was met with the entity at a time (s)."""
    holders = record.holders
    if account not in holders and len(holders) >= INLINE:
        for other in [other for other, met_s in holders.items() if met_s < at_s - HELD_S]:
            del holders[other]
    if account in holders or len(holders) < INLINE:
        holders[account] = max(at_s, holders.get(account, at_s))
        return
    shard = _shard(entity, digest(account)[0])
    member = state.get(MEMBER, shard, account)
    if member is None:
        record.more += 1
        # Once it is confirmed, an account is told by the signal that shows it turn up.
        member = Member(at_s, told=record.confirmed is not None)
    member.met = max(at_s, member.met)
    _put(state, shard, account, member)


def confirm(state: State, entity: str, record: EntityRecord, hit: Confirmed, out: Out) -> None:
    """Note (in `record`, which is not put) that a hit confirmed it, and tell who holds it."""
    record.confirmed = hit
    for account in sorted(record.holders):
        tell(state, entity, hit, account, out)
    if record.more:
        go_on(state, entity, record, Removal(state.now), out)


def go_on(state: State, entity: str, record: EntityRecord, removal: Removal, out: Out) -> None:
    """Tell the next `STEP` holders that are records of their own; then wait, or be done."""
    hit = record.confirmed
    assert hit is not None
    told = 0
    for number in range(removal.shard, SHARDS):
        shard = _shard(entity, number)
        for account, member in state.scan(MEMBER, shard):
            if member.told or account in record.holders:
                continue
            if told == STEP:
                removal = Removal(state.now + PAUSE_MS, number)
                state.put(REMOVAL, entity, removal, state.now + CONFIRMED_MS)
                return
            tell(state, entity, hit, account, out)
            told += 1
            member.told = True
            _put(state, shard, account, member)
    state.delete(REMOVAL, entity)


def tell(  # noqa: PLR0917 - whom, of what, and why
    state: State,
    entity: str,
    hit: Confirmed,
    account: str,
    out: Out,
    turned_up: tuple[str, int] | None = None,
) -> None:
    """Tell an account that what it holds is confirmed; it `turned_up` there (tagged id, ms) later."""
    because, at = turned_up or (hit.hit, hit.at)
    kind, _, ref = entity.partition(":")
    signal = AccountSignal(
        id=output_id("account-signal/content", "", "", (entity,), account, (because,)),
        account=account,
        at=format_ms(min(max(at, hit.at), state.now)),
        kind="content",
        action=ACTIONS[kind],
        harm=hit.harm,
        entity=entity,
        hit=id_of(hit.hit),
        severity="critical",
        mode=LIVE,
        **{kind: ref},
    )
    out.emit("account-signals", account, signal, urgent=True)


def _put(state: State, shard: str, account: str, member: Member) -> None:
    expires_at = max(state.now, member.met * 1000) + HELD_S * 1000
    state.put(MEMBER, shard, member, expires_at, account)


def _shard(entity: str, number: int) -> str:
    return f"{entity}/{number:02x}"
