"""``/equipment/devices/{device}``: one machine: what it is, where, on whom, and its whole life."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from wardbridge.core.errors import Invalid
from wardbridge.equipment.bench import about as bench
from wardbridge.equipment.campaigns import about as campaigns
from wardbridge.equipment.changes import about as changes
from wardbridge.equipment.crew import about as crew
from wardbridge.equipment.cyber import about as cyber
from wardbridge.equipment.fleet.life import Tell, life
from wardbridge.equipment.learning import about as learning
from wardbridge.equipment.lifecycle import about as lifecycle
from wardbridge.equipment.register import about as register
from wardbridge.equipment.register.parts import store as parts
from wardbridge.equipment.timeline import Event
from wardbridge.equipment.vendors import about as vendors
from wardbridge.equipment.work import about as work
from wardbridge.web.call import Call, Pages
from wardbridge.web.words import _

LIFE: tuple[Tell, ...] = (
    register.events,
    lifecycle.events,
    work.events,
    bench.events,
    cyber.events,
    vendors.events,
    crew.events,
    campaigns.events,
    changes.events,
)
"""Who tells the events of a machine's timeline."""


BEHIND = {
    "work": "maintenance", "costs": "maintenance", "cyber": "cyber", "models": "cyber", "changes": "risk",
    "calls": "vendors", "access": "vendors", "certificates": "register",
}  # fmt: skip
"""Which page a link of the timeline leads to, by the word after ``/equipment/``; others are everybody's."""


def offered(call: Call, event: Event) -> Event:
    """The event without its link where this person may not follow it."""
    page = BEHIND.get(event.url.removeprefix("/equipment/").partition("/")[0])
    return event if page is None or call.may_open(page) else msgspec.structs.replace(event, url="")


async def machine(call: Call) -> Response:
    """The page; ``kind`` narrows the timeline."""
    found = await life(call.shop, call.path("device"), LIFE)
    kind = call.query("kind")
    kinds = sorted({event.kind for event in found.events})
    if kind and kind not in kinds:
        raise Invalid(_("This choice is not offered."), "kind")
    shop, device_id = call.shop, found.now.device_id
    names = call.may("patient.see")
    if names:
        for stay in found.stays:
            call.about(stay.patient_id)
    return call.page(
        "equipment/device.html", life=found, kinds=kinds, kind=kind, names=names,
        events=[offered(call, event) for event in found.events if kind in ("", event.kind)],
        work=await work.about(shop, device_id, found.model.model_id),
        cyber=await cyber.about(shop, device_id) if call.may_open("cyber") else None,
        deals=await vendors.about(shop, device_id) if call.may_open("vendors") else None,
        concerns=await campaigns.about(shop.pool, device_id),
        changes=await changes.about(shop.pool, device_id) if call.may_open("risk") else None,
        accessories=await parts.of(shop.pool, [device_id], removed=False),
        helps=await learning.about(shop, device_id), runs=await crew.about(shop, device_id),
    )  # fmt: skip


PAGES: Pages = (("/equipment/devices/{device}", ["GET"], machine, "equipment", ""),)
