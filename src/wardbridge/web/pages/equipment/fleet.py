"""``/equipment/devices``: the fleet as a list or a map by ward, and the page of one machine."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from wardbridge.core.errors import Invalid
from wardbridge.equipment.bench import about as bench
from wardbridge.equipment.crew import about as crew
from wardbridge.equipment.cyber import about as cyber
from wardbridge.equipment.fleet import list as fleet
from wardbridge.equipment.fleet import store
from wardbridge.equipment.fleet.life import Tell, life
from wardbridge.equipment.fleet.values import DUE, SORTS, USE
from wardbridge.equipment.learning import about as learning
from wardbridge.equipment.lifecycle import about as lifecycle
from wardbridge.equipment.register.values import CLASSES, CRITICALITIES, STATES
from wardbridge.equipment.vendors import about as vendors
from wardbridge.equipment.work import about as work
from wardbridge.web.call import Call, Handler
from wardbridge.web.words import _

LIFE: tuple[Tell, ...] = (lifecycle.events, work.events, bench.events, cyber.events, vendors.events, crew.events)
"""Who tells the events of a machine's timeline."""


async def devices(call: Call) -> Response:
    """The list (``view=map``: the map), narrowed by the URL's parameters."""
    chosen = fleet.chosen(call.request.query_params.multi_items())
    number = int(call.query("page", "1")) if call.query("page", "1").isdecimal() else 1
    shown = call.query("view")
    context: dict[str, Any] = {
        "chosen": chosen, "query": fleet.query(chosen), "number": number, "shown": shown, "step": fleet.LIMIT,
    }  # fmt: skip
    if shown == "map":
        context["wards"] = await fleet.wards(call.shop, chosen)
    else:
        context["page"] = await fleet.page(call.shop, chosen, number)
    if call.request.headers.get("hx-target") == "fleet-list":
        return call.page("equipment/_fleet.html", **context)
    context |= {
        "choices": await store.choices(call.shop.pool), "views": await store.views(call.shop.pool, call.who.id),
        "offered": {"state": STATES, "criticality": CRITICALITIES, "class": CLASSES, "due": DUE, "use": USE,
                    "sort": SORTS},
    }  # fmt: skip
    return call.page("equipment/fleet.html", **context)


async def keep(call: Call) -> Response:
    """Keep the filter as a view of one's own, or for all."""
    view = await fleet.keep(
        call.shop, call.field("name", required=True), call.field("query"), call.field("shared") == "1", call.who
    )
    return call.back(f"/equipment/devices?{view.query}", "kept")


async def drop(call: Call) -> Response:
    """Forget a view of one's own."""
    await fleet.drop(call.shop, call.path("view"), call.who)
    return call.back("/equipment/devices", "dropped")


async def device(call: Call) -> Response:
    """One machine: what it is, where, on whom, and its whole life."""
    found = await life(call.shop, call.path("device"), LIFE)
    kind = call.query("kind")
    kinds = sorted({event.kind for event in found.events})
    if kind and kind not in kinds:
        raise Invalid(_("This choice is not offered."), "kind")
    device_id = found.now.device_id
    names = call.may("patient.see")
    if names:
        for stay in found.stays:
            call.about(stay.patient_id)
    return call.page(
        "equipment/device.html", life=found, kinds=kinds, kind=kind, names=names,
        events=[event for event in found.events if kind in ("", event.kind)],
        work=await work.about(call.shop, device_id, found.model.model_id),
        cyber=await cyber.about(call.shop, device_id) if call.may_open("cyber") else None,
        deals=await vendors.about(call.shop, device_id) if call.may_open("vendors") else None,
        helps=await learning.about(call.shop, device_id), runs=await crew.about(call.shop, device_id),
    )  # fmt: skip


PAGES: tuple[tuple[str, list[str], Handler, str, str], ...] = (
    ("/equipment/devices", ["GET"], devices, "equipment", ""),
    ("/equipment/devices/{device}", ["GET"], device, "equipment", ""),
    ("/equipment/views", ["POST"], keep, "equipment", ""),
    ("/equipment/views/{view}/drop", ["POST"], drop, "equipment", ""),
)
