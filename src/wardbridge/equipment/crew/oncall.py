"""The on-call calendar: rotas, exceptions, swaps by agreement of both, and who is called now.

Times are µs since the epoch (UTC); rotas keep the wall times of their zone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date

import msgspec

from wardbridge.core.clock import DAY
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.crew import resources, rota
from wardbridge.equipment.crew.rota import Duty, Exchange, Rota
from wardbridge.equipment.crew.store import rota as store
from wardbridge.equipment.crew.store.rota import Source, Swap
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.signing.sign import SIDES
from wardbridge.security.principal import SYSTEM, Principal

AHEAD = 56 * DAY
"""How far duties are written into the record."""


async def duties(source: Source, start: int, stop: int, side: str = "") -> list[Duty]:
    """Who is on call within [start, stop), by start."""
    some = await store.rotas(source, side=side, since=start)
    swaps = await store.exchanges(source, [one.rota_id for one in some], start, stop)
    return rota.duties(some, swaps, start, stop)


async def on_call(source: Source, side: str, at: int) -> list[Duty]:
    """Who is called for a side at a moment, in the order of escalation (level 1 first); empty in a gap."""
    some = await store.rotas(source, side=side, since=at)
    swaps = await store.exchanges(source, [one.rota_id for one in some], at, at + 1)
    return rota.at(some, swaps, at, side)


async def gaps(source: Source, start: int, stop: int, side: str) -> list[tuple[int, int]]:
    """When a side has nobody who is called first."""
    some = await store.rotas(source, side=side, since=start)
    swaps = await store.exchanges(source, [one.rota_id for one in some], start, stop)
    return rota.gaps(some, swaps, start, stop, side)


async def put(shop: Shop, conn: Connection, one: Rota) -> str:
    """Add a rota (no id) or change one; its id. Raises Invalid, NotFound (rota, person)."""
    rota.checked(one)
    known = await store.people(conn)
    for person in one.people:
        if person not in known:
            raise NotFound("there is no such person", "people")
        if not known[person][1] & SIDES[one.side]:
            raise Invalid(f"{known[person][0]} is not of {one.side}", "people")
    if one.rota_id:
        before = await store.rota(conn, one.rota_id, lock=True)
        if before is None:
            raise NotFound("there is no such rota", "rota")
        if before.side != one.side:
            raise Invalid("a rota stays with its side: end it and make another", "side")
    else:
        one = msgspec.structs.replace(one, rota_id=shop.ids(), created=shop.clock.now())
    await store.put_rota(conn, one)
    await publish(shop, conn)
    return one.rota_id


async def end(shop: Shop, conn: Connection, rota_id: str, last: date) -> None:
    """The rota's last day (local). Raises NotFound."""
    if await store.rota(conn, rota_id, lock=True) is None:
        raise NotFound("there is no such rota", "rota")
    await store.end_rota(conn, rota_id, last)
    await publish(shop, conn)


async def exchange(
    shop: Shop, conn: Connection, rota_id: str, start: int, stop: int, person_id: str, reason: str
) -> None:
    """Somebody else from ``start`` to ``stop`` (illness, leave); '' nobody. Raises NotFound, Invalid.

    What lies in the past stays as it was.
    """
    one = await store.rota(conn, rota_id, lock=True)
    if one is None:
        raise NotFound("there is no such rota", "rota")
    now = shop.clock.now()
    if stop <= start or stop - start > 366 * DAY:
        raise Invalid("from a moment to a later one, at most a year", "stop")
    if stop <= now:
        raise Invalid("this lies in the past", "start")
    if len(reason.strip()) < 3:
        raise Invalid("say why", "reason")
    if person_id:
        known = await store.people(conn)
        if person_id not in known:
            raise NotFound("there is no such person", "person")
        if not known[person_id][1] & SIDES[one.side]:
            raise Invalid(f"{known[person_id][0]} is not of {one.side}", "person")
    await _exchange(shop, conn, rota_id, max(start, now), stop, person_id, reason)
    await publish(shop, conn)


async def _exchange(shop: Shop, conn: Connection, rota_id: str, start: int, stop: int, person: str, why: str) -> None:
    await store.add_exchange(conn, Exchange(
        exception_id=shop.ids(), rota_id=rota_id, start=start, stop=stop, person_id=person, reason=why.strip()[:200],
        created=shop.clock.now(),
    ))  # fmt: skip


async def _holds(source: Source, rota_id: str, person_id: str, start: int, stop: int) -> bool:
    """Whether somebody is on call by this rota for the whole of [start, stop)."""
    one = await store.rota(source, rota_id)
    swaps = await store.exchanges(source, [rota_id], start, stop)
    line = rota.duties([one] if one else [], swaps, start, stop)
    covered = sum(duty.stop - duty.start for duty in line if duty.person_id == person_id)
    return covered == stop - start


async def ask(
    shop: Shop, conn: Connection, rota_id: str, asked_of: str, start: int, stop: int, *, by: Principal,
    back: tuple[int, int] = (0, 0), note: str = "",
) -> str:  # fmt: skip
    """Ask a colleague to take over one's duty, offering one of theirs in return (``back``) or not; the swap's id.

    Raises Invalid, NotFound, Conflict for a duty that is not one's own, or not theirs.
    """
    now = shop.clock.now()
    if stop <= start or start < now:
        raise Invalid("a swap is for a duty to come", "start")
    one = await store.rota(conn, rota_id, lock=True)
    if one is None:
        raise NotFound("there is no such rota", "rota")
    known = await store.people(conn)
    if asked_of == by.id or asked_of not in known or not known[asked_of][1] & SIDES[one.side]:
        raise Invalid("ask a colleague of the same side", "asked_of")
    if not await _holds(conn, rota_id, by.id, start, stop):
        raise Conflict("this is not your duty", "start")
    if any(back):
        if back[1] <= back[0] or back[0] < now:
            raise Invalid("what you take in return lies ahead", "back_start")
        if not await _holds(conn, rota_id, asked_of, *back):
            raise Conflict(f"this is not {known[asked_of][0]}'s duty", "back_start")
    swap = Swap(
        swap_id=shop.ids(), rota_id=rota_id, asked_by=by.id, asked_of=asked_of, start=start, stop=stop, state="asked",
        asked_at=now, back_start=back[0], back_stop=back[1], note=note.strip()[:200],
    )  # fmt: skip
    await store.put_swap(conn, swap)
    return swap.swap_id


async def answer(shop: Shop, conn: Connection, swap_id: str, word: str, *, by: Principal) -> None:
    """``agreed`` or ``refused`` by whoever was asked, ``withdrawn`` by whoever asked.

    Raises NotFound, Forbidden, Invalid, Conflict when it was answered, or the duties have changed meanwhile.
    """
    swap = await store.swap(conn, swap_id)
    if swap is None:
        raise NotFound("there is no such swap", "swap")
    if swap.state != "asked":
        raise Conflict(f"this swap is {swap.state}", "swap")
    if word not in ("agreed", "refused", "withdrawn"):
        raise Invalid("agreed, refused or withdrawn", "answer")
    if by.id != (swap.asked_by if word == "withdrawn" else swap.asked_of):
        raise Forbidden("whoever was asked answers; whoever asked withdraws", "person")
    now = shop.clock.now()
    if word == "agreed":
        await store.rota(conn, swap.rota_id, lock=True)
        if swap.start < now or (swap.back_start and swap.back_start < now):
            raise Conflict("the duty has begun meanwhile", "swap")
        mine = await _holds(conn, swap.rota_id, swap.asked_by, swap.start, swap.stop)
        theirs = not swap.back_start or await _holds(conn, swap.rota_id, swap.asked_of, swap.back_start, swap.back_stop)
        if not (mine and theirs):
            raise Conflict("the duties have changed meanwhile: ask again", "swap")
        await _exchange(shop, conn, swap.rota_id, swap.start, swap.stop, swap.asked_of, "swap")
        if swap.back_start:
            await _exchange(shop, conn, swap.rota_id, swap.back_start, swap.back_stop, swap.asked_by, "swap")
    await store.put_swap(conn, msgspec.structs.replace(swap, state=word, answered_at=now))
    if word == "agreed":
        await publish(shop, conn)


async def publish(shop: Shop, conn: Connection) -> int:
    """Bring the duties of the next eight weeks into the record: new ones come, those that no longer hold are marked so.

    How many slots changed. Duties that are over stay as they were.
    """
    await store.alone(conn)
    now = shop.clock.now()
    line = [duty for duty in await duties(conn, now, now + AHEAD) if duty.person_id and duty.stop < now + AHEAD]
    rotas = {one.rota_id: one for one in await store.rotas(conn, since=now)}
    known = await store.people(conn)
    running = [one for one in await store.slots(conn, now) if one[3] < now]
    begun = {(rota_id, person): (slot, start) for slot, rota_id, person, start, _ in running}
    wanted: dict[str, tuple[str, str, str, int, int]] = {}
    for duty in line:
        slot_id, start = begun.get((duty.rota_id, duty.person_id), ("", 0)) if duty.start <= now else ("", 0)
        start = start or duty.start
        slot_id = slot_id or hashlib.sha256(f"{duty.rota_id}/{duty.person_id}/{start}".encode()).hexdigest()[:32]
        wanted[slot_id] = (slot_id, duty.rota_id, duty.person_id, start, duty.stop)
    there = {one[0]: one for one in await store.slots(conn, now)}
    gone = [one for slot_id, one in there.items() if wanted.get(slot_id) != one]
    come = [one for slot_id, one in wanted.items() if there.get(slot_id) != one]
    await store.change_slots(conn, [one[0] for one in gone], come)
    pairs = sorted({(one[1], one[2]) for one in come})
    made = []
    for rota_id, person in pairs:
        display = known.get(person, (person, frozenset()))[0]
        made += [resources.role(person, display, rotas[rota_id].side),
                 resources.schedule(rotas[rota_id], person, display)]  # fmt: skip
    unique = {(one["resourceType"], one["id"]): one for one in made}
    back = {one[0] for one in come}
    await shop.record.put(conn, [
        *unique.values(), *(resources.slot(*one) for one in come),
        *(resources.slot(*one, void=True) for one in gone if one[0] not in back),
    ])  # fmt: skip
    return len(come) + len(gone)


async def keep(shop: Shop) -> int:
    """The daily run: what has come within eight weeks is written, as Wardbridge."""
    async with shop.acting(SYSTEM, "duties of the next weeks") as conn:
        return await publish(shop, conn)


async def absent(source: Source, some: Sequence[Rota]) -> list[tuple[str, str]]:
    """(rota title, person) of people on a rota who can no longer sign in: somebody must replace them."""
    known = await store.people(source)
    return [(one.title, person) for one in some for person in one.people if person not in known]
