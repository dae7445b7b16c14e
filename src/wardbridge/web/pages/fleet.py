"""The device fleet and the page of one device."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from wardbridge.core.errors import Invalid
from wardbridge.web.call import Call
from wardbridge.web.sources import Filter
from wardbridge.web.words import _

STATES = ("unknown", "accepted", "quarantined", "workshop", "retired")
DUE = ("current", "due", "overdue", "unknown")
FEATURE_OF = {
    "accepted": "device.accept",
    "quarantined": "device.quarantine",
    "workshop": "device.workshop",
    "retired": "device.workshop",
}
REASON_LENGTH = 8


async def fleet(call: Call) -> Response:
    """``/devices``: the list and, on top, unknown devices that wait."""
    chosen = Filter(
        admission=_of(call.query("state"), STATES), type=call.query("type"), ward=call.query("ward"),
        due=_of(call.query("due"), DUE), fault=call.query("fault") == "1", text=call.query("text"),
    )  # fmt: skip
    everything = await call.sources.fleet.devices(Filter())
    devices = everything if chosen == Filter() else await call.sources.fleet.devices(chosen)
    context: dict[str, Any] = {
        "devices": devices, "chosen": chosen, "states": STATES, "dues": DUE,
        "types": sorted({d.type for d in everything if d.type}),
        "wards": sorted({d.ward for d in everything if d.ward}),
        "waiting": [d for d in everything if d.admission == "unknown"],
        "total": len(everything),
    }  # fmt: skip
    if call.request.headers.get("hx-target") == "fleet-list":
        return call.page("_devices.html", **context)
    return call.page("fleet.html", places=await call.sources.fleet.places(), **context)


async def device(call: Call) -> Response:
    """``/devices/{device}``."""
    return await _device(call, names=call.may("patient.see"))


async def reveal(call: Call) -> Response:
    """The names of the patients a device measured, for a reason that is put on record."""
    reason = call.field("reason", required=True)
    if len(reason) < REASON_LENGTH:
        raise Invalid(_("Please give a reason that someone else understands."), "reason")
    call.note = reason
    return await _device(call, names=True, revealed=True)


async def _device(call: Call, *, names: bool, revealed: bool = False) -> Response:
    page = await call.sources.fleet.device(call.path("device"), names=names)
    if names:
        for binding in page.bindings:
            call.about(binding.patient_id)
    else:
        hidden = tuple(msgspec.structs.replace(b, patient_id="", patient_name="") for b in page.bindings)
        page = msgspec.structs.replace(page, bindings=hidden)
    return call.page("device.html", page=page, names=names, revealed=revealed,
                     places=await call.sources.fleet.places())  # fmt: skip


async def admit(call: Call) -> Response:
    """Accept, quarantine, send to the workshop or retire. Each has a right of its own."""
    state = call.field("state", required=True)
    if state not in FEATURE_OF:
        raise Invalid(_("This state does not exist."), "state")
    if not call.may(FEATURE_OF[state]):
        call.note = f"refused: {FEATURE_OF[state]}"
        return call.page("refused.html", 403, reason=FEATURE_OF[state], target="device")
    device_id = call.path("device")
    call.note = state
    await call.sources.fleet.admit(device_id, state, call.who, call.field("place"), call.field("reason"))
    return call.back(f"/devices/{device_id}", "admitted")


async def report(call: Call) -> Response:
    """Report a fault."""
    device_id = call.path("device")
    await call.sources.fleet.report(device_id, call.field("text", required=True), call.who)
    return call.back(f"/devices/{device_id}", "reported")


async def take(call: Call) -> Response:
    """Take a fault into work."""
    device_id = call.path("device")
    await call.sources.fleet.take(device_id, call.path("fault"), call.who)
    return call.back(f"/devices/{device_id}", "taken")


async def resolve(call: Call) -> Response:
    """Close a fault with what was done."""
    device_id = call.path("device")
    await call.sources.fleet.resolve(device_id, call.path("fault"), call.field("text", required=True), call.who)
    return call.back(f"/devices/{device_id}", "resolved")


def _of(text: str, allowed: tuple[str, ...]) -> str:
    if text and text not in allowed:
        raise Invalid(_("This choice is not offered."), "filter")
    return text
