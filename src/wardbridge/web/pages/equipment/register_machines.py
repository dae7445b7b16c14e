"""``/equipment/register/machines`` and ``…/models``: one machine or model by hand, with a label scanned into it."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import JSONResponse, Response

from wardbridge.core.clock import to_datetime
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.devices.store import places
from wardbridge.equipment.register import desk, store
from wardbridge.equipment.register.catalogue import gudid
from wardbridge.equipment.register.lists.cells import READERS, day, shown
from wardbridge.equipment.register.lists.columns import COLUMNS, Column
from wardbridge.equipment.register.lists.plan import NO_START
from wardbridge.equipment.register.lists.rows import label_says
from wardbridge.equipment.register.parts import desk as parts
from wardbridge.equipment.register.parts import store as accessories
from wardbridge.equipment.register.parts.values import KINDS, Accessory
from wardbridge.equipment.register.values import CLASSES, CRITICALITIES, STATES, Asset, Interface, Model
from wardbridge.equipment.udi.parse import parse
from wardbridge.web.call import Call, Pages
from wardbridge.web.words import _

MACHINE = tuple(column for column in COLUMNS if column.part == "asset" and column.field != "state")
MODEL = tuple(column for column in COLUMNS if column.part == "model")
NETWORK = tuple(column for column in COLUMNS if column.part == "interface")
CHOICES = {"class": CLASSES, "criticality": CRITICALITIES, "storage": ("unknown", "yes", "no")}
FRESH = tuple(state for state in STATES if state not in NO_START)


def _read(call: Call, columns: tuple[Column, ...]) -> dict[str, Any]:
    """Form fields as values; an empty one is empty. Raises Invalid that names the field."""
    found: dict[str, Any] = {}
    for column in columns:
        text = call.field(column.field)
        empty = None if column.reads in ("date", "money", "vlan") else ""
        try:
            found[column.field] = READERS[column.reads](text, "") if text else empty
        except Invalid as error:
            raise Invalid(error.message, column.heading) from error
    return found


def _text(column: Column, value: Any) -> str:
    return day(value or None) if column.reads == "date" else shown(value)


# --- machines ---------------------------------------------------------------------------------------------------------


async def _machine(call: Call, device_id: str) -> Asset:
    heads = await store.heads(call.shop.pool, [device_id])
    found = await store.assets(call.shop.pool, [heads.get(device_id, "")])
    if not found:
        raise NotFound(_("There is no such machine in the register."), f"Device/{device_id}")
    return found[0]


async def machine(call: Call) -> Response:
    """One machine's row, its network and parts; or an empty form."""
    shop, ident = call.shop, call.path("device")
    asset = None if ident == "new" else await _machine(call, ident)
    ids = [asset.device_id] if asset else []
    above = await store.assets(shop.pool, [asset.parent_id]) if asset and asset.parent_id else []
    return call.page(
        "equipment/register_machine.html", asset=asset, columns=MACHINE, choices=CHOICES, text=_text, states=FRESH,
        models=await store.models(shop.pool), places=await places.every(shop.pool), kinds=KINDS,
        network=await store.interfaces(shop.pool, ids), network_columns=NETWORK,
        history=await store.software(shop.pool, ids), accessories=await accessories.of(shop.pool, ids),
        tree=await store.tree(shop.pool, asset.device_id) if asset else [], whole=above[0] if above else None,
        said=call.query("said")[:2000],
    )  # fmt: skip


async def save_machine(call: Call) -> Response:
    """Add a machine, or write what was changed; what a UDI says fills what was left empty, and warns."""
    shop, ident = call.shop, call.path("device")
    values = _read(call, MACHINE)
    now = shop.clock.now()
    values |= {"model_id": call.field("model_id", required=True), "place_id": call.field("place_id") or None}
    said, warnings = label_says(values["udi"], to_datetime(now).year)
    values |= {name: value for name, value in said.items() if not values.get(name)}
    async with shop.acting(call.who) as conn:
        parent = call.field("parent")
        if parent:
            values["parent_id"] = await store.by_name(conn, parent)
            if not values["parent_id"]:
                raise Invalid(_("There is no machine with this asset number or id."), "Part Of")
        else:
            values["parent_id"] = None
        if ident == "new":
            state = call.field("state") or "in-service"
            if state not in FRESH:
                raise Invalid(_("This choice is not offered."), "State")
            asset = Asset(device_id=shop.ids(), state=state, state_since=now, created=now, **values)
        else:
            found = await store.assets(conn, [ident], lock=True)
            if not found or found[0].merged_into:
                raise NotFound(_("There is no such machine in the register."), f"Device/{ident}")
            if call.field("version") != str(found[0].version):
                raise Conflict(_("Somebody changed this machine meanwhile; look at it again."), "version")
            asset = msgspec.structs.replace(found[0], **values, version=found[0].version + 1)
        if asset.parent_id and asset.parent_id in {one.device_id for one in await store.tree(conn, asset.device_id)}:
            raise Invalid(_("A machine cannot be part of its own part."), "Part Of")
        await desk.add(shop, conn, [asset])
    url = f"/equipment/register/machines/{asset.device_id}"
    return call.back(url + ("?said=" + "; ".join(warnings).replace("&", "") if warnings else ""), "saved")


async def save_interface(call: Call) -> Response:
    """Add or change a network interface."""
    shop, ident = call.shop, call.path("device")
    values = _read(call, NETWORK)
    if not any(values.values()):
        raise Invalid(_("Please fill in this field."), "MAC")
    async with shop.acting(call.who) as conn:
        known = {one.interface_id: one for one in await store.interfaces(conn, [ident])}
        if not await store.assets(conn, [ident]):
            raise NotFound(_("There is no such machine in the register."), f"Device/{ident}")
        old = known.get(call.field("interface_id"))
        fresh = old or Interface(interface_id=shop.ids(), device_id=ident)
        await desk.connect(shop, conn, [msgspec.structs.replace(fresh, **values)])
    return call.back(f"/equipment/register/machines/{ident}", "saved")


async def save_part(call: Call) -> Response:
    """Fit an accessory, part or battery, or take one away."""
    shop, ident = call.shop, call.path("device")
    now = shop.clock.now()
    async with shop.acting(call.who) as conn:
        gone = call.field("remove")
        if gone:
            await parts.remove(shop, conn, ident, gone, now)
        else:
            one = Accessory(
                accessory_id=shop.ids(), device_id=ident, kind=call.field("kind", required=True),
                name=call.field("name", required=True), part_number=call.field("part_number"),
                serial=call.field("serial"), lot=call.field("lot"), fitted=now,
                expires=READERS["date"](call.field("expires"), ""), replaces=call.field("replaces") or None,
            )  # fmt: skip
            await parts.fit(shop, conn, [one])
    return call.back(f"/equipment/register/machines/{ident}", "saved")


async def udi(call: Call) -> Response:
    """What a scanned label says, for the form that fills itself."""
    text = call.query("text")
    year = to_datetime(call.room.clock.now()).year
    found = parse(text, year)
    said, warnings = label_says(text, year)
    fields = {name: day(value) if isinstance(value, int) else value for name, value in said.items()}
    models = [model for model in await store.models(call.shop.pool) if found.di and found.di in model.di]
    fields |= {"model_id": models[0].model_id} if len(models) == 1 else {}
    entry = gudid.best(await gudid.find(call.shop.pool, found.di, year)) if found.di and not models else None
    known = {"name": f"{entry.manufacturer} {entry.brand} {entry.model}", "di": found.di} if entry else None
    return JSONResponse({"issuer": found.issuer, "fields": fields, "warnings": list(warnings), "catalogue": known})


# --- models -----------------------------------------------------------------------------------------------------------


async def models(call: Call) -> Response:
    """All models, with how many machines there are of each."""
    found = await store.model_counts(call.shop.pool, call.query("q"))
    return call.page("equipment/register_models.html", found=found, asked=call.query("q"))


async def model(call: Call) -> Response:
    """One model; or an empty form."""
    shop, ident = call.shop, call.path("model")
    found = [] if ident == "new" else await store.models(shop.pool, [ident])
    if ident != "new" and not found:
        raise NotFound(_("There is no such model."), f"DeviceDefinition/{ident}")
    shape = found[0] if found else None
    if ident == "new" and call.query("di"):
        entry = gudid.best(await gudid.find(shop.pool, call.query("di"), to_datetime(call.room.clock.now()).year))
        shape = gudid.model(entry, call.query("di")) if entry else None
    return call.page(
        "equipment/register_model.html", model=shape, columns=MODEL, choices=CHOICES, text=_text,
        machines=await store.now(shop.pool, models=[ident]) if found else [],
    )  # fmt: skip


async def save_model(call: Call) -> Response:
    """Add or change a model."""
    shop, ident = call.shop, call.path("model")
    values = _read(call, MODEL)
    values["class_"] = values.pop("class") or "other"
    values["storage"] = values["storage"] or "unknown"
    years = call.field("expected_years")
    if years and not (years.isdecimal() and 0 < int(years) <= 60):
        raise Invalid(_("The expected life is a number of years, 1 to 60."), "expected_years")
    di = tuple(dict.fromkeys(call.field("di").replace(",", " ").split()))
    values |= {"di": di, "note": call.field("note"), "expected_years": int(years) if years else None}
    async with shop.acting(call.who) as conn:
        old = await store.models(conn, [ident])
        if ident != "new" and not old:
            raise NotFound(_("There is no such model."), f"DeviceDefinition/{ident}")
        twin = await store.find_model(conn, values["manufacturer"], values["name"], values["catalogue"])
        if twin and twin.model_id != ident:
            raise Conflict(_("There is a model of this manufacturer, name and number already."), "name")
        fresh = msgspec.structs.replace(old[0], **values) if old else Model(model_id=shop.ids(), **values)
        await desk.add_models(shop, conn, [fresh])
        if old and (old[0].manufacturer, old[0].name) != (fresh.manufacturer, fresh.name):
            await desk.write(shop, conn, [one.device_id for one in await store.now(conn, models=[ident])])
    return call.back(f"/equipment/register/models/{fresh.model_id}", "saved")


_START = "/equipment/register"
PAGES: Pages = (
    (_START + "/machines/{device}", ["GET"], machine, "register", ""),
    (_START + "/machines/{device}", ["POST"], save_machine, "register", "register.write"),
    (_START + "/machines/{device}/interfaces", ["POST"], save_interface, "register", "register.write"),
    (_START + "/machines/{device}/parts", ["POST"], save_part, "register", "register.write"),
    (_START + "/udi.json", ["GET"], udi, "register", ""),
    (_START + "/models", ["GET"], models, "register", ""),
    (_START + "/models/{model}", ["GET"], model, "register", ""),
    (_START + "/models/{model}", ["POST"], save_model, "register", "register.write"),
)
