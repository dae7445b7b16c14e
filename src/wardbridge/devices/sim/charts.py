"""The tables behind the synthetic history: what is charted each hour, what the laboratory measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Charted:
    """A vital sign as it is charted: LOINC, UCUM, digits, hours between entries, spread around the course."""

    name: str
    loinc: str
    text: str
    unit: str
    digits: int
    every: int
    spread: float


@dataclass(frozen=True)
class Lab:
    """A laboratory value: LOINC, UCUM, ordinary range, digits."""

    name: str
    loinc: str
    text: str
    unit: str
    low: float
    high: float
    digits: int
    arterial: bool = False


VITALS: Final = (
    Charted("hr", "8867-4", "Heart rate", "/min", 0, 1, 3.0),
    Charted("rr", "9279-1", "Respiratory rate", "/min", 0, 1, 1.0),
    Charted("spo2", "2708-6", "Oxygen saturation in arterial blood", "%", 0, 1, 0.7),
    Charted("temp", "8310-5", "Body temperature", "Cel", 1, 4, 0.12),
)
PRESSURE: Final = ("85354-9", "Blood pressure panel")
SYSTOLIC: Final = ("8480-6", "Systolic blood pressure", "mm[Hg]")
DIASTOLIC: Final = ("8462-4", "Diastolic blood pressure", "mm[Hg]")
HEIGHT: Final = ("8302-2", "Body height", "cm")
WEIGHT: Final = ("29463-7", "Body weight", "kg")
URINE: Final = ("9187-6", "Urine output", "mL")

LABS: Final = (
    Lab("sodium", "2951-2", "Sodium", "mmol/L", 136, 145, 0),
    Lab("potassium", "2823-3", "Potassium", "mmol/L", 3.5, 5.1, 1),
    Lab("creatinine", "2160-0", "Creatinine", "mg/dL", 0.6, 1.2, 2),
    Lab("glucose", "2345-7", "Glucose", "mg/dL", 70, 140, 0),
    Lab("hemoglobin", "718-7", "Hemoglobin", "g/dL", 12.0, 16.5, 1),
    Lab("wbc", "6690-2", "Leukocytes", "10*3/uL", 4.0, 11.0, 1),
    Lab("platelets", "777-3", "Platelets", "10*3/uL", 150, 400, 0),
    Lab("crp", "1988-5", "C reactive protein", "mg/L", 0.0, 8.0, 0),
    Lab("ph", "2744-1", "pH of arterial blood", "[pH]", 7.35, 7.45, 2, arterial=True),
    Lab("pco2", "2019-8", "Carbon dioxide partial pressure in arterial blood", "mm[Hg]", 35, 45, 0, arterial=True),
    Lab("po2", "2703-7", "Oxygen partial pressure in arterial blood", "mm[Hg]", 80, 105, 0, arterial=True),
    Lab("bicarbonate", "1960-4", "Bicarbonate in arterial blood", "mmol/L", 22, 28, 0, arterial=True),
    Lab("lactate", "2518-9", "Lactate in arterial blood", "mmol/L", 0.5, 2.0, 1, arterial=True),
)
