"""What people and machines do with orders: order, report, take, give, wait, defer, mend, cancel.

Every change writes the order's ServiceRequest and Task in the caller's transaction (:meth:`Shop.acting`).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wardbridge.core.clock import DAY
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import life, periods
from wardbridge.equipment.work.resources import resources
from wardbridge.equipment.work.store import orders, procedures
from wardbridge.equipment.work.values import (
    KINDS,
    LATE,
    PLANNED,
    PRIORITIES,
    SIDES,
    SOURCES,
    TRIES,
    WAITING,
    Note,
    Work,
)
from wardbridge.security.principal import Principal

TEXT_LIMIT = 2000
MAY_DEFER = frozenset({"technician", "administrator"})


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants done. The same (source, source id, device) is ordered once, whatever happened to it since."""

    kind: str
    name: str
    text: str = ""
    device_id: str = ""
    place_id: str | None = None
    source: str = "hand"
    source_id: str = ""
    due: int | None = None
    priority: str = "routine"
    side: str = "biomed"
    team: str = ""
    minutes: int | None = None
    parent_id: str | None = None
    code: str = ""
    procedure_id: str = ""
    procedure_version: int = 0
    schedule_id: str = ""


def text_of(text: str, where: str, what: str) -> str:
    """Text of 1 to 2000 characters. Raises Invalid."""
    text = text.strip()
    if not text or len(text) > TEXT_LIMIT:
        raise Invalid(f"say in 1 to {TEXT_LIMIT} characters {what}", where)
    return text


async def order_all(shop: Shop, conn: Connection, wanted: Sequence[Order], by: Principal) -> list[Work]:
    """Order many things in a few statements; what was ordered before comes back as it stands now.

    Orders come back in the order of ``wanted``. Raises Invalid for a kind, source, side or priority that does not
    exist, or without a name or a subject.
    """
    now = shop.clock.now()
    for one in wanted:
        _check(one)
    fresh = [
        Work(
            work_id=shop.ids(), request_id=shop.ids(), task_id=shop.ids(), reported_by=by.display, reported_at=now,
            **{name: getattr(one, name) for name in Order.__struct_fields__ if name not in ("name", "text")},
            name=one.name.strip()[:200], text=(one.text.strip() or one.name.strip())[:TEXT_LIMIT],
        )
        for one in wanted
    ]  # fmt: skip
    made = await orders.insert(conn, fresh)
    await _write(shop, conn, made)
    found = {one.work_id: one for one in made}
    missing = [one for one in fresh if one.work_id not in found]
    known = {
        (one.source, one.source_id, one.device_id): one
        for one in await orders.of_sources(conn, [(m.source, m.source_id, m.device_id) for m in missing if m.source_id])
    }
    answer = []
    for work in fresh:
        stands = found.get(work.work_id) or known.get((work.source, work.source_id, work.device_id))
        if stands is None and work.code:
            stands = await orders.open_fault(conn, work.device_id, work.code)
        if stands is None:
            raise Conflict(f"this work is planned already: {work.name}", "name")
        answer.append(stands)
    return answer


def _check(wanted: Order) -> None:
    if wanted.kind not in KINDS or wanted.source not in SOURCES:
        raise Invalid("this kind or source of work does not exist", "kind")
    if wanted.side not in SIDES or wanted.priority not in PRIORITIES:
        raise Invalid("this side or priority does not exist", "side")
    if not wanted.name.strip():
        raise Invalid("work has a name", "name")
    if not wanted.device_id and not wanted.place_id:
        raise Invalid("work is on a machine or a place", "device")


async def order(
    shop: Shop, conn: Connection, device_id: str, kind: str, name: str, text: str, by: Principal, *,
    source: str = "hand", source_id: str = "", due: int | None = None, priority: str = "routine", side: str = "biomed",
    place_id: str | None = None, team: str = "", minutes: int | None = None, parent_id: str | None = None,
    procedure_id: str = "",
) -> Work:  # fmt: skip
    """Order one thing: see :func:`order_all`. ``due`` in µs. The procedure is taken in the version in force."""
    version = 0
    if procedure_id:
        found = await procedures.current(conn, [procedure_id])
        if not found:
            raise Invalid("there is no such procedure", "procedure")
        version, minutes = found[0].version, minutes or found[0].minutes
    wanted = Order(
        kind=kind, name=name, text=text, device_id=device_id, place_id=place_id, source=source, source_id=source_id,
        due=due, priority=priority, side=side, team=team, minutes=minutes, parent_id=parent_id,
        procedure_id=procedure_id, procedure_version=version,
    )  # fmt: skip
    return (await order_all(shop, conn, [wanted], by))[0]


async def report(
    shop: Shop, conn: Connection, device_id: str, text: str, by: Principal, *, code: str = "",
    priority: str = "routine", source: str = "hand", source_id: str = "", parent_id: str | None = None,
) -> Work:  # fmt: skip
    """Report a fault. Raises Invalid without a text. The same machine-coded fault is open only once."""
    text = text_of(text, "text", "what is wrong")
    if code:
        known = await orders.open_fault(conn, device_id, code)
        if known is not None:
            return known
    wanted = Order(
        kind="fault", name=text.splitlines()[0][:120], text=text, device_id=device_id, code=code, priority=priority,
        source=source, source_id=source_id, parent_id=parent_id,
    )  # fmt: skip
    return (await order_all(shop, conn, [wanted], by))[0]


async def plan(
    shop: Shop, conn: Connection, device_id: str, name: str, due: int, interval_days: int | None, by: Principal, *,
    reported_at: int | None = None,
) -> Work | None:  # fmt: skip
    """Plan maintenance due at ``due`` (µs), then every ``interval_days`` after it is done. None where it is open
    already. A machine of the register is better served by a schedule."""
    if not name.strip() or (interval_days is not None and interval_days < 1):
        raise Invalid("a plan has a name and an interval of at least a day", "name")
    made = await orders.insert(
        conn,
        [Work(work_id=shop.ids(), request_id=shop.ids(), task_id=shop.ids(), kind="maintenance", name=name.strip(),
              text=name.strip(), device_id=device_id, reported_by=by.display, interval_days=interval_days, due=due,
              reported_at=shop.clock.now() if reported_at is None else reported_at)],
    )  # fmt: skip
    await _write(shop, conn, made)
    return made[0] if made else None


async def take(shop: Shop, conn: Connection, work_id: str, by: Principal, *, at: int | None = None) -> Work:
    """Take work, or go on with it (at ``at`` in µs, now where None).

    Raises NotFound, and Conflict when it is done or in somebody else's hands."""
    work = await _locked(conn, work_id)
    if work.state == "taken" and work.taken_by == by.display:
        return work
    if work.state not in ("open", "waiting"):
        raise Conflict(f"already {work.state} by {work.done_by or work.taken_by}")
    return await _save(
        shop, conn,
        msgspec.structs.replace(work, state="taken", waiting_for="", taken_by=by.display, person_id=by.id,
                                person=by.display, taken_at=work.taken_at or at or shop.clock.now()),
    )  # fmt: skip


async def wait(shop: Shop, conn: Connection, work_id: str, what: str, by: Principal, text: str = "") -> Work:
    """Work waits for parts, the vendor or the patient who needs the machine."""
    if what not in WAITING:
        raise Invalid(f"work waits for one of: {', '.join(WAITING)}", "waiting")
    work = await _locked(conn, work_id)
    if work.ended:
        raise Conflict(f"already {work.state} by {work.done_by}")
    await _note(shop, conn, work, "note", f"waits for {what}" + (f": {text.strip()}" if text.strip() else ""), by)
    return await _save(shop, conn, msgspec.structs.replace(work, state="waiting", waiting_for=what))


async def assign(
    shop: Shop, conn: Connection, work_ids: Sequence[str], by: Principal, *, person_id: str = "", person: str = "",
    team: str = "", planned: int | None = None, minutes: int | None = None,
) -> list[Work]:  # fmt: skip
    """Give work to a person or a team, and a time to it (µs). Raises NotFound, Conflict where some of it is done."""
    found = await orders.locked(conn, work_ids)
    if len(found) != len(set(work_ids)):
        raise NotFound("there is no such work", "work")
    for work in found:
        if work.ended:
            raise Conflict(f"work {work.number} is {work.state} already", "work")
    now = [
        msgspec.structs.replace(work, person_id=person_id, person=person, team=team, planned=planned,
                                minutes=minutes or work.minutes)
        for work in found
    ]  # fmt: skip
    await orders.update(conn, now)
    await _write(shop, conn, now)
    return now


async def defer(shop: Shop, conn: Connection, work_id: str, due: int, why: str, text: str, by: Principal) -> Work:
    """Put planned work off to ``due`` (µs) with a reason. The first due date stays known: KPIs count by that.

    Raises Forbidden for a role that may not, Invalid for a date that is not later, NotFound, Conflict.
    """
    if not by.roles & MAY_DEFER and by.kind != "system":
        raise Forbidden(f"work is put off by: {', '.join(sorted(MAY_DEFER))}", "role")
    if why not in LATE:
        raise Invalid(f"the reason is one of: {', '.join(LATE)}", "why")
    text = text_of(text, "text", "why it is put off")
    work = await _locked(conn, work_id)
    if work.ended:
        raise Conflict(f"already {work.state} by {work.done_by}")
    if work.due is None or due <= work.due or due <= shop.clock.now():
        raise Invalid("the new date is later than the old one, and to come", "due")
    await _note(shop, conn, work, "deferred", f"{why}: {text}", by, due)
    return await _save(
        shop, conn,
        msgspec.structs.replace(work, due=due, due_first=work.due_first or work.due, late_reason=why, planned=None),
    )  # fmt: skip


async def not_found(shop: Shop, conn: Connection, work_id: str, text: str, by: Principal) -> tuple[Work, bool]:
    """The machine could not be located. The second value says that it was tried often enough to call it missing."""
    work = await _locked(conn, work_id)
    if work.ended:
        raise Conflict(f"already {work.state} by {work.done_by}")
    await _note(shop, conn, work, "not-found", text.strip()[:TEXT_LIMIT] or "could not be located", by)
    work = await _save(shop, conn, msgspec.structs.replace(work, tries=work.tries + 1))
    return work, work.tries >= TRIES


async def note(shop: Shop, conn: Connection, work_id: str, text: str, by: Principal) -> None:
    """Keep a word with the work."""
    text = text_of(text, "text", "what is to be kept")
    await _note(shop, conn, await _locked(conn, work_id), "note", text, by)


async def resolve(
    shop: Shop, conn: Connection, work_id: str, text: str, by: Principal, *, late_reason: str = "",
    at: int | None = None,
) -> Work:  # fmt: skip
    """Finish work with what was done; planned work falls due anew. Work that is overdue is closed as late, with the
    reason why; a failed step orders the repair. ``at`` (µs) is when it was done, now where None; lateness goes by it.

    Raises NotFound, Conflict when it is done already, Invalid without a text, without the reason of planned work
    being late, or while steps of its procedure have no result.
    """
    text = text_of(text, "text", "what was done")
    if late_reason and late_reason not in LATE:
        raise Invalid(f"the reason is one of: {', '.join(LATE)}", "late_reason")
    work = await _locked(conn, work_id)
    if work.ended:
        raise Conflict(f"already {work.state} by {work.done_by}")
    now = shop.clock.now() if at is None else at
    due = work.due_first or work.due
    late = work.kind in PLANNED and due is not None and now > due
    reason = (late_reason or work.late_reason) if late else ""
    if late and not reason:
        raise Invalid(f"this work is overdue; say why: {', '.join(LATE)}", "late_reason")
    failed = await _steps(conn, work)
    if late:
        await _note(shop, conn, work, "late", reason, by)
    done = await _save(
        shop, conn,
        msgspec.structs.replace(work, state="resolved", waiting_for="", done_by=by.display, done_at=now,
                                resolution=text, taken_by=work.taken_by or by.display, late_reason=reason,
                                taken_at=work.taken_at or now),
    )  # fmt: skip
    if failed:
        what = f"Failed in {done.name}: {'; '.join(failed)}"[:TEXT_LIMIT]
        await report(
            shop, conn, done.device_id, what, by, source_id=f"failed/{done.work_id}", parent_id=done.work_id,
            priority="urgent",
        )  # fmt: skip
    await _anew(shop, conn, done, by)
    return done


async def cancel(shop: Shop, conn: Connection, work_id: str, reason: str, by: Principal) -> Work:
    """Work that will not be done, with the reason; a schedule goes on with its next period."""
    reason = text_of(reason, "reason", "why it is not done")
    work = await _locked(conn, work_id)
    if work.ended:
        raise Conflict(f"already {work.state} by {work.done_by}")
    done = await _save(
        shop, conn,
        msgspec.structs.replace(work, state="cancelled", waiting_for="", done_by=by.display, done_at=shop.clock.now(),
                                resolution=reason),
    )  # fmt: skip
    await periods.turn(conn, done, shop.clock.now())
    await life.released(shop, conn, done)
    return done


async def _anew(shop: Shop, conn: Connection, done: Work, by: Principal) -> None:
    now = shop.clock.now()
    if done.kind == "maintenance" and done.interval_days and not done.schedule_id:
        await plan(shop, conn, done.device_id, done.name, now + done.interval_days * DAY, done.interval_days, by)
    due = await periods.turn(conn, done, now)
    await life.released(shop, conn, done)
    if done.kind == "calibration" and done.device_id:
        await procedures.calibrated(conn, done.device_id, now, due)


async def _steps(conn: Connection, work: Work) -> list[str]:
    """The failed steps of the work's procedure. Raises Invalid where one has no result."""
    if not work.procedure_id:
        return []
    found = await procedures.version(conn, work.procedure_id, work.procedure_version)
    results = {one.step: one for one in await procedures.results(conn, [work.work_id])}
    missing = [step.text for step in (found.steps if found else ()) if step.step not in results]
    if missing:
        raise Invalid(f"{len(missing)} steps have no result, the first: {missing[0]}", "steps")
    return [f"{one.name} {one.text} {one.unit}".strip() for one in results.values() if one.verdict == "fail"]


async def _locked(conn: Connection, work_id: str) -> Work:
    found = await orders.locked(conn, [work_id])
    if not found:
        raise NotFound("there is no such work")
    return found[0]


async def _save(shop: Shop, conn: Connection, work: Work) -> Work:
    await orders.update(conn, [work])
    await _write(shop, conn, [work])
    return work


async def _write(shop: Shop, conn: Connection, works: Sequence[Work]) -> None:
    if works:
        seats = await orders.locations(conn, {one.place_id for one in works if one.place_id and not one.device_id})
        await shop.record.put(
            conn, [resource for one in works for resource in resources(one, seats.get(one.place_id or "", ""))]
        )


async def _note(
    shop: Shop, conn: Connection, work: Work, kind: str, text: str, by: Principal, due: int | None = None
) -> None:
    one = Note(note_id=shop.ids(), work_id=work.work_id, device_id=work.device_id, kind=kind, text=text[:TEXT_LIMIT],
               by_id=by.id, by=by.display, at=shop.clock.now(), due_before=work.due, due_after=due)  # fmt: skip
    await orders.add_notes(conn, [one])
