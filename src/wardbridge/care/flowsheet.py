"""The flowsheet: Observations sorted into rows of parameters and columns of time; pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from wardbridge.core.clock import MINUTE, from_datetime

ORDER = (
    "8867-4", "8889-8", "85354-9", "76214-6", "76215-3", "9279-1", "2708-6", "59408-5", "8310-5", "19891-1",
    "80288-4", "107117-4", "3151-8", "3150-6", "9187-6",
)  # fmt: skip
"""LOINC codes of the first rows; all others follow by name."""
LABELS = {
    "8867-4": "Heart rate", "8889-8": "Pulse", "85354-9": "Blood pressure", "9279-1": "Respiratory rate",
    "2708-6": "SpO₂", "59408-5": "SpO₂", "8310-5": "Temperature", "19891-1": "etCO₂", "80288-4": "Consciousness",
    "107117-4": "Oxygen", "3151-8": "Oxygen flow", "3150-6": "FiO₂", "9187-6": "Urine",
}  # fmt: skip
VOID = frozenset({"entered-in-error", "cancelled", "registered"})
VERIFIED = frozenset({"final", "amended", "corrected"})


class Cell(msgspec.Struct, frozen=True):
    """One charted value. ``source`` device or manual; ``time`` in µs; ``text`` with the digits as charted."""

    observation_id: str
    text: str
    unit: str
    time: int
    source: str
    status: str
    verified: bool
    device_id: str
    by: str
    flag: str = ""


class Row(msgspec.Struct, frozen=True):
    """One parameter; ``cells[i]`` are the values of column ``i``."""

    code: str
    label: str
    unit: str
    cells: tuple[tuple[Cell, ...], ...]


class Sheet(msgspec.Struct, frozen=True):
    """``columns`` are the starts of the columns (µs); ``unverified`` counts device values nobody stands for."""

    columns: tuple[int, ...]
    step_minutes: int
    rows: tuple[Row, ...]
    unverified: int


def effective(observation: dict[str, Any]) -> int:
    """The moment that an Observation speaks of in µs; the end of a period; 0 where there is none."""
    text = (observation.get("effectiveDateTime") or observation.get("effectiveInstant")
            or observation.get("effectivePeriod", {}).get("end") or observation.get("issued") or "")  # fmt: skip
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    return from_datetime(moment) if moment.tzinfo else 0


def value_of(part: dict[str, Any]) -> tuple[str, str]:
    """``(text, unit)`` of a value as charted; empty where there is none."""
    quantity = part.get("valueQuantity")
    if quantity and "value" in quantity:
        return f"{quantity.get('comparator', '')}{quantity['value']}", quantity.get("unit") or quantity.get("code", "")
    concept = part.get("valueCodeableConcept")
    if concept:
        coding = (concept.get("coding") or [{}])[0]
        return concept.get("text") or coding.get("display") or coding.get("code", ""), ""
    for name in ("valueString", "valueInteger", "valueBoolean", "valueDateTime"):
        if name in part:
            return str(part[name]), ""
    absent = part.get("dataAbsentReason")
    if absent:
        return absent.get("text") or (absent.get("coding") or [{}])[0].get("code", ""), ""
    return "", ""


def code_of(observation: dict[str, Any]) -> tuple[str, str]:
    """``(code, label)``: LOINC where there is one."""
    concept = observation.get("code", {})
    codings = concept.get("coding", [])
    chosen = next((c for c in codings if c.get("system") == "http://loinc.org"), codings[0] if codings else {})
    code = chosen.get("code", "")
    return code, LABELS.get(code) or concept.get("text") or chosen.get("display") or code or "?"


def cell_of(observation: dict[str, Any]) -> Cell:
    """One Observation as a cell; a panel (blood pressure) shows its parts as ``120/80``."""
    text, unit = value_of(observation)
    parts = [value_of(part) for part in observation.get("component", ())]
    if not text and parts:
        shown = [text for text, _ in parts if text]
        text = "/".join(shown[:2]) + (f" ({shown[2]})" if len(shown) > 2 else "")
        unit = next((unit for _, unit in parts if unit), "")
    device = observation.get("device", {}).get("reference", "")
    status = observation.get("status", "")
    performer = (observation.get("performer") or [{}])[0]
    flag = ((observation.get("interpretation") or [{}])[0].get("coding") or [{}])[0].get("code", "")
    return Cell(
        observation.get("id", ""), text, unit, effective(observation), "device" if device else "manual", status,
        status in VERIFIED, device.removeprefix("Device/") if device.startswith("Device/") else "",
        performer.get("display", ""), flag,
    )  # fmt: skip


def sheet(observations: Iterable[dict[str, Any]], since: int, until: int, step_minutes: int) -> Sheet:
    """Sort Observations with ``since <= time < until`` into columns of ``step_minutes``."""
    step = step_minutes * MINUTE
    first = since // step * step
    columns = tuple(range(first, until, step))
    rows: dict[str, tuple[str, str, dict[int, list[Cell]]]] = {}
    unverified = 0
    for observation in observations:
        if observation.get("status") in VOID:
            continue
        cell = cell_of(observation)
        if not since <= cell.time < until:
            continue
        code, label = code_of(observation)
        _, _, cells = rows.setdefault(code or label, (label, cell.unit, {}))
        cells.setdefault((cell.time - first) // step, []).append(cell)
        unverified += cell.source == "device" and not cell.verified
    ranked = sorted(rows.items(), key=lambda item: (ORDER.index(item[0]) if item[0] in ORDER else 99, item[1][0]))
    return Sheet(
        columns, step_minutes,
        tuple(Row(code, label, unit, tuple(tuple(sorted(cells.get(at, ()), key=lambda cell: cell.time))
                                           for at in range(len(columns))))
              for code, (label, unit, cells) in ranked),
        unverified,
    )  # fmt: skip
