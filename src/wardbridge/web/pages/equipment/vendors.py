"""Vendors, contracts and what they cover, calls for service, offers side by side."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from wardbridge.core.clock import DAY
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.lifecycle import needs
from wardbridge.equipment.register import store as register
from wardbridge.equipment.vendors import access, firms, offers, promise
from wardbridge.equipment.vendors.store import access as access_store
from wardbridge.equipment.vendors.store import firms as store
from wardbridge.equipment.vendors.store import offers as offer_store
from wardbridge.equipment.vendors.values import CONTRACT_KINDS, ROLES, VENDOR_KINDS, Contact, Contract, Covered, Vendor
from wardbridge.web.call import Call, Pages
from wardbridge.web.pages.equipment.lifecycle import answers, number, whole
from wardbridge.web.words import _

MEASURED = 365 * DAY
"""Over which time a contract's record is shown."""


async def list_vendors(call: Call) -> Response:
    """``/equipment/vendors``: every vendor; contracts that need somebody; sessions that wait or run."""
    pool, now = call.shop.pool, call.shop.clock.now()
    contracts = await store.contracts(pool)
    names = {one.contract_id: one for one in contracts}
    return call.page(
        "equipment/vendors.html", lines=await store.lines(pool, now), kinds=VENDOR_KINDS,
        warnings=[(names[one.contract_id], one) for one in promise.warnings(contracts, now)],
        yearly=firms.yearly(contracts, now), active=await access.active(pool, now),
    )  # fmt: skip


def _lines(call: Call, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in call.field(name).split(",") if part.strip()))


async def save_vendor(call: Call) -> Response:
    """Add a vendor, or change one."""
    shop, ident = call.shop, str(call.request.path_params.get("vendor", ""))
    old = await firms.vendor_of(shop.pool, ident) if ident else None
    vendor = Vendor(
        vendor_id=ident or shop.ids(), name=call.field("name", required=True), kind=tuple(call.fields("kind")),
        address=call.field("address"), website=call.field("website"), lines=_lines(call, "lines"),
        note=call.field("note"), active=bool(call.field("active")) if old else True,
        created=old.created if old else shop.clock.now(),
    )  # fmt: skip
    async with shop.acting(call.who) as conn:
        await firms.save_vendor(shop, conn, vendor)
    return call.back(f"/equipment/vendors/{vendor.vendor_id}", "saved")


async def vendor(call: Call) -> Response:
    """``/equipment/vendors/{vendor}``."""
    pool, now = call.shop.pool, call.shop.clock.now()
    found = await firms.vendor_of(pool, call.path("vendor"))
    contracts = await store.contracts(pool, vendor_id=found.vendor_id)
    return call.page(
        "equipment/vendors_vendor.html", vendor=found, contacts=await store.contacts(pool, [found.vendor_id]),
        contracts=[(one, promise.runs(one, now)) for one in contracts], roles=ROLES, kinds=VENDOR_KINDS,
        calls=await store.calls(pool, vendor_id=found.vendor_id, limit=50), contract_kinds=CONTRACT_KINDS,
        sessions=[(row, access.state(row.session, now))
                  for row in await access_store.sessions(pool, vendor_id=found.vendor_id, limit=20)],
    )  # fmt: skip


async def save_contact(call: Call) -> Response:
    """Add a contact, or change one (``contact`` in the form)."""
    shop, ident = call.shop, call.field("contact")
    old = await store.contact(shop.pool, ident) if ident else None
    if ident and (old is None or old.vendor_id != call.path("vendor")):
        raise NotFound(_("There is no such contact."))
    contact = Contact(
        contact_id=ident or shop.ids(), vendor_id=call.path("vendor"), name=call.field("name", required=True),
        role=call.field("role", required=True), phone=call.field("phone"), email=call.field("email"),
        note=call.field("note"), gone=bool(call.field("gone")),
    )  # fmt: skip
    async with shop.acting(call.who) as conn:
        await firms.save_contact(shop, conn, contact)
    return call.back(f"/equipment/vendors/{contact.vendor_id}", "saved")


def _float(call: Call, name: str) -> float | None:
    found = number(call, name)
    return None if found is None else float(found)


def _contract(call: Call, ident: str, vendor_id: str) -> Contract:
    return Contract(
        contract_id=ident, vendor_id=vendor_id, number=call.field("number", required=True),
        title=call.field("title", required=True), kind=call.field("kind", required=True),
        starts=call.time("starts", required=True), ends=call.time("ends") or None,
        notice_days=whole(call, "notice_days", 0), renews_months=whole(call, "renews_months", 0),
        price_year=number(call, "price_year"), currency=call.field("currency"),
        response_hours=_float(call, "response_hours"), repair_hours=_float(call, "repair_hours"),
        uptime=_float(call, "uptime"), hours=call.field("hours"), zone=call.field("zone") or "UTC",
        holidays=_lines(call, "holidays"), note=call.field("note"),
    )  # fmt: skip


async def add_contract(call: Call) -> Response:
    """A new contract of a vendor."""
    shop = call.shop
    made = _contract(call, shop.ids(), call.path("vendor"))
    async with shop.acting(call.who) as conn:
        await firms.save_contract(shop, conn, made)
    return call.back(f"/equipment/contracts/{made.contract_id}", "saved")


async def contract(call: Call) -> Response:
    """``/equipment/contracts/{contract}``: terms, what it covers, and what was measured."""
    pool, now = call.shop.pool, call.shop.clock.now()
    found = await firms.contract_of(pool, call.path("contract"))
    covers = await store.covered(pool, found.contract_id)
    calls = await store.calls(pool, contract_id=found.contract_id, since=now - MEASURED, limit=100)
    return call.page(
        "equipment/vendors_contract.html", contract=found, vendor=await firms.vendor_of(pool, found.vendor_id),
        runs=promise.runs(found, now), covers=covers, machines=await store.machines(pool, found.contract_id),
        named={one.device_id: one for one in await register.now(pool, [c.device_id for c in covers if c.device_id])},
        models={one.model_id: one for one in await register.models(pool)}, kinds=CONTRACT_KINDS,
        record=await firms.compliance(pool, found, now - MEASURED, now), warnings=promise.warnings([found], now),
        calls=[(one, promise.measure(found, one, now)) for one in calls],
    )  # fmt: skip


async def save_contract(call: Call) -> Response:
    """Change the terms of a contract."""
    shop = call.shop
    old = await firms.contract_of(shop.pool, call.path("contract"))
    changed = msgspec.structs.replace(_contract(call, old.contract_id, old.vendor_id), cancelled=old.cancelled)
    async with shop.acting(call.who) as conn:
        await firms.save_contract(shop, conn, changed)
    return call.back(f"/equipment/contracts/{old.contract_id}", "saved")


async def cover(call: Call) -> Response:
    """What a contract covers: whole models, and machines one a line (asset number, serial number or id)."""
    shop = call.shop
    found = await firms.contract_of(shop.pool, call.path("contract"))
    rows = [Covered(contract_id=found.contract_id, model_id=ident) for ident in call.fields("model") if ident]
    named = [line.strip() for line in call.field("machines").splitlines() if line.strip()]
    known = await store.named_machines(shop.pool, named)
    unknown = [name for name in named if name not in known]
    if unknown:
        text = _("The register does not know, or knows more than one: %(names)s")
        raise Invalid(text % {"names": ", ".join(unknown)}, "machines")
    rows += [Covered(contract_id=found.contract_id, device_id=ident) for ident in dict.fromkeys(known.values())]
    async with shop.acting(call.who) as conn:
        await firms.save_contract(shop, conn, found, rows)
    return call.back(f"/equipment/contracts/{found.contract_id}", "saved")


async def cancel(call: Call) -> Response:
    """Cancel a contract."""
    shop, ident = call.shop, call.path("contract")
    async with shop.acting(call.who) as conn:
        await firms.cancel(shop, conn, ident, call.time("at", required=True))
    return call.back(f"/equipment/contracts/{ident}", "saved")


async def open_call(call: Call) -> Response:
    """Call a vendor to a machine."""
    shop = call.shop
    async with shop.acting(call.who) as conn:
        made = await firms.open_call(
            shop, conn, call.path("device"), call.field("text", required=True), call.who,
            contract_id=call.field("contract"), vendor_id=call.field("vendor"), work_id=call.field("work"),
            reference=call.field("reference"), opened=call.time("opened") or None,
        )  # fmt: skip
    return call.back(f"/equipment/calls/{made.call_id}", "saved")


async def service_call(call: Call) -> Response:
    """``/equipment/calls/{call}``: a call and what its contract promises."""
    pool, now = call.shop.pool, call.shop.clock.now()
    found = await store.call(pool, call.path("call"))
    if found is None:
        raise NotFound(_("There is no such call."))
    agreed = await firms.contract_of(pool, found.contract_id) if found.contract_id else None
    machines = await register.now(pool, [found.device_id])
    return call.page(
        "equipment/vendors_call.html", one=found, contract=agreed, machine=machines[0] if machines else None,
        vendor=await firms.vendor_of(pool, found.vendor_id),
        measured=promise.measure(agreed, found, now) if agreed else (),
    )  # fmt: skip


async def mark_call(call: Call) -> Response:
    """The vendor answered, came, resolved it."""
    shop, ident = call.shop, call.path("call")
    async with shop.acting(call.who) as conn:
        await firms.mark(shop, conn, ident, call.field("what", required=True), at=call.time("at") or None,
                         resolution=call.field("resolution"))  # fmt: skip
    return call.back(f"/equipment/calls/{ident}", "saved")


async def compare(call: Call) -> Response:
    """``/equipment/needs/{need}/offers``: vendors side by side."""
    pool, ident = call.shop.pool, call.path("need")
    form, columns = await offers.compare(pool, ident)
    return call.page(
        "equipment/vendors_offers.html", need=await needs.find(pool, ident), form=form, columns=columns,
        vendors=await store.vendors(pool), open=needs.OPEN,
    )  # fmt: skip


async def add_offer(call: Call) -> Response:
    """What a vendor offers."""
    shop, ident = call.shop, call.path("need")
    async with shop.acting(call.who) as conn:
        await offers.offer(
            shop, conn, ident, call.field("vendor", required=True), product=call.field("product", required=True),
            price=number(call, "price"), currency=call.field("currency"), note=call.field("note"),
        )  # fmt: skip
    return call.back(f"/equipment/needs/{ident}/offers", "saved")


async def offer(call: Call) -> Response:
    """``/equipment/needs/{need}/offers/{vendor}``: a vendor's answers."""
    pool, ident = call.shop.pool, call.path("need")
    form, columns = await offers.compare(pool, ident)
    found = next((one for one in columns if one.vendor.vendor_id == call.path("vendor")), None)
    if found is None:
        raise NotFound(_("This vendor makes no offer."))
    return call.page("equipment/vendors_offer.html", need=await needs.find(pool, ident), form=form, column=found,
                     open=needs.OPEN)  # fmt: skip


async def answer_offer(call: Call) -> Response:
    """Answers of a vendor."""
    shop, ident, vendor_id = call.shop, call.path("need"), call.path("vendor")
    if vendor_id not in {one.vendor_id for one in await offer_store.offers(shop.pool, ident)}:
        raise NotFound(_("This vendor makes no offer."))
    async with shop.acting(call.who) as conn:
        await offers.answer(shop, conn, ident, vendor_id, call.who, answers(call, offers.form()))
    return call.back(f"/equipment/needs/{ident}/offers", "saved")


GET, POST = ["GET"], ["POST"]
_VENDOR, _CONTRACT = "/equipment/vendors/{vendor}", "/equipment/contracts/{contract}"
_OFFERS = "/equipment/needs/{need}/offers"
PAGES: Pages = (
    ("/equipment/vendors", GET, list_vendors, "vendors", ""),
    ("/equipment/vendors", POST, save_vendor, "vendors", "vendor.write"),
    (_VENDOR, GET, vendor, "vendors", ""),
    (_VENDOR, POST, save_vendor, "vendors", "vendor.write"),
    (_VENDOR + "/contacts", POST, save_contact, "vendors", "vendor.write"),
    (_VENDOR + "/contracts", POST, add_contract, "vendors", "vendor.write"),
    (_CONTRACT, GET, contract, "vendors", ""),
    (_CONTRACT, POST, save_contract, "vendors", "vendor.write"),
    (_CONTRACT + "/covers", POST, cover, "vendors", "vendor.write"),
    (_CONTRACT + "/cancel", POST, cancel, "vendors", "vendor.write"),
    ("/equipment/devices/{device}/calls", POST, open_call, "vendors", "vendor.write"),
    ("/equipment/calls/{call}", GET, service_call, "vendors", ""),
    ("/equipment/calls/{call}", POST, mark_call, "vendors", "vendor.write"),
    (_OFFERS, GET, compare, "vendors", ""),
    (_OFFERS, POST, add_offer, "vendors", "vendor.write"),
    (_OFFERS + "/{vendor}", GET, offer, "vendors", ""),
    (_OFFERS + "/{vendor}", POST, answer_offer, "vendors", "vendor.write"),
)
