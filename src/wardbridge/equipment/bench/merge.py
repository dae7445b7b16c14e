"""How an operation that was done without a network meets what happened meanwhile.

Fields that do not touch each other merge: notes are appended, parts and labour add up, results count by step. Where
two people say different things of the same field the first one stands, the second one's words are kept with the order
as a note, and a person is shown both (state ``conflict``). What breaks a rule is ``refused``, kept, and shown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from wardbridge.core.clock import iso
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.bench import downtime, labour, protocol, stock
from wardbridge.equipment.bench.protocol import Body, Timed
from wardbridge.equipment.bench.store import time
from wardbridge.equipment.register import store as register
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk, procedures
from wardbridge.equipment.work.store import orders
from wardbridge.equipment.work.store import procedures as results
from wardbridge.equipment.work.values import PRIORITIES, Work
from wardbridge.security.principal import Principal

OFFLINE = "used at the bench without a network"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """``there`` is what stands now, where that is not what was sent. ``work_id`` is the order that it went to."""

    state: str = "done"
    text: str = ""
    work_id: str = ""
    device_id: str = ""
    there: dict[str, Any] = {}


class Doing(msgspec.Struct, frozen=True):
    """An operation that is being applied: by whom, when it happened, and on which order or machine."""

    shop: Shop
    conn: Connection
    operation_id: str
    by: Principal
    when: Timed
    work_id: str
    device_id: str

    async def order(self) -> Work:
        """The order, locked. Raises NotFound."""
        found = await orders.locked(self.conn, [self.work_id])
        if not found:
            raise NotFound("there is no such work order", "work")
        return found[0]

    def at(self, work: Work) -> int | None:
        """When it happened as far as the order is concerned; None for now, where the tablet's clock is not believed."""
        return None if self.when.jumped else max(self.when.happened, work.reported_at)

    async def append(self, text: str) -> None:
        """Keep what cannot stand as a note with the order."""
        await desk.note(self.shop, self.conn, self.work_id, text[: desk.TEXT_LIMIT], self.by)

    def outcome(self, state: str = "done", text: str = "", /, **there: Any) -> Outcome:
        return Outcome(state=state, text=text, work_id=self.work_id, device_id=self.device_id, there=there)


async def apply(doing: Doing, body: Body) -> Outcome:
    """Apply one operation in the caller's transaction. Raises Invalid, NotFound, Conflict for what is refused."""
    rule: Callable[[Doing, Any], Awaitable[Outcome]] = RULES[type(body)]
    return await rule(doing, body)


async def _take(doing: Doing, body: protocol.Take) -> Outcome:
    work = await doing.order()
    if work.ended or (work.state == "taken" and work.taken_by != doing.by.display):
        return _first(doing, work, "somebody else was faster")
    await desk.take(doing.shop, doing.conn, work.work_id, doing.by, at=doing.at(work))
    return doing.outcome()


async def _wait(doing: Doing, body: protocol.Wait) -> Outcome:
    work = await doing.order()
    if work.ended or work.taken_by not in ("", doing.by.display):
        await doing.append(f"wanted it to wait for {body.what}: {body.text}")
        return _first(doing, work, "somebody else has this order; your words are a note")
    await desk.wait(doing.shop, doing.conn, work.work_id, body.what, doing.by, body.text)
    return doing.outcome()


async def _note(doing: Doing, body: protocol.Note) -> Outcome:
    await desk.note(doing.shop, doing.conn, doing.work_id, body.text, doing.by)
    return doing.outcome()


async def _step(doing: Doing, body: protocol.Step) -> Outcome:
    work = await doing.order()
    known = {one.step: one for one in await results.results(doing.conn, [work.work_id])}.get(body.step)
    theirs = known is not None and known.by_id != doing.by.id
    if known is not None and theirs and known.text == body.value.strip():
        return doing.outcome("done", "the same result was there already")
    if work.ended or (known is not None and theirs):
        name = known.name if known is not None else body.step
        await doing.append(f"{name}: measured {body.value.strip()} at {iso(doing.when.happened)}")
        if known is not None and theirs:
            return doing.outcome("conflict", "another result of this step stands; yours is a note", step=name,
                                 value=known.text, unit=known.unit, by=known.by, at=known.at)  # fmt: skip
        return _first(doing, work, "this order has ended; your result is a note")
    await procedures.record(doing.shop, doing.conn, work.work_id, {body.step: body.value}, doing.by,
                            instrument_id=body.instrument, override=body.override, at=doing.at(work))  # fmt: skip
    return doing.outcome()


async def _use(doing: Doing, body: protocol.Use) -> Outcome:
    quantity = protocol.decimal(body.quantity, "quantity")
    given: dict[str, Any] = {
        "work_id": doing.work_id, "lot": body.lot or None, "serial": body.serial,
        "operation_id": doing.operation_id, "at": doing.when.happened,
    }  # fmt: skip
    try:
        async with doing.conn.transaction():
            await stock.issue(doing.shop, doing.conn, body.part, body.store, quantity, doing.by, **given)
    except Conflict as short:
        await stock.issue(doing.shop, doing.conn, body.part, body.store, quantity, doing.by, reason=OFFLINE, **given)
        return doing.outcome("conflict", f"booked, though the book says: {short.message}; please count the shelf",
                             part=body.part, store=body.store)  # fmt: skip
    return doing.outcome()


async def _labour(doing: Doing, body: protocol.Time) -> Outcome:
    started = None
    if body.started is not None:
        started = min(body.started * 1000 + doing.when.offset, doing.when.happened)
    await labour.work(doing.shop, doing.conn, doing.work_id, body.minutes, doing.by, travel=body.travel,
                      started=started, note=body.text, operation_id=doing.operation_id)  # fmt: skip
    return doing.outcome()


async def _missing(doing: Doing, body: protocol.Missing) -> Outcome:
    work = await doing.order()
    if work.ended:
        await doing.append(f"could not be located: {body.text}")
        return _first(doing, work, "this order has ended; your words are a note")
    _work, often = await desk.not_found(doing.shop, doing.conn, work.work_id, body.text, doing.by)
    return doing.outcome("done", "searched for often enough to call it missing" if often else "")


async def _resolve(doing: Doing, body: protocol.Resolve) -> Outcome:
    work = await doing.order()
    if work.ended:
        await doing.append(f"also worked on by {doing.by.display}, {iso(doing.when.happened)}: {body.text}")
        return _first(doing, work, "somebody else ended this order first; your findings follow as a note")
    await desk.resolve(doing.shop, doing.conn, work.work_id, body.text, doing.by, late_reason=body.late_reason,
                       at=doing.at(work))  # fmt: skip
    return doing.outcome()


async def _fault(doing: Doing, body: protocol.Fault) -> Outcome:
    if body.priority not in PRIORITIES:
        raise Invalid(f"the priority is one of: {', '.join(PRIORITIES)}", "priority")
    if not await register.assets(doing.conn, [doing.device_id]):
        raise NotFound("there is no such machine in the register", "device")
    work = await desk.report(doing.shop, doing.conn, doing.device_id, body.text, doing.by, priority=body.priority,
                             source_id=f"bench/{doing.operation_id}")  # fmt: skip
    there = {}
    if body.out_of_use:
        running = await time.running(doing.conn, doing.device_id)
        if running is None:
            await downtime.stop_use(doing.shop, doing.conn, doing.device_id, doing.by, work_id=work.work_id,
                                    at=doing.when.happened, source="fault")  # fmt: skip
        else:
            there = {"out_of_use_since": running.start}
    if body.take:
        await desk.take(doing.shop, doing.conn, work.work_id, doing.by)
    return Outcome(work_id=work.work_id, device_id=doing.device_id, there=there)


async def _down(doing: Doing, body: protocol.Down) -> Outcome:
    running = await time.running(doing.conn, doing.device_id)
    if running is not None:
        return doing.outcome("conflict", "this machine was out of use already", since=running.start, by=running.by)
    await downtime.stop_use(doing.shop, doing.conn, doing.device_id, doing.by, work_id=doing.work_id or None,
                            at=doing.when.happened, planned=body.planned, source="bench", note=body.text)  # fmt: skip
    return doing.outcome()


async def _up(doing: Doing, body: protocol.Up) -> Outcome:
    running = await time.running(doing.conn, doing.device_id)
    if running is None:
        return doing.outcome("conflict", "this machine was not out of use any more")
    at = max(doing.when.happened, running.start)
    await downtime.resume(doing.shop, doing.conn, doing.device_id, at=at)
    return doing.outcome()


RULES: dict[Any, Callable[[Doing, Any], Awaitable[Outcome]]] = {
    protocol.Take: _take, protocol.Wait: _wait, protocol.Note: _note, protocol.Step: _step, protocol.Use: _use,
    protocol.Time: _labour, protocol.Missing: _missing, protocol.Resolve: _resolve, protocol.Fault: _fault,
    protocol.Down: _down, protocol.Up: _up,
}  # fmt: skip


def _first(doing: Doing, work: Work, text: str) -> Outcome:
    return doing.outcome("conflict", text, state=work.state, by=work.done_by or work.taken_by,
                         at=work.done_at or work.taken_at, resolution=work.resolution)  # fmt: skip
