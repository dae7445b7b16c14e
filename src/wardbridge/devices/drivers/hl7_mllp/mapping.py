"""The driver's tables: OBX-8 and OBX-11 to Quality, OBX-7 to limits, OBX-6 to units, OBX-18 to keys.

IHE PCD TF-2 appendix B.8; HL7 v2.9 section 7.4.2. Everything here is a pure function of one field.
"""

from __future__ import annotations

import re

import msgspec

from wardbridge.devices.values import Quality
from wardbridge.exchange.codecs import pcd
from wardbridge.terminology import mdc, units

Q = Quality

CODES: tuple[tuple[str, int, str, str], ...] = ()
"""Device codes to MDC: none, the wire speaks MDC already."""

STATUS_FLAGS: dict[str, Quality] = {
    "INV": Q.INVALID,
    "QUES": Q.QUESTIONABLE,
    "NAV": Q.UNAVAILABLE,
    "CAL": Q.CALIBRATING,
    "TEST": Q.TEST,
    "DEMO": Q.DEMO,
    "VAL": Q.VALIDATED,
    "EARLY": Q.EARLY,
    "BUSY": Q.BUSY,
    "ALACT": Q.IN_ALARM,
    "ALINH": Q.ALARM_INHIBITED,
    "NI": Q.UNAVAILABLE,
    "NA": Q.UNAVAILABLE,
    "OFF": Q.UNAVAILABLE,
    "MSK": Q.UNAVAILABLE,
    "OTH": Q.UNAVAILABLE,
    "NAN": Q.INVALID,
    "PINF": Q.OVERFLOW,
    "NINF": Q.UNDERFLOW,
    ">": Q.OVERFLOW,
    "<": Q.UNDERFLOW,
}

RESULT_FLAGS: dict[str, Quality] = {
    "C": Q.CORRECTED,
    "D": Q.CORRECTED | Q.INVALID,
    "W": Q.WRONG_PATIENT,
}

PROCESSING_FLAGS: dict[str, Quality] = {"D": Q.TEST, "T": Q.DEMO}
"""MSH-11.1: debugging and training data are never a patient's."""

KINDS = {
    "setting": "setting",
    "attribute": "attribute",
    "event": "event",
}

REPEATED = frozenset({69986, 70050, 70054, 70055, 70058, 70059, 70062, 70067, 70071, 126977, 126978})
"""Device parts of which one machine has several alike (pump modules): their own id tells them apart."""

IDENTITY_ATTRIBUTES = {
    "MDC_ID_MODEL_MANUFACTURER": "manufacturer",
    "MDC_ID_MODEL_NUMBER": "model",
    "MDC_ATTR_ID_MODEL": "model",
    "MDC_ID_PROD_SPEC_SERIAL": "serial",
    "MDC_ID_PROD_SPEC_SW": "firmware",
    "MDC_ID_PROD_SPEC_FW": "firmware",
    "MDC_ID_PROD_SPEC_HW": "hardware",
    "MDC_ATTR_ID_UDI": "udi",
    "MDC_ATTR_ID_BED_LABEL": "place",
    "MDC_ATTR_ID_SOFT": "label",
}
"""Attributes of a machine that fill its Identity; an earlier row wins over a later one."""

SAMPLE_RATE = frozenset({"MDC_ATTR_SAMP_RATE", "MDC_ATTR_SAMPLE_RATE"})
SAMPLE_PERIOD = frozenset({"MDC_ATTR_TIME_PD_SAMP"})
RESOLUTION = frozenset({"MDC_ATTR_NU_MSMT_RES", "MDC_ATTR_SCALE_RESOLUTION"})
WAVE_FACETS = SAMPLE_RATE | SAMPLE_PERIOD | RESOLUTION
"""What a Waveform carries itself, so that it is no value of its own below one."""


class Limits(msgspec.Struct, frozen=True):
    """The alarm limits of OBX-7 as text; `odd` where the field says something else."""

    low: str = ""
    high: str = ""
    odd: bool = False


_NUMBER = r"([+-]?(?:\d+\.?\d*|\.\d+))"
_RANGE = re.compile(rf"\s*{_NUMBER}\s*-\s*{_NUMBER}\s*")
_BOUND = re.compile(rf"\s*([<>]=?)\s*{_NUMBER}\s*")
_OPEN = re.compile(rf"\s*{_NUMBER}?\s*-\s*{_NUMBER}?\s*")


def limits_of(text: str) -> Limits:
    """OBX-7: `50-120`, `<500`, `< -200`, `>90`, `75 - 90`; `20-` and `-100` are left odd."""
    if not text or text == '""':
        return Limits()
    found = _RANGE.fullmatch(text)
    if found:
        return Limits(found[1], found[2])
    found = _BOUND.fullmatch(text)
    if found:
        return Limits(high=found[2]) if found[1].startswith("<") else Limits(low=found[2])
    return Limits(odd=True)


def quality_of(text: str, repetition: str) -> tuple[int, bool]:
    """OBX-8 as Quality bits, and whether every flag in it is known."""
    bits, known = 0, True
    for item in text.split(repetition) if repetition else [text]:
        flag = item.strip().split("^", 1)[0].upper()
        if flag in STATUS_FLAGS:
            bits |= STATUS_FLAGS[flag]
        elif flag and flag not in pcd.ABNORMALITY | pcd.PRIORITY | pcd.ALERT_TYPE:
            known = False
    return int(bits), known


class Unit(msgspec.Struct, frozen=True):
    """OBX-6: its name as written, its UCUM code, and whether it was understood."""

    text: str = ""
    ucum: str = ""
    known: bool = True


def unit_of(parts: list[str]) -> Unit:
    """A unit out of the components of OBX-6, in MDC, UCUM, both, or a vendor's own spelling."""
    parts = [part.strip() for part in parts] + [""] * 6
    text = parts[1] or parts[0]
    for code, name, system in (parts[3:6], parts[0:3]):  # UCUM, where both are given, comes second
        if code and system.upper() == "UCUM":
            return Unit(text, units.ucum_of(code, name, "UCUM"))
    ucum = units.ucum_of(parts[0], parts[1], parts[2])
    return Unit(text, ucum, bool(ucum) or not text)


def site_of(parts: list[str]) -> str:
    """OBX-20: the name of a coded site, else its code."""
    if len(parts) > 1 and parts[0].isdigit():
        return parts[1] or parts[0]
    return parts[0] if parts else ""


def method_of(text: str, repetition: str, component: str) -> str:
    """OBX-17: AMEAS, MMEAS, ASET, MSET, RSET ...; several are joined by `~`."""
    items = text.split(repetition) if repetition else [text]
    codes = [item.split(component, 1)[0] if component else item for item in items]
    return "~".join(code for code in codes if code)


def key_of(parts: list[str]) -> str:
    """A stable key out of an entity identifier (EI: id, namespace, universal id, its type)."""
    parts = [part.strip() for part in parts] + [""] * 4
    own, namespace, universal = parts[0], parts[1], parts[2]
    if own and universal and own != universal:
        return f"{own}@{universal}"
    return own or universal or namespace


def serial_of(parts: list[str]) -> str:
    """The serial number in an EI, where its universal id is another identifier."""
    parts = [part.strip() for part in parts] + [""] * 4
    return parts[0] if parts[3].upper() == "EUI-64" and parts[0] != parts[2] else ""


def kind_of(term: mdc.Term | None, refid: str) -> str:
    """What sort of reading a code makes."""
    if term is not None:
        return KINDS.get(term.kind, "measurement")
    if refid.endswith("_SETTING"):
        return "setting"
    if refid.startswith(("MDC_EVT_", "MDCX_EVT_")):
        return "event"
    return "attribute" if refid.startswith(("MDC_ATTR_", "MDC_ID_")) else "measurement"
