"""Merging two rows of one machine.

The loser stays as a row that says whom it was merged into; what other parts of the room know under its id is read
through :func:`wardbridge.equipment.register.store.heads`. Every row that moves is in the log of changes.
"""

from __future__ import annotations

from typing import Any

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.devices.store import registry
from wardbridge.equipment.register import desk, resources
from wardbridge.equipment.register import store as register
from wardbridge.equipment.register.duplicates import store
from wardbridge.equipment.register.duplicates.store import Pair
from wardbridge.equipment.register.values import Asset, Now
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

_KEPT = frozenset({"device_id", "model_id", "state", "state_since", "created", "parent_id", "criticality",
                   "merged_into", "version"})  # fmt: skip
_FILLED = tuple(field.name for field in msgspec.structs.fields(Asset) if field.name not in _KEPT)


class Candidate(msgspec.Struct, frozen=True):
    """Two machines that may be one, and why: serial, udi, mac, tag."""

    one: Now
    other: Now
    why: tuple[str, ...]


async def candidates(shop: Shop, limit: int = 200) -> list[Candidate]:
    """What may stand twice in the register."""
    found: list[Pair] = await store.pairs(shop.pool, limit)
    ids = sorted({ident for pair in found for ident in (pair.one, pair.other)})
    machines = {now.device_id: now for now in await register.now(shop.pool, ids)}
    return [Candidate(machines[pair.one], machines[pair.other], pair.why) for pair in found]


async def distinct(shop: Shop, conn: Connection, one: str, other: str, reason: str) -> None:
    """Say that these are two machines: they are not suggested again. Raises Invalid, NotFound."""
    if not reason.strip():
        raise Invalid("say why these are two machines", "reason")
    if one == other or len(await register.assets(conn, [one, other])) != 2:
        raise NotFound("there are no such two machines", "machine")
    await store.say_distinct(conn, one, other, reason.strip())


async def merge(shop: Shop, conn: Connection, loser: str, winner: str, by: Principal) -> Asset:
    """Make one machine of two; the one that stays. Empty fields of it are filled from the other.

    Raises NotFound, Invalid for one and the same, and Conflict when the loser is with a patient, is part of the winner
    or the other way round, was merged already, or speaks on the wire, where the winner's row could not follow it.
    """
    if loser == winner:
        raise Invalid("a machine is not merged into itself", "winner")
    found = {asset.device_id: asset for asset in await register.assets(conn, [loser, winner], lock=True)}
    if set(found) != {loser, winner}:
        raise NotFound("there is no such machine in the register", "machine")
    gone, kept = found[loser], found[winner]
    now = {one.device_id: one for one in await register.now(conn, [loser, winner])}
    if gone.merged_into or kept.merged_into:
        raise Conflict("one of the two was merged already", "machine")
    if now[loser].in_use:
        raise Conflict("this machine is in use on a patient: it is not merged away", "loser")
    heard = await store.on_wire(conn, [loser, winner])
    if heard.get(loser, "retired") != "retired":
        where = "both speak on the wire: they are two machines" if winner in heard else "merge the other way round"
        raise Conflict(f"this machine speaks on the wire; {where}", "loser")
    if {one.device_id for one in await register.tree(conn, loser)} & {winner} or {
        one.device_id for one in await register.tree(conn, winner)
    } & {loser}:
        raise Conflict("one is part of the other", "machine")
    await store.move(conn, loser, winner)
    await register.put_assets(conn, [msgspec.structs.replace(gone, merged_into=winner, parent_id=None,
                                                             version=gone.version + 1)])  # fmt: skip
    await registry.unexpect(conn, [loser])
    filled = msgspec.structs.replace(kept, **_fill(kept, gone), version=kept.version + 1)
    await desk.add(shop, conn, [filled], source="merge")
    before = await shop.record.current(conn, "Device", loser)
    if before is not None:
        await shop.record.put(conn, [resources.merged(before, winner)])
    return filled


def _fill(kept: Asset, gone: Asset) -> dict[str, Any]:
    """Fields that the one that stays does not have and the other has."""
    return {
        name: getattr(gone, name) for name in _FILLED
        if getattr(kept, name) in ("", None) and getattr(gone, name) not in ("", None)
    }  # fmt: skip
