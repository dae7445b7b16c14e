"""Findings of unexpected behaviour: one joint ticket a machine and kind, answered "expected because …" or acted on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wardbridge.core.clock import DAY
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.changes.behaviour import store
from wardbridge.equipment.changes.behaviour.judge import Expected, Usual, judge, merged, words
from wardbridge.equipment.changes.behaviour.values import Finding
from wardbridge.equipment.changes.network import store as network
from wardbridge.equipment.changes.network.desk import LEARNING_DAYS
from wardbridge.equipment.changes.network.values import Link
from wardbridge.equipment.changes.patches import follow as patches
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.signing import sign as signing
from wardbridge.equipment.work import desk as work
from wardbridge.equipment.work.store import orders
from wardbridge.security.principal import SYSTEM, Principal

SUBJECT = "unexpected"
URGENT = frozenset({"peer", "port", "firmware"})


async def raise_(shop: Shop, conn: Connection, device_id: str, kind: str, detail: dict[str, Any], at: int) -> Finding:
    """Something unexpected happened at ``at`` (µs): a new finding with a joint ticket, or one more on the open one."""
    known = await store.open_one(conn, device_id, kind)
    detail = {**detail, "at": at}
    if known is not None:
        one = msgspec.structs.replace(known, count=known.count + 1, last_at=max(known.last_at, at),
                                      details=merged(known.details, detail))  # fmt: skip
        await store.put(conn, one)
        return one
    one = Finding(unexpected_id=shop.ids(), device_id=device_id, kind=kind, state="open", details=[detail], count=1,
                  first_at=at, last_at=at)  # fmt: skip
    order = await work.order(
        shop, conn, device_id, "security", f"Unexpected: {kind.replace('-', ' ')}",
        f"{words(kind, detail)}. Biomed and IT look at it together.", SYSTEM, side="both", source="behaviour",
        source_id=one.unexpected_id, priority="urgent" if kind in URGENT else "routine",
    )  # fmt: skip
    one = msgspec.structs.replace(one, work_id=order.work_id)
    await store.put(conn, one)
    return one


async def expected(shop: Shop, conn: Connection, unexpected_id: str, reason: str, side: str, by: Principal) -> Finding:
    """It is expected, because of ``reason``: signed, and remembered for every machine of the model in the zone.

    Raises Invalid without a reason, Conflict when it is settled, Forbidden for a role that cannot speak for the side.
    """
    one, reason = await _open(conn, unexpected_id), _reason(reason)
    if side not in signing.BOTH:
        raise Invalid(f"this is answered by: {', '.join(signing.BOTH)}", "side")
    content = {"unexpected": unexpected_id, "device": one.device_id, "kind": one.kind, "details": one.details,
               "reason": reason}  # fmt: skip
    await signing.sign(shop, conn, SUBJECT, unexpected_id, content, meaning="expected", side=side, by=by, note=reason)
    now = shop.clock.now()
    if one.kind in ("peer", "port"):
        model_id, zone = await store.machine(conn, one.device_id)
        await store.teach(
            conn,
            [Expected(expected_id=shop.ids(), model_id=model_id, zone=zone, peer=str(d["peer"]), port=int(d["port"]),
                      protocol=str(d["protocol"]), direction=str(d["direction"]), reason=reason, at=now, by=by.id)
             for d in one.details],
        )  # fmt: skip
    return await _settle(shop, conn, one, "expected", reason, by)


async def acted(shop: Shop, conn: Connection, unexpected_id: str, reason: str, by: Principal) -> Finding:
    """Something was done about it: what. Seen again, it is a new finding."""
    if not by.roles & {"technician", "operator"}:
        raise Forbidden("this is answered by biomed or IT", "role")
    return await _settle(shop, conn, await _open(conn, unexpected_id), "acted", _reason(reason), by)


async def _settle(shop: Shop, conn: Connection, one: Finding, state: str, reason: str, by: Principal) -> Finding:
    one = msgspec.structs.replace(one, state=state, reason=reason, settled_at=shop.clock.now(), settled_by=by.id)
    await store.put(conn, one)
    if one.work_id and any(not order.ended for order in await orders.locked(conn, [one.work_id])):
        await work.resolve(shop, conn, one.work_id, f"{state}: {reason}", by)
    return one


def _reason(reason: str) -> str:
    if len(reason.strip()) < 5:
        raise Invalid("say why, in some words", "reason")
    return reason.strip()[:500]


async def _open(conn: Connection, unexpected_id: str) -> Finding:
    one = await store.get(conn, unexpected_id)
    if one is None:
        raise NotFound("there is no such finding", f"unexpected/{unexpected_id}")
    if one.state != "open":
        raise Conflict(f"this finding is {one.state} already", "state")
    return one


async def follow(shop: Shop) -> int:
    """One round over new links, addresses and places; how many findings were raised or counted on."""
    return await _links(shop) + await _marks(shop)


async def _links(shop: Shop) -> int:
    new = await store.unjudged(shop.pool)
    if not new:
        return 0
    groups: dict[tuple[str, str], list[Link]] = defaultdict(list)
    for link, model_id, zone in new:
        groups[model_id, zone].append(link)
    raised = 0
    async with shop.acting(SYSTEM, "judged") as conn:
        usual = await usual_of(conn, groups)
        for group, links in sorted(groups.items()):
            for link in links:
                kind = judge(link, usual[group])
                if kind:
                    detail = {"peer": link.peer, "port": link.port, "protocol": link.protocol,
                              "direction": link.direction, "source": link.source}  # fmt: skip
                    await raise_(shop, conn, link.device_id, kind, detail, link.first_seen)
                    raised += 1
        await store.judged(conn, [link for link, _, _ in new])
    return raised


async def usual_of(
    source: network.Source, groups: Mapping[tuple[str, str], Sequence[Link]]
) -> dict[tuple[str, str], Usual]:
    """What is usual for models in zones, as far as these links need it; a few statements for all of them."""
    learned = await store.learned(source, list(groups), LEARNING_DAYS * DAY)
    approved = {(one.model_id, one.zone): one.rules for one in await network.policies(source, state="approved")}
    taught: dict[tuple[str, str], list[Expected]] = defaultdict(list)
    for one in await store.taught(source, [model for model, _ in groups]):
        taught[one.model_id, one.zone].append(one)
    names = await network.names(source, sorted({link.peer for links in groups.values() for link in links}))
    return {
        group: Usual(learned_until=learned[group][0], learned=learned[group][1], rules=approved.get(group),
                     taught=taught[group], groups=names)
        for group in groups
    }  # fmt: skip


async def _marks(shop: Shop) -> int:
    """The first value is remembered; another one later is a finding, unless the register has been told of it."""
    found = await store.moved(shop.pool)
    if not found:
        return 0
    known = await store.addresses(shop.pool, [mark.device_id for mark, _ in found])
    now, raised = shop.clock.now(), 0
    async with shop.acting(SYSTEM, "seen") as conn:
        for mark, before in found:
            told = mark.kind == "address" and (mark.device_id, mark.value) in known
            if before and not told and not await store.explained(conn, mark.device_id, mark.kind, mark.value, now):
                await raise_(shop, conn, mark.device_id, mark.kind, {"old": before, "new": mark.value}, now)
                raised += 1
        await store.put_marks(conn, [mark for mark, _ in found], now)
    return raised


class Watch:
    """An observer of :class:`wardbridge.equipment.register.wire.RegisterSink`: a new version on the wire proves the
    patches that it is of; where no patch, change or order in hand explains it, it is unexpected."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def __call__(self, conn: Connection, device_id: str, what: str, old: str, new: str, at: int) -> None:
        """Told of a difference in the transaction that learned it."""
        if what not in ("firmware", "hardware"):
            return
        settled = await patches.observed(self._shop, conn, device_id, what, new, at, "wire")
        if what == "firmware" and old and not settled and not await store.explained(conn, device_id, what, new, at):
            await raise_(self._shop, conn, device_id, "firmware", {"old": old, "new": new}, at)
