"""Vendors, contacts, contracts and calls: written with their FHIR resources in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from wardbridge.core.clock import HOUR
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.register.store import assets, models
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.store.rows import Source
from wardbridge.equipment.vendors import hours, promise, resources
from wardbridge.equipment.vendors.store import firms as store
from wardbridge.equipment.vendors.store.firms import Cover
from wardbridge.equipment.vendors.values import (
    CONTRACT_KINDS,
    ROLES,
    SERVICE,
    VENDOR_KINDS,
    Call,
    Contact,
    Contract,
    Covered,
    Vendor,
)  # fmt: skip
from wardbridge.security.principal import Principal


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a machine is covered at a moment, by what, and whom to call. ``by`` is the contract that serves soonest,
    None where only the warranty or nothing holds; ``open_now``: its desk works at this moment."""

    covered: bool
    by: Cover | None
    others: tuple[Cover, ...]
    warranty: str
    open_now: bool
    contacts: tuple[Contact, ...]


async def save_vendor(shop: Shop, conn: Connection, vendor: Vendor) -> Vendor:
    """Add or change a vendor. Raises Invalid without a name or of an unknown kind, Conflict for a name in the list."""
    if not vendor.name.strip():
        raise Invalid("a vendor has a name", "name")
    if set(vendor.kind) - set(VENDOR_KINDS):
        raise Invalid(f"a vendor is one or more of: {', '.join(VENDOR_KINDS)}", "kind")
    same = await store.named(conn, vendor.name.strip())
    if same is not None and same.vendor_id != vendor.vendor_id:
        raise Conflict(f"{same.name} is in the list already", "name")
    vendor = msgspec.structs.replace(vendor, name=vendor.name.strip())
    await store.save_vendor(conn, vendor)
    await _write_vendor(shop, conn, vendor.vendor_id)
    return vendor


async def save_contact(shop: Shop, conn: Connection, contact: Contact) -> Contact:
    """Add or change a contact. Raises NotFound, Invalid without a name, a role or a way to reach them."""
    if not contact.name.strip() or contact.role not in ROLES:
        raise Invalid(f"a contact has a name and is for: {', '.join(ROLES)}", "role")
    if not (contact.phone.strip() or contact.email.strip()):
        raise Invalid("a contact has a telephone number or an e-mail address", "phone")
    await vendor_of(conn, contact.vendor_id)
    await store.save_contact(conn, contact)
    await _write_vendor(shop, conn, contact.vendor_id)
    return contact


async def vendor_of(source: Source, vendor_id: str) -> Vendor:
    """One vendor. Raises NotFound."""
    found = await store.vendors(source, [vendor_id])
    if not found:
        raise NotFound("there is no such vendor", f"vendor/{vendor_id}")
    return found[0]


async def contract_of(source: Source, contract_id: str) -> Contract:
    """One contract. Raises NotFound."""
    found = await store.contracts(source, ids=[contract_id])
    if not found:
        raise NotFound("there is no such contract", f"contract/{contract_id}")
    return found[0]


async def _write_vendor(shop: Shop, conn: Connection, vendor_id: str) -> None:
    (vendor,) = await store.vendors(conn, [vendor_id])
    await shop.record.put(conn, [resources.organization(vendor, await store.contacts(conn, [vendor_id]))])


async def save_contract(
    shop: Shop, conn: Connection, contract: Contract, covers: Sequence[Covered] | None = None
) -> Contract:
    """Add or change a contract and, where given, what it covers.

    Raises NotFound for an unknown vendor, Invalid for a term, service hours, machine or model that cannot be, Conflict
    for a number that the vendor has on another contract.
    """
    await vendor_of(conn, contract.vendor_id)
    _check(contract)
    for one in await store.contracts(conn, vendor_id=contract.vendor_id):
        if one.number == contract.number and one.contract_id != contract.contract_id:
            raise Conflict(f"this vendor has a contract {contract.number} already", "number")
    await store.save_contract(conn, contract)
    if covers is not None:
        devices, kinds = [c.device_id for c in covers if c.device_id], [c.model_id for c in covers if c.model_id]
        unknown = set(devices) - {one.device_id for one in await assets(conn, devices)}
        unknown |= set(kinds) - {one.model_id for one in await models(conn, kinds)}
        if unknown:
            raise Invalid(f"the register does not know {min(unknown)}", "covers")
        await store.cover(conn, contract.contract_id, covers)
    await shop.record.put(
        conn, [resources.contract(contract, await store.covered(conn, contract.contract_id), shop.clock.now())]
    )
    return contract


def _check(contract: Contract) -> None:
    if not contract.number.strip() or not contract.title.strip():
        raise Invalid("a contract has a number and a title", "number")
    if contract.kind not in CONTRACT_KINDS:
        raise Invalid(f"a contract is one of: {', '.join(CONTRACT_KINDS)}", "kind")
    if contract.ends is not None and contract.ends <= contract.starts:
        raise Invalid("a contract ends after it starts", "ends")
    if contract.notice_days < 0 or contract.renews_months < 0:
        raise Invalid("days and months are 0 or more", "notice")
    price = contract.price_year
    if price is not None and not (price.is_finite() and price >= 0 and contract.currency):
        raise Invalid("a price is 0 or more, in a currency", "price")
    for name in ("response_hours", "repair_hours", "uptime"):
        number = getattr(contract, name)
        if number is not None and not 0 < number < (100.001 if name == "uptime" else 100_000):
            raise Invalid("a promise is a number above 0 (uptime: up to 100 per cent)", name)
    hours.parse(contract.hours, contract.zone, contract.holidays)


async def cancel(shop: Shop, conn: Connection, contract_id: str, at: int) -> Contract:
    """Cancel a contract to a moment. Raises NotFound, Invalid for a moment before its start."""
    found = await contract_of(conn, contract_id)
    if at < found.starts:
        raise Invalid("a contract is cancelled to a moment after its start", "cancelled")
    return await save_contract(shop, conn, msgspec.structs.replace(found, cancelled=at))


async def coverage(source: Source, device_id: str, at: int) -> Answer:
    """Is this machine covered at this moment, by what, and who is called. Raises NotFound."""
    found = await assets(source, [device_id])
    if not found:
        raise NotFound("there is no such machine in the register", f"Device/{device_id}")
    running = [one for one in await store.covers(source, device_id) if promise.runs(one.contract, at)]
    serving = sorted(
        (one for one in running if one.contract.kind in SERVICE),
        key=lambda one: (one.contract.response_hours or 1e9, one.contract.contract_id),
    )
    warranty = found[0].warranty_ends is not None and at < found[0].warranty_ends
    best = serving[0] if serving else None
    firm = best.vendor if best else (await store.named(source, found[0].vendor) if found[0].vendor else None)
    people = await store.contacts(source, [firm.vendor_id]) if firm else []
    rank = {"emergency": 1, "service": 0}
    desk = hours.parse(best.contract.hours, best.contract.zone, best.contract.holidays) if best else None
    open_now = desk is None or hours.is_open(desk, at)
    if not open_now:
        rank = {"emergency": 0, "service": 1}
    return Answer(
        covered=bool(serving) or warranty, by=best, others=tuple(one for one in running if one is not best),
        warranty=found[0].vendor or "the seller" if warranty else "", open_now=best is not None and open_now,
        contacts=tuple(sorted((one for one in people if not one.gone and one.role in rank),
                              key=lambda one: rank[one.role])),
    )  # fmt: skip


async def open_call(
    shop: Shop, conn: Connection, device_id: str, text: str, by: Principal, *, contract_id: str = "",
    vendor_id: str = "", work_id: str = "", reference: str = "", opened: int | None = None,
) -> Call:  # fmt: skip
    """Call a vendor to a machine, under a contract (by itself that which covers the machine now).

    Raises NotFound, Invalid without a text, a vendor, or for a contract that does not run or cover the machine.
    """
    now = shop.clock.now()
    at = now if opened is None else opened
    if not text.strip():
        raise Invalid("say what is wrong", "text")
    if at > now:
        raise Invalid("a call was opened in the past", "opened")
    answer = await coverage(conn, device_id, at)
    offered = {one.contract.contract_id: one for one in ((answer.by,) if answer.by else ()) + answer.others}
    chosen = offered.get(contract_id) if contract_id else (answer.by if not vendor_id else None)
    if contract_id and chosen is None:
        raise Invalid("this contract does not cover the machine now", "contract")
    firm = chosen.contract.vendor_id if chosen else vendor_id
    if not firm:
        raise Invalid("no contract covers the machine: say which vendor", "vendor")
    await vendor_of(conn, firm)
    call = Call(
        call_id=shop.ids(), vendor_id=firm, device_id=device_id, text=text.strip(), opened=at, by_id=by.id,
        by_name=by.display, contract_id=chosen.contract.contract_id if chosen else None, work_id=work_id.strip(),
        reference=reference.strip(),
    )  # fmt: skip
    await store.save_call(conn, call)
    await shop.record.put(conn, [resources.call(call)])
    return call


MARKS = ("answered", "on_site", "resolved")


async def mark(
    shop: Shop, conn: Connection, call_id: str, what: str, *, at: int | None = None, resolution: str = ""
) -> Call:
    """The vendor answered, came, or resolved a call.

    Raises NotFound, Conflict where that is on record, Invalid for a moment that cannot be or without a resolution.
    """
    if what not in MARKS:
        raise Invalid(f"a call is: {', '.join(MARKS)}", "what")
    call = await store.call(conn, call_id, lock=True)
    if call is None:
        raise NotFound("there is no such call", f"call/{call_id}")
    if getattr(call, what) is not None or call.resolved is not None:
        raise Conflict("this is on record already", what)
    moment = shop.clock.now() if at is None else at
    before = max(call.opened, call.answered or 0, call.on_site or 0)
    if not before <= moment <= shop.clock.now():
        raise Invalid("this moment is before an earlier step, or in the future", what)
    if what == "resolved" and not resolution.strip():
        raise Invalid("say what was done", "resolution")
    changed = msgspec.structs.replace(call, **{what: moment}, resolution=resolution.strip() or call.resolution)
    await store.save_call(conn, changed)
    await shop.record.put(conn, [resources.call(changed)])
    return changed


async def compliance(source: Source, contract: Contract, since: int, now: int) -> promise.Compliance:
    """A contract's record of calls opened since ``since`` and of its machines' uptime until now."""
    start = max(since, contract.starts)
    end = min(now, contract.ends or now, contract.cancelled or now)
    machines = await store.machines(source, contract.contract_id)
    down = await store.down_hours(source, machines, start, end) if end > start else 0.0
    calls = await store.calls(source, contract_id=contract.contract_id, since=start, limit=10_000)
    whole = len(machines) * max(0, end - start) / HOUR
    return promise.comply(contract, calls, now, machine_hours=whole, down_hours=down)


def yearly(contracts: Sequence[Contract], now: int) -> dict[str, Decimal]:
    """What running contracts cost a year, by currency."""
    total: dict[str, Decimal] = {}
    for one in contracts:
        if one.price_year is not None and promise.runs(one, now):
            total[one.currency] = total.get(one.currency, Decimal(0)) + one.price_year
    return total
