"""Codes that people chart with, as tables: consciousness, oxygen, temperature, output."""

from __future__ import annotations

import msgspec

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"

CONSCIOUSNESS = {
    "A": "Alert", "C": "New confusion", "V": "Responds to voice", "P": "Responds to pain", "U": "Unresponsive",
}  # fmt: skip
"""The ACVPU scale of NEWS2."""


class Entry(msgspec.Struct, frozen=True):
    """One thing that a person may chart. ``low`` and ``high`` bound what is believable."""

    name: str
    loinc: str
    display: str
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    category: str = "vital-signs"


ENTRIES = {
    entry.name: entry
    for entry in (
        Entry("consciousness", "80288-4", "Level of consciousness"),
        Entry("oxygen", "107117-4", "Oxygen therapy"),
        Entry("oxygen_flow", "3151-8", "Inhaled oxygen flow rate", "L/min", 0.0, 80.0),
        Entry("fio2", "3150-6", "Inhaled oxygen concentration", "%", 21.0, 100.0),
        Entry("temperature", "8310-5", "Body temperature", "Cel", 20.0, 45.0),
        Entry("urine", "9187-6", "Urine output", "mL", 0.0, 10_000.0, "vital-signs"),
    )
}

SITES = {
    "oral": "Oral", "axillary": "Axillary", "tympanic": "Tympanic", "rectal": "Rectal", "bladder": "Bladder",
    "core": "Core", "skin": "Skin",
}  # fmt: skip
