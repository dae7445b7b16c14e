"""The bed page: waves, numbers, pumps, alarms and trends of one bed, and what is done at it by hand."""

from __future__ import annotations

import orjson
from starlette.responses import Response

from wardbridge.core.clock import HOUR
from wardbridge.core.errors import Conflict, Invalid
from wardbridge.web import views as v
from wardbridge.web.call import Call
from wardbridge.web.words import _

HOURS = (1, 4, 12, 24)
POINTS = 360


async def bed(call: Call) -> Response:
    """``/beds/{place}``."""
    shown = await call.sources.wards.bed(call.path("place"))
    if shown.tile.patient:
        call.about(shown.tile.patient.id)
    past = await call.sources.alarms.past(shown.tile.place_id, call.room.clock.now() - 12 * HOUR)
    return call.page("bed.html", bed=shown, past=past, hours=HOURS)


async def trends(call: Call) -> Response:
    """``/beds/{place}/trends.json?hours=4``: series on one time axis, times in seconds."""
    hours = _whole(call.query("hours", "4"), "hours", 1, 72)
    until = call.room.clock.now()
    shown = await call.sources.wards.bed(call.path("place"))
    if shown.tile.patient:
        call.about(shown.tile.patient.id)
    series = await call.sources.wards.trends(call.path("place"), until - hours * HOUR, until, POINTS)
    body = {
        "since": (until - hours * HOUR) / 1e6,
        "until": until / 1e6,
        "series": [
            {"slot": s.slot, "label": s.label, "unit": s.unit, "source": s.source,
             "points": [[t / 1e6, low, high, mean] for t, low, high, mean in s.points]}
            for s in series
        ],
    }  # fmt: skip
    return Response(orjson.dumps(body), media_type="application/json")


async def standby(call: Call) -> Response:
    """Standby on or off: alarms of the bed pause, the tile says so."""
    place, on = call.path("place"), call.field("on", required=True) == "yes"
    await call.sources.wards.standby(place, on, call.who)
    return call.back(f"/beds/{place}", "standby" if on else "resumed")


async def discharge(call: Call) -> Response:
    """End the patient's stay in this bed; the patient named in the form must still lie there."""
    place, patient = call.path("place"), call.field("patient", required=True)
    call.about(patient)
    await _same_patient(call, place, patient)
    await call.sources.wards.discharge(place, patient, call.who)
    return call.back(f"/beds/{place}", "discharged")


async def acknowledge(call: Call) -> Response:
    """Acknowledge one alarm; the stream shows it to every screen."""
    alarm = await call.sources.alarms.acknowledge(call.path("alarm"), call.who)
    call.about(alarm.patient_id)
    if call.request.headers.get("hx-request") or call.request.headers.get("x-csrf-token"):
        return Response(status_code=204)
    return call.back(f"/beds/{alarm.place_id}" if alarm.place_id else "/", "acknowledged")


async def bind(call: Call) -> Response:
    """Bind a device to the bed's patient by hand, from now or a time given."""
    place, patient = call.path("place"), call.field("patient", required=True)
    call.about(patient)
    await _same_patient(call, place, patient)
    device = call.field("device", required=True)
    start = call.time("start") or call.room.clock.now()
    await call.sources.bindings.bind(device, patient, place, start, call.who)
    return call.back(f"/beds/{place}", "bound")


async def end(call: Call) -> Response:
    """End a running binding now."""
    await call.sources.bindings.end(call.path("binding"), call.who)
    return call.back(f"/beds/{call.path('place')}", "ended")


async def correct(call: Call) -> Response:
    """The form to put a wrong binding right, and its effect."""
    place, binding_id = call.path("place"), call.path("binding")
    shown = await call.sources.wards.bed(place)
    binding = next((b for b in shown.bindings if b.id == binding_id), None)
    if binding is None:
        raise Conflict(_("This binding is no longer one of this bed."), "binding")
    found: list[v.Patient] = []
    if call.request.method == "POST":
        patient = call.field("patient")
        if patient:
            reason = call.field("reason", required=True)
            call.about(binding.patient_id)
            call.about(patient)
            call.note = reason
            await call.sources.bindings.correct(binding_id, patient, call.who, reason)
            return call.back(f"/beds/{place}", "corrected")
        found = list(await call.sources.wards.find_patients(call.field("find", required=True)))
    return call.page("correct.html", bed=shown, binding=binding, found=found, find=call.field("find"))


async def claim(call: Call) -> Response:
    """Claim an interval of unbound data for the patient in this bed."""
    place, patient = call.path("place"), call.field("patient", required=True)
    call.about(patient)
    await _same_patient(call, place, patient)
    device = call.field("device", required=True)
    start = _whole(call.field("start", required=True), "start", 0, 1 << 62)
    stop = _whole(call.field("stop", required=True), "stop", 0, 1 << 62)
    await call.sources.bindings.claim(device, start, stop, patient, call.who)
    return call.back(f"/beds/{place}", "claimed")


async def _same_patient(call: Call, place: str, patient: str) -> None:
    shown = await call.sources.wards.bed(place)
    if shown.tile.patient is None or shown.tile.patient.id != patient:
        raise Conflict(_("Another patient lies in this bed now. Nothing was changed."), "patient")


def _whole(text: str, where: str, low: int, high: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise Invalid(_("This is not a valid number."), where)
    return number
