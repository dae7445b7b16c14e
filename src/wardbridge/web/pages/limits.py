"""Alarm limits of a ward and of a patient."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from wardbridge.core.errors import Invalid
from wardbridge.web import views as v
from wardbridge.web.call import Call
from wardbridge.web.words import _

PRIORITIES = ("high", "medium", "low")


async def ward(call: Call) -> Response:
    """``/wards/{ward}/limits``."""
    ward_id = call.path("ward")
    known = next((w for w in await call.sources.wards.wards() if w.id == ward_id), None)
    if known is None:
        raise Invalid(_("There is no such ward."), "ward")
    return await _limits(call, f"ward/{ward_id}", f"/wards/{ward_id}/limits", ward=known, patient=None)


async def patient(call: Call) -> Response:
    """``/patients/{patient}/limits``."""
    who = await call.sources.charts.patient(call.path("patient"))
    call.about(who.id)
    return await _limits(call, f"patient/{who.id}", f"/patients/{who.id}/limits", ward=None, patient=who)


async def _limits(call: Call, scope: str, url: str, *, ward: v.Ward | None, patient: v.Patient | None) -> Response:
    limits = await call.sources.alarms.limits(scope)
    if call.request.method == "POST":
        slot = call.field("slot", required=True)
        now = next((limit for limit in limits if limit.slot == slot), None)
        if now is None:
            raise Invalid(_("This parameter has no limits."), "slot")
        if call.field("clear"):
            await call.sources.alarms.clear_limit(scope, slot, call.who)
            return call.back(url, "cleared")
        low, high = _number(call, "low"), _number(call, "high")
        if low is not None and high is not None and low >= high:
            raise Invalid(_("The lower limit must be below the upper one."), "low")
        priority = call.field("priority", required=True)
        if priority not in PRIORITIES:
            raise Invalid(_("This choice is not offered."), "priority")
        delay = _number(call, "delay") or 0.0
        if not 0 <= delay <= 60:
            raise Invalid(_("The delay is 0 to 60 seconds."), "delay")
        await call.sources.alarms.set_limit(
            scope,
            msgspec.structs.replace(now, low=low, high=high, priority=priority, delay_seconds=int(delay)),
            call.who,
        )
        return call.back(url, "limit")
    return call.page("limits.html", limits=limits, ward=ward, patient=patient, url=url, priorities=PRIORITIES)


def _number(call: Call, name: str) -> float | None:
    text = call.field(name).replace(",", ".")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError as error:
        raise Invalid(_("This is not a valid number."), name) from error
    if not -1000 <= number <= 10000:
        raise Invalid(_("This is not a valid number."), name)
    return number
