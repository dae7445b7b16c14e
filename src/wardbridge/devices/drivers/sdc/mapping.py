"""The tables between BICEPS (IEEE 11073-10207) and our values, and its coded values into MDC.

SDC speaks MDC on the wire, so ``CODES`` is empty: names and units come from ``wardbridge.terminology``.
Validity, priority, kind and derivation follow the gateway chapters of IHE SDPi (DEC and ACM).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wardbridge.devices.values import Quality
from wardbridge.terminology import mdc

CODES: tuple[tuple[str, int, str, str], ...] = ()

PM = "http://standards.ieee.org/downloads/11073/11073-10207-2017/participant"
MSG = "http://standards.ieee.org/downloads/11073/11073-10207-2017/message"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"

# BICEPS: a CodedValue without a coding system is of IEEE 11073-10101.
MDC_SYSTEMS = {"", "urn:oid:1.2.840.10004.1.1.1.0.0.1", "urn:iso:std:iso:11073:10101"}
UCUM_SYSTEMS = {"urn:oid:2.16.840.1.113883.6.8", "http://unitsofmeasure.org"}

VALIDITY = {  # pm:MeasurementValidity
    "Vld": Quality.GOOD,
    "Vldated": Quality.VALIDATED,
    "Ong": Quality.BUSY,
    "Qst": Quality.QUESTIONABLE,
    "Calib": Quality.CALIBRATING,
    "Inv": Quality.INVALID,
    "Oflw": Quality.OVERFLOW,
    "Uflw": Quality.UNDERFLOW,
    "NA": Quality.UNAVAILABLE,
}
GENERATION = {"Real": Quality.GOOD, "Test": Quality.TEST, "Demo": Quality.DEMO}  # pm:GenerationMode
OPERATING = {  # pm:MdsOperatingMode: what is measured then is nobody's vital sign
    "Nml": Quality.GOOD,
    "Dmo": Quality.DEMO,
    "Srv": Quality.TEST,
    "Mtn": Quality.TEST,
}
PRIORITY = {"Hi": "PH", "Me": "PM", "Lo": "PL", "None": "PN"}  # pm:AlertConditionPriority
RANK = {"PN": 0, "PL": 1, "PM": 2, "PH": 3}
KIND = {"Phy": "SP", "Tec": "ST", "Oth": "SA"}  # pm:AlertConditionKind
CATEGORY = {  # pm:MetricCategory -> (Reading.kind, letter of OBX-17)
    "Msrmt": ("measurement", "MEAS"),
    "Clc": ("calculation", "CALC"),
    "Set": ("setting", "SET"),
    "Preset": ("setting", "SET"),
    "Rcmm": ("recommendation", ""),
    "Unspec": ("measurement", ""),
}
DERIVATION = {"Auto": "A", "Man": "M"}  # pm:DerivationMethod
SPECIFICATION = {  # production specifications, MDC_ID_PROD_SPEC_*
    531972: "serial",
    531974: "hardware",
    531975: "software",
    531976: "firmware",
}
SEX = {"M": "M", "F": "F", "Unspec": "U", "Unkn": "U"}  # pm:Sex as HL7 table 0001


@dataclass(frozen=True, slots=True)
class Coded:
    """A CodedValue: MDC where it can be had, else as sent."""

    code: int = 0
    refid: str = ""
    system: str = "MDC"
    text: str = ""
    ucum: str = ""
    problem: str = ""


def local(element: Any) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2] if isinstance(element.tag, str) else ""


def kind_of(element: Any) -> str:
    """The xsi:type of an element without prefix and without ``Descriptor`` or ``State``, else its name."""
    sent = element.get(XSI_TYPE, "").rpartition(":")[2] or local(element)
    return str(sent).removesuffix("Descriptor").removesuffix("State")


def child(element: Any, name: str) -> Any:
    return None if element is None else element.find(f"{{{PM}}}{name}")


def children(element: Any, name: str) -> list[Any]:
    return [] if element is None else list(element.findall(f"{{{PM}}}{name}"))


def text_of(element: Any, name: str) -> str:
    """The text of a child, the English one where there are several; '' for none."""
    found = children(element, name)
    for item in found:
        if str(item.get("Lang", "")).lower().startswith("en"):
            return (item.text or "").strip()
    return (found[0].text or "").strip() if found else ""


def coded(element: Any) -> Coded:
    """A pm:CodedValue in the nomenclature; a translation into MDC is taken where the code itself is not.

    ``problem`` is ``unknown``, ``mismatch`` ... of ``terminology.mdc.resolve``, or ``foreign`` for a code
    system that is not MDC.
    """
    if element is None:
        return Coded()
    text = text_of(element, "ConceptDescription")
    for item in (element, *children(element, "Translation")):
        if item.get("CodingSystem", "") in MDC_SYSTEMS:
            found = mdc.resolve(item.get("Code", ""), item.get("SymbolicCodeName", ""))
            ucum = found.ucum_or_empty()
            return Coded(found.code, found.refid, "MDC", text, ucum, found.problem)
    system, code = element.get("CodingSystem", ""), element.get("Code", "")
    if system in UCUM_SYSTEMS:
        return Coded(0, code, "UCUM", text, code)
    return Coded(0, element.get("SymbolicCodeName", "") or code, system, text, "", "foreign")


def micros(milliseconds: str | None) -> int:
    """A pm:Timestamp (ms since the epoch) as µs; 0 for none."""
    return int(milliseconds) * 1000 if milliseconds and milliseconds.isdigit() else 0


def duration(text: str) -> float:
    """An xs:duration without years and months, in µs. Raises ValueError for anything else."""
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text)
    if not rest.startswith("P") or len(rest) < 3:
        raise ValueError("is no duration")
    days, _, clock = rest[1:].partition("T")
    seconds = float(days[:-1]) * 86_400 if days.endswith("D") else 0.0
    if days and not days.endswith("D"):
        raise ValueError("has years or months")
    for unit, size in (("H", 3600.0), ("M", 60.0), ("S", 1.0)):
        amount, found, tail = clock.partition(unit)
        if found:
            seconds += float(amount) * size
            clock = tail
    if clock:
        raise ValueError("is no duration")
    return sign * seconds * 1e6
