"""``/equipment/devices``: the fleet as a list or a map by ward, and views of it that people keep."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from wardbridge.equipment.fleet import list as fleet
from wardbridge.equipment.fleet import store
from wardbridge.equipment.fleet.values import DUE, SORTS, USE
from wardbridge.equipment.register.values import CLASSES, CRITICALITIES, STATES
from wardbridge.web.call import Call, Pages


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


PAGES: Pages = (
    ("/equipment/devices", ["GET"], devices, "equipment", ""),
    ("/equipment/views", ["POST"], keep, "equipment", ""),
    ("/equipment/views/{view}/drop", ["POST"], drop, "equipment", ""),
)
