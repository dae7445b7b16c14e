"""Incoming inspection: a checklist as data; accepted only when every required item passed or its deviation was
approved by a second person."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache
from importlib import resources as files

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.lifecycle import moves
from wardbridge.equipment.lifecycle.store import checks as store
from wardbridge.equipment.lifecycle.store import moves as move_store
from wardbridge.equipment.lifecycle.values import Inspection, Item
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

RESULTS = ("pass", "fail", "na")


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One item of the list. ``na``: "does not apply" is an answer; ``limit``: the greatest value in ``unit``."""

    id: str
    group: str
    text: str
    networked: bool = False
    na: bool = False
    unit: str = ""
    limit: Decimal | None = None


class Checklist(msgspec.Struct, frozen=True, kw_only=True):
    """The list of one version."""

    version: str
    item: tuple[Check, ...]

    def asked(self, *, networked: bool) -> list[Check]:
        """The items for a machine that is, or is not, on the network."""
        return [one for one in self.item if networked or not one.networked]


@cache
def checklist() -> Checklist:
    """The list as delivered (``inspection.toml``)."""
    text = files.files(__package__).joinpath("inspection.toml").read_text()
    return msgspec.convert(tomllib.loads(text, parse_float=Decimal), Checklist, strict=False)


def judge(check: Check, result: str, value: Decimal | None) -> str:
    """The result of an item: a value above its limit is a fail, whatever was ticked.

    Raises Invalid for an unknown result, a value that is none, and for "does not apply" where that is no answer.
    """
    if result not in RESULTS:
        raise Invalid(f"a result is one of: {', '.join(RESULTS)}", check.id)
    if result == "na" and not check.na:
        raise Invalid("this item applies to every machine", check.id)
    if value is not None and not (value.is_finite() and value >= 0):
        raise Invalid("a measured value is a number, 0 or more", check.id)
    if check.limit is not None and result == "pass" and value is None:
        raise Invalid(f"enter the measured value in {check.unit}", check.id)
    if check.limit is not None and value is not None and value > check.limit:
        return "fail"
    return result


def lacking(asked: Sequence[Check], found: Iterable[Item]) -> list[str]:
    """The items that keep a machine from being accepted: not looked at, or failed without an approved deviation."""
    known = {one.item: one for one in found}
    return [
        check.id for check in asked
        if check.id not in known or (known[check.id].result == "fail" and not known[check.id].deviation_by)
    ]  # fmt: skip


async def begin(shop: Shop, conn: Connection, device_id: str, by: Principal, reason: str = "") -> Inspection:
    """Open an inspection and bring the machine into it; networked as its model's or its interfaces tell.

    Raises Conflict where one is open, and what :func:`moves.move` raises.
    """
    if await store.open_of(conn, device_id) is not None:
        raise Conflict("an inspection of this machine is open already", "inspection")
    if not await move_store.facts(conn, [device_id], lock=True):
        raise NotFound("there is no such machine in the register", f"Device/{device_id}")
    opened = Inspection(
        inspection_id=shop.ids(), device_id=device_id, checklist=checklist().version,
        networked=await store.networked(conn, device_id), state="open", opened_by=by.id, opened_name=by.display,
        opened_at=shop.clock.now(),
    )  # fmt: skip
    await store.save(conn, opened)
    await moves.move(shop, conn, device_id, "inspection", by, {"reason": reason} if reason else {})
    return opened


async def _open(conn: Connection, inspection_id: str) -> Inspection:
    found = await store.get(conn, inspection_id, lock=True)
    if found is None:
        raise NotFound("there is no such inspection", f"inspection/{inspection_id}")
    if found.state != "open":
        raise Conflict(f"this inspection is {found.state}", "inspection")
    return found


async def enter(
    shop: Shop, conn: Connection, inspection_id: str, by: Principal,
    results: Sequence[tuple[str, str, Decimal | None, str]],
) -> list[Item]:  # fmt: skip
    """Enter results: (item, pass | fail | na, value, note). A new result takes an approved deviation away.

    Raises NotFound, Conflict once it is closed, Invalid for what an item cannot take.
    """
    found = await _open(conn, inspection_id)
    asked = {check.id: check for check in checklist().asked(networked=found.networked)}
    before = {one.item: one for one in await store.items(conn, inspection_id)}
    rows = []
    for ident, result, value, note in results:
        if ident not in asked:
            raise Invalid("this inspection has no such item", ident)
        row = Item(
            inspection_id=inspection_id, item=ident, device_id=found.device_id,
            result=judge(asked[ident], result, value), value=value, note=note.strip(), by_id=by.id, by_name=by.display,
            at=shop.clock.now(),
        )  # fmt: skip
        old = before.get(ident)
        if old is None or (old.result, old.value, old.note) != (row.result, row.value, row.note):
            rows.append(row)
    await store.save_items(conn, rows)
    return await store.items(conn, inspection_id)


async def deviate(shop: Shop, conn: Connection, inspection_id: str, item: str, by: Principal, why: str) -> Item:
    """Approve that a failed item is accepted all the same, as a second person.

    Raises Invalid without a reason or for an item that did not fail, Forbidden for whoever entered it.
    """
    await _open(conn, inspection_id)
    row = next((one for one in await store.items(conn, inspection_id) if one.item == item), None)
    if row is None or row.result != "fail":
        raise Invalid("a deviation is for an item that failed", item)
    if len(why.strip()) < 3:
        raise Invalid("say why it is accepted all the same", "deviation")
    if row.by_id == by.id:
        raise Forbidden("a deviation is approved by another person than who found it", "person")
    changed = msgspec.structs.replace(
        row, deviation=why.strip(), deviation_by=by.id, deviation_name=by.display, deviation_at=shop.clock.now()
    )
    await store.save_items(conn, [changed])
    return changed


async def close(shop: Shop, conn: Connection, inspection_id: str, by: Principal, *, note: str = "",
                back: str = "") -> Inspection:  # fmt: skip
    """Close an inspection: passed (the machine is accepted), or with ``back`` (why) failed: the machine is received
    again, for the vendor to mend or to take back.

    Raises Conflict with the items that are missing or failed.
    """
    found = await _open(conn, inspection_id)
    asked = checklist().asked(networked=found.networked)
    missing = lacking(asked, await store.items(conn, inspection_id))
    if not back and missing:
        raise Conflict(f"not looked at, or failed without an approved deviation: {', '.join(missing)}", missing[0])
    closed = msgspec.structs.replace(
        found, state="failed" if back else "passed", closed_by=by.id, closed_name=by.display,
        closed_at=shop.clock.now(), note=(back or note).strip(),
    )  # fmt: skip
    await store.save(conn, closed)
    if back:
        await moves.move(shop, conn, found.device_id, "received", by, {"reason": back})
    else:
        await moves.move(shop, conn, found.device_id, "accepted", by, {"note": note} if note else {})
    return closed
