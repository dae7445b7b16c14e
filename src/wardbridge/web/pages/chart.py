"""The patient chart: lists, flowsheet, verification, manual entry, and where a value comes from."""

from __future__ import annotations

import orjson
from starlette.responses import Response

from wardbridge.care.codes import CONSCIOUSNESS, ENTRIES, SITES
from wardbridge.care.manual import Manual
from wardbridge.core.clock import HOUR, MINUTE
from wardbridge.core.errors import Invalid
from wardbridge.web import views as v
from wardbridge.web.call import Call
from wardbridge.web.words import _

STEPS = (15, 60)
COLUMNS = 12
OXYGEN = (
    "air",
    "nasal-cannula",
    "simple-mask",
    "venturi-mask",
    "reservoir-mask",
    "high-flow",
    "cpap",
    "ventilator",
)


async def patients(call: Call) -> Response:
    """``/patients``: search by name or number (posted, so that no name gets into a URL)."""
    text = call.field("find")
    found = await call.sources.wards.find_patients(text) if text else ()
    for patient in found:
        call.about(patient.id)
    return call.page("patients.html", found=found, find=text)


async def chart(call: Call) -> Response:
    """``/patients/{patient}``."""
    patient = await _patient(call)
    lists = await call.sources.charts.chart(patient.id)
    sheet, step, until = await _sheet(call, patient)
    score = await call.sources.charts.score(patient.id)
    return call.page("chart.html", patient=patient, chart=lists, sheet=sheet, step=step, until=until, score=score)


async def flowsheet(call: Call) -> Response:
    """``/patients/{patient}/flowsheet?step=15&until=…``: the sheet alone, for paging through time."""
    patient = await _patient(call)
    sheet, step, until = await _sheet(call, patient)
    name = "_sheet.html" if call.request.headers.get("hx-request") else "flowsheet.html"
    return call.page(name, patient=patient, sheet=sheet, step=step, until=until)


async def verify(call: Call) -> Response:
    """Verify the chosen values; each is re-checked to be this patient's by the record."""
    patient = await _patient(call)
    ids = call.fields("observation")
    if not ids:
        raise Invalid(_("No value was selected."), "observation")
    await call.sources.charts.verify(patient.id, ids, call.who)
    return call.back(f"/patients/{patient.id}", "verified")


async def enter(call: Call) -> Response:
    """Manual entry of what no device gives; shows NEWS2 as it is after."""
    patient = await _patient(call)
    now = call.room.clock.now()
    if call.request.method == "POST":
        entry = _manual(call, now)
        score = await call.sources.charts.enter(patient.id, entry, call.who)
        return call.page("entered.html", patient=patient, score=score, entry=entry)
    return call.page("enter.html", patient=patient, at=now, oxygen=OXYGEN, sites=SITES, levels=CONSCIOUSNESS,
                     score=await call.sources.charts.score(patient.id))  # fmt: skip


async def origin(call: Call) -> Response:
    """Where one value comes from: device, firmware, maintenance then, clock, samples around it."""
    patient = await _patient(call)
    shown = await call.sources.charts.origin(patient.id, call.path("observation"))
    plot = ""
    if shown.samples:
        points = [[t / 1e6, low, high, mean] for t, low, high, mean in shown.samples.points]
        plot = orjson.dumps({"at": shown.cell.time / 1e6, "unit": shown.samples.unit, "points": points}).decode()
    return call.page("origin.html", patient=patient, origin=shown, plot=plot)


async def _patient(call: Call) -> v.Patient:
    patient = await call.sources.charts.patient(call.path("patient"))
    call.about(patient.id)
    return patient


async def _sheet(call: Call, patient: v.Patient) -> tuple[v.Sheet, int, int]:
    try:
        step = int(call.query("step", "15"))
        until = int(call.query("until", "0"))
    except ValueError as error:
        raise Invalid(_("This is not a valid number."), "step") from error
    if step not in STEPS:
        raise Invalid(_("The step is 15 or 60 minutes."), "step")
    width = step * MINUTE
    now = call.room.clock.now()
    end = (min(until or now, now) // width + 1) * width
    return await call.sources.charts.sheet(patient.id, end - COLUMNS * width, end, step), step, end


def _manual(call: Call, now: int) -> Manual:
    at = call.time("time") or now
    if at > now + 5 * MINUTE:
        raise Invalid(_("The time lies in the future."), "time")
    if at < now - 24 * HOUR:
        raise Invalid(_("Entries older than a day belong to a correction, not here."), "time")
    entry = Manual(
        time=at,
        consciousness=_one_of(call, "consciousness", tuple(CONSCIOUSNESS)),
        oxygen=_one_of(call, "oxygen", OXYGEN),
        oxygen_flow=_number(call, "oxygen_flow"),
        fio2=_number(call, "fio2"),
        temperature=_number(call, "temperature"),
        temperature_site=_one_of(call, "temperature_site", tuple(SITES)),
        urine=_number(call, "urine"),
    )
    if not (entry.consciousness or entry.oxygen or entry.temperature or entry.urine):
        raise Invalid(_("Nothing was entered."), "consciousness")
    if entry.oxygen == "air" and (entry.oxygen_flow or entry.fio2):
        raise Invalid(_("Room air has no flow and no FiO₂."), "oxygen")
    if not entry.oxygen and (entry.oxygen_flow or entry.fio2):
        raise Invalid(_("Please choose how the oxygen is given."), "oxygen")
    return entry


def _one_of(call: Call, name: str, allowed: tuple[str, ...]) -> str:
    text = call.field(name)
    if text and text not in allowed:
        raise Invalid(_("This choice is not offered."), name)
    return text


def _number(call: Call, name: str) -> str:
    """A decimal as typed (a comma becomes a point), within its range; empty when not entered."""
    text = call.field(name).replace(",", ".")
    if not text:
        return ""
    low, high = ENTRIES[name].low, ENTRIES[name].high
    digits = text.replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit()) or not low <= float(text) <= high:
        raise Invalid(_("Please enter a number from %(low)g to %(high)g.") % {"low": low, "high": high}, name)
    return text
