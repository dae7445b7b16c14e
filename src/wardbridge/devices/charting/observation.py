"""A point as FHIR R4 Observation: pure function, no lookups except the nomenclature.

Status (documented choice): a value straight from a device is ``preliminary``, because nobody has looked
at it; it becomes ``final`` when a person verifies it or the device says that it was validated there
(OBX-8 VAL). ``amended`` is a value that the device itself corrected. What was charted for the wrong
patient is ``entered-in-error``; the Observation for the right one has its own id.
The value keeps its written precision; the profile is FHIR vital signs where LOINC has the code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.devices.charting.point import Content, Part
from wardbridge.devices.values import Quality
from wardbridge.fhir.json import number as exact
from wardbridge.terminology import mdc

SAMPLE = "urn:wardbridge:sample"
"""Extension: from which samples the value was charted (channel, device time)."""
IDENTIFIER = "urn:wardbridge:charted"
UCUM = "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_LOOSE = re.compile(r"\s*([+-]?)0*(\d*)(\.\d*)?([eE][+-]?\d+)?\s*")
_COMPARED = re.compile(r"\s*(<=|>=|<|>)\s*(.+)")

METHODS = {
    "AMEAS": "automatic measurement",
    "MMEAS": "manual measurement",
    "ASET": "automatic setting",
    "MSET": "manual setting",
    "RSET": "remote setting",
    "ACALC": "automatic calculation",
    "MCALC": "manual calculation",
}


def build(
    ident: str,
    content: Content,
    *,
    identifier: str,
    time: int,
    device_id: str,
    patient_id: str,
    encounter_id: str = "",
    status: str = "preliminary",
    reason: str = "",
    verified_by: str = "",
    verified_at: int = 0,
) -> dict[str, Any]:
    """The Observation of a point for one patient. ``time`` in µs since the epoch; texts as references' ids."""
    parts = content.parts
    first = parts[0]
    resource: dict[str, Any] = {"resourceType": "Observation", "id": ident}
    trace = [] if content.panel else [_trace(first)]
    if trace:
        resource["extension"] = trace
    resource["identifier"] = [{"system": IDENTIFIER, "value": identifier}]
    resource["status"] = status
    resource["category"] = [_category(first)]
    resource["code"] = _panel_code(content.panel, first) if content.panel else _code(first)
    resource["subject"] = {"reference": f"Patient/{patient_id}"}
    if encounter_id:
        resource["encounter"] = {"reference": f"Encounter/{encounter_id}"}
    if first.end_time and first.end_time > first.device_time:
        resource["effectivePeriod"] = {"start": iso(time), "end": iso(time + first.end_time - first.device_time)}
    else:
        resource["effectiveDateTime"] = iso(time)
    if verified_by:
        resource["issued"] = iso(verified_at)
        resource["performer"] = [{"reference": verified_by}]
    if not content.panel:
        resource |= _value(first)
    interpretation = _interpretation(parts)
    if interpretation:
        resource["interpretation"] = interpretation
    if first.body_site:
        resource["bodySite"] = _concept(first.body_site)
    if first.method:
        resource["method"] = {"text": METHODS.get(first.method, first.method)}
    resource["device"] = {"reference": f"Device/{device_id}"}
    if content.panel:
        resource["component"] = [{"extension": [_trace(part)], "code": _code(part), **_value(part)} for part in parts]
    return resource


def decimal(text: str) -> int | Decimal | None:
    """``text`` as a number with its written precision (72.50 stays 72.50); None where it is no plain number."""
    if not _DECIMAL.fullmatch(text):
        found = _LOOSE.fullmatch(text)
        if not found or not (found[2] or (found[3] or "").strip(".") or "0" in text):
            return None
        fraction = found[3] if found[3] and found[3] != "." else ""
        text = ("-" if found[1] == "-" else "") + (found[2] or "0") + fraction + (found[4] or "")
        if not _DECIMAL.fullmatch(text):
            return None
    return int(text) if text.lstrip("-").isdigit() else exact(text)


def traces(resource: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """(device id, channel id, device time) of every value of an Observation that this room charted."""
    device = str(resource.get("device", {}).get("reference", "")).removeprefix("Device/")
    found: list[tuple[str, int, int]] = []
    for holder in (resource, *resource.get("component", ())):
        for extension in holder.get("extension", ()):
            if extension.get("url") == SAMPLE:
                inner = {e["url"]: e.get("valueString", e.get("valueInteger")) for e in extension["extension"]}
                found.append((device, int(str(inner["channel"])), int(str(inner["time"]))))
    return found


def trace(resource: Mapping[str, Any]) -> tuple[str, int, int] | None:
    """The first of :func:`traces`: what leads from a charted value to its samples."""
    return next(iter(traces(resource)), None)


def _trace(part: Part) -> dict[str, Any]:
    # The time is µs as text: a FHIR integer has 32 bits, and an instant would lose the device's own zero.
    return {
        "url": SAMPLE,
        "extension": [
            {"url": "channel", "valueString": str(part.channel_id)},
            {"url": "time", "valueString": str(part.device_time)},
        ],
    }


def _category(part: Part) -> dict[str, Any]:
    loinc = mdc.loinc(part.code)
    vital = loinc is not None and bool(loinc.vital or loinc.panel)
    code, display = ("vital-signs", "Vital Signs") if vital else ("procedure", "Procedure")
    return {"coding": [{"system": CATEGORY, "code": code, "display": display}]}


def _panel_code(panel: str, first: Part) -> dict[str, Any]:
    family = _family(first.code)
    coding = [{"system": mdc.LOINC_SYSTEM, "code": panel}]
    if family:
        coding.append({"system": mdc.CODE_SYSTEM, "code": str(family)})
    return {"coding": coding, "text": mdc.label(family or first.code, "Blood pressure")}


def _family(code: int) -> int:
    """The base code of a pressure family: +1 systolic, +2 diastolic, +3 mean (IEEE 11073-10101)."""
    base = code - code % 4
    return base if code % 4 and mdc.term(base) is not None else 0


def _code(part: Part) -> dict[str, Any]:
    loinc = mdc.loinc(part.code)
    coding = [{"system": mdc.LOINC_SYSTEM, "code": code} for code in (loinc.codes if loinc else ())]
    own = {"system": mdc.CODE_SYSTEM, "code": str(part.code)}
    coding.append(own | ({"display": part.refid} if part.refid else {}))
    name = mdc.name(part.code)
    return {"coding": coding, "text": name.long if name is not None else part.refid or str(part.code)}


def _value(part: Part) -> dict[str, Any]:
    compared = _COMPARED.fullmatch(part.text)
    number = decimal(compared[2] if compared else part.text)
    if number is None or (part.number is None and not compared and not part.unit):
        return {"valueString": part.text}
    quantity: dict[str, Any] = {"value": number}
    comparator = compared[1] if compared else _comparator(part.quality)
    if comparator:
        quantity["comparator"] = comparator
    term = mdc.term(part.code)
    unit = part.ucum
    if not unit and not part.unit and term is not None and term.ucum == "1":
        unit = "1"
    if part.unit or unit:
        quantity["unit"] = unit or part.unit
    if unit:
        quantity |= {"system": UCUM, "code": unit}
    return {"valueQuantity": quantity}


def _comparator(quality: int) -> str:
    if quality & Quality.OVERFLOW:
        return ">"
    return "<" if quality & Quality.UNDERFLOW else ""


def _interpretation(parts: tuple[Part, ...]) -> list[dict[str, Any]]:
    quality = 0
    for part in parts:
        quality |= part.quality
    found = []
    for flag, text in (
        (Quality.QUESTIONABLE, "questionable"),
        (Quality.EARLY, "early estimate"),
        (Quality.IN_ALARM, "in alarm"),
        (Quality.ALARM_INHIBITED, "alarm inhibited"),
    ):
        if quality & flag:
            found.append({"text": text})
    return found


def _concept(text: str) -> dict[str, Any]:
    term = mdc.nomenclature().named(text)
    if term is None:
        return {"text": text}
    return {"coding": [{"system": mdc.CODE_SYSTEM, "code": str(term.code), "display": term.refid}], "text": text}
