"""What no device gives, charted by people: checked, then FHIR Observations; pure.

A value that a person enters is ``final``: they stand for it. Numbers keep the digits as typed.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from wardbridge.care.codes import CATEGORY, CONSCIOUSNESS, ENTRIES, LOINC, SITES, UCUM, Entry
from wardbridge.core.clock import DAY, MINUTE, iso
from wardbridge.core.errors import Invalid
from wardbridge.core.ids import Ids
from wardbridge.fhir.json import number

_NUMBER = re.compile(r"\d{1,6}(\.\d{1,3})?")
BACKDATE = 2 * DAY


class Manual(msgspec.Struct, frozen=True, kw_only=True):
    """Texts as typed, empty where nothing was entered. ``time`` in µs; oxygen is ``air`` or a device's name,
    with flow in L/min or FiO₂ in %; urine in mL since ``urine_since`` (µs)."""

    time: int
    consciousness: str = ""
    oxygen: str = ""
    oxygen_flow: str = ""
    fio2: str = ""
    temperature: str = ""
    temperature_site: str = ""
    urine: str = ""
    urine_since: int = 0


def observations(
    entry: Manual, patient_id: str, encounter_id: str, by: dict[str, Any], now: int, ids: Ids
) -> list[dict[str, Any]]:
    """The Observations of one entry. Raises Invalid that names the field and what is wrong with it."""
    if not 0 <= now - entry.time <= BACKDATE and not -2 * MINUTE <= now - entry.time <= 0:
        raise Invalid("the time must lie within the last two days", "time")
    found: list[dict[str, Any]] = []

    def add(name: str, value: dict[str, Any], **more: Any) -> None:
        found.append(_observation(ENTRIES[name], value, entry.time, patient_id, encounter_id, by, now, ids(), more))

    if entry.consciousness:
        if entry.consciousness not in CONSCIOUSNESS:
            raise Invalid(f"consciousness is one of {', '.join(CONSCIOUSNESS)}", "consciousness")
        text = CONSCIOUSNESS[entry.consciousness]
        add(
            "consciousness",
            {
                "valueCodeableConcept": {
                    "text": text,
                    "coding": [
                        {
                            "system": "https://wardbridge.org/fhir/CodeSystem/acvpu",
                            "code": entry.consciousness,
                            "display": text,
                        }
                    ],
                }
            },
        )
    if entry.oxygen:
        if entry.oxygen == "air" and (entry.oxygen_flow not in {"", "0"} or entry.fio2 not in {"", "21"}):
            raise Invalid("on air there is no oxygen flow", "oxygen")
        text = "Room air" if entry.oxygen == "air" else entry.oxygen.strip()[:80]
        add("oxygen", {"valueCodeableConcept": {"text": text}})
    for name in ("oxygen_flow", "fio2", "temperature", "urine"):
        text = getattr(entry, name)
        if not text or (entry.oxygen == "air" and name in {"oxygen_flow", "fio2"}):
            continue
        more: dict[str, Any] = {}
        if name == "temperature" and entry.temperature_site:
            if entry.temperature_site not in SITES:
                raise Invalid(f"no site {entry.temperature_site!r}", "temperature_site")
            more["bodySite"] = {"text": SITES[entry.temperature_site]}
        if name == "urine" and entry.urine_since:
            if entry.urine_since >= entry.time:
                raise Invalid("the period must start before it ends", "urine_since")
            more["effectivePeriod"] = {"start": iso(entry.urine_since), "end": iso(entry.time)}
        add(name, {"valueQuantity": _quantity(ENTRIES[name], text)}, **more)
    if not found:
        raise Invalid("nothing was entered", "entry")
    return found


def _quantity(entry: Entry, text: str) -> dict[str, Any]:
    text = text.strip().replace(",", ".")
    if not _NUMBER.fullmatch(text):
        raise Invalid(f"{entry.display}: {text!r} is no number", entry.name)
    if not entry.low <= float(text) <= entry.high:
        raise Invalid(f"{entry.display}: {text} {entry.unit} is outside {entry.low:g}–{entry.high:g}", entry.name)
    exact = number(text.lstrip("0") if re.match(r"0\d", text) else text) if "." in text else int(text)
    return {"value": exact, "unit": entry.unit, "system": UCUM, "code": entry.unit}


def _observation(
    entry: Entry,
    value: dict[str, Any],
    time: int,
    patient_id: str,
    encounter_id: str,
    by: dict[str, Any],
    now: int,
    ident: str,
    more: dict[str, Any],
) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "id": ident,
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": entry.category}]}],
        "code": {"coding": [{"system": LOINC, "code": entry.loinc, "display": entry.display}], "text": entry.display},
        "subject": {"reference": f"Patient/{patient_id}"},
        "issued": iso(now),
        "performer": [by],
        "method": {"text": "entered by hand"},
        **value,
        **more,
    }
    if encounter_id:
        resource["encounter"] = {"reference": f"Encounter/{encounter_id}"}
    if "effectivePeriod" not in resource:
        resource["effectiveDateTime"] = iso(time)
    return resource
