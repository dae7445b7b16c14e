"""Hand-over at shift change: what is open as the tables know it, what only people know, and who has read it."""

from __future__ import annotations

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.crew.store import rota as store
from wardbridge.equipment.crew.store.rota import Content, Handover, Source
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.signing.sign import SIDES
from wardbridge.security.principal import Principal

TEXT = 2000


def _of(by: Principal, side: str) -> None:
    if side not in SIDES:
        raise Invalid(f"a side is one of: {', '.join(SIDES)}", "side")
    if not by.roles & SIDES[side]:
        raise Forbidden(f"this is {side}'s hand-over: {', '.join(sorted(SIDES[side]))}", "side")


async def give(shop: Shop, conn: Connection, side: str, remarks: str, *, by: Principal, to_id: str = "") -> str:
    """Hand over to ``to_id``, or to whoever comes next; the id. Raises Invalid, Forbidden, NotFound."""
    _of(by, side)
    if len(remarks) > TEXT:
        raise Invalid(f"at most {TEXT} characters", "remarks")
    known = await store.people(conn)
    if to_id and to_id not in known:
        raise NotFound("there is no such person", "to")
    if to_id == by.id:
        raise Invalid("hand over to somebody else", "to")
    if to_id and not known[to_id][1] & SIDES[side]:
        raise Invalid(f"{known[to_id][0]} is not of {side}", "to")
    one = Handover(
        handover_id=shop.ids(), side=side, from_id=by.id, from_display=by.display, at=shop.clock.now(),
        content=await store.content(conn, side), remarks=remarks.strip(), to_id=to_id,
        to_display=known[to_id][0] if to_id else "",
    )  # fmt: skip
    await store.put_handover(conn, one)
    return one.handover_id


async def accept(shop: Shop, conn: Connection, handover_id: str, *, by: Principal, answer: str = "") -> None:
    """The next person has read it. Raises NotFound, Forbidden for oneself, another side or another person than it was
    given to, Conflict when it is accepted already."""
    one = await store.handover(conn, handover_id)
    if one is None:
        raise NotFound("there is no such hand-over", "handover")
    _of(by, one.side)
    if by.id == one.from_id:
        raise Forbidden("the next person accepts", "person")
    if one.to_id and by.id != one.to_id:
        raise Forbidden(f"it was given to {one.to_display}", "person")
    if one.accepted_at:
        raise Conflict(f"{one.accepted_display} has accepted it already", "handover")
    await store.put_handover(conn, msgspec.structs.replace(
        one, accepted_by=by.id, accepted_display=by.display, accepted_at=shop.clock.now(),
        answer=answer.strip()[:TEXT],
    ))  # fmt: skip


async def preview(source: Source, side: str) -> Content:
    """What would be handed over now."""
    return await store.content(source, side)


async def waiting(source: Source, side: str = "") -> list[Handover]:
    """What nobody has accepted yet, newest first."""
    return await store.handovers(source, side=side, waiting=True)
