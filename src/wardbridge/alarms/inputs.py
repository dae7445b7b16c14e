"""What people chart and a score needs, followed through the record's change log.

However it was entered (flowsheet, API, HL7), an Observation of one of these codes counts; one that is
entered in error no longer does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from wardbridge.alarms import store
from wardbridge.core.clock import DAY, from_datetime
from wardbridge.core.db import Connection, Pool, transaction

# LOINC code to the score's parameter.
NAMES = {
    "8310-5": "temp", "9279-1": "rr", "8867-4": "hr", "8480-6": "sys", "2708-6": "spo2", "59408-5": "spo2",
    "80288-4": "consciousness", "107661-1": "consciousness",
    "3151-8": "oxygen", "3150-6": "oxygen", "107117-4": "oxygen",
}  # fmt: skip
ACVPU = {
    **{letter.lower(): letter for letter in "ACVPU"},
    "alert": "A", "new confusion": "C", "confusion": "C", "confused": "C", "acute confusion": "C",
    "voice": "V", "responds to voice": "V", "pain": "P", "responds to pain": "P", "unresponsive": "U",
    "la9340-6": "A", "la9341-4": "V", "la9342-2": "P", "la9343-0": "U",
}  # fmt: skip
"""What is written for a level of consciousness: letters, words, LOINC answers of 67775-7."""
VOID = frozenset({"entered-in-error", "cancelled"})


class Change(Protocol):
    """One entry of the record's change log."""

    @property
    def mark(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def resource(self) -> dict[str, Any] | None: ...


class Changes(Protocol):
    """The record's change log: Observations in order, late commits never skipped."""

    async def observations(self, conn: Connection, after: str, limit: int) -> Sequence[Change]: ...


def inputs_of(observation: dict[str, Any]) -> list[tuple[str, str, float | None]]:
    """``(parameter, text, number)`` of an Observation, its components included."""
    found: list[tuple[str, str, float | None]] = []
    for part in (observation, *observation.get("component", ())):
        codes = [coding.get("code") for coding in part.get("code", {}).get("coding", ())]
        name = next((NAMES[code] for code in codes if code in NAMES), None)
        if name is None:
            continue
        if name == "consciousness":
            text = _letter(part)
            if text:
                found.append((name, text, None))
        elif name == "oxygen":
            text = _oxygen(part)
            if text:
                found.append((name, text, None))
        elif "value" in part.get("valueQuantity", {}):
            value = part["valueQuantity"]["value"]
            found.append((name, str(value), float(value)))
    return found


def _letter(part: dict[str, Any]) -> str:
    concept = part.get("valueCodeableConcept", {})
    words = [str(coding.get(key, "")) for coding in concept.get("coding", ()) for key in ("code", "display")]
    for word in (*words, str(concept.get("text", "")), str(part.get("valueString", ""))):
        letter = ACVPU.get(word.strip().lower())
        if letter:
            return letter
    return ""


def _oxygen(part: dict[str, Any]) -> str:
    concept = part.get("valueCodeableConcept")
    if concept is not None:
        text = concept.get("text") or next((c.get("display", "") for c in concept.get("coding", ())), "")
        return "air" if "air" in text.lower() else "oxygen"
    quantity = part.get("valueQuantity", {})
    if "value" not in quantity:
        return ""
    number = float(quantity["value"])
    if quantity.get("code", quantity.get("unit", "")) == "%":
        return "oxygen" if number > 21 else "air"
    return "oxygen" if number > 0 else "air"


def _time(observation: dict[str, Any]) -> int:
    text = observation.get("effectiveDateTime") or observation.get("effectiveInstant") or observation.get("issued", "")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    return from_datetime(moment) if moment.tzinfo else 0


async def follow(pool: Pool, changes: Changes, *, limit: int = 500) -> int:
    """Take the next entries of the change log; how many there were."""
    async with transaction(pool) as conn:
        after = await store.cursor(conn, "inputs")
        entries = await changes.observations(conn, after, limit)
        for entry in entries:
            observation = entry.resource
            await store.drop_input(conn, entry.id)
            if observation is None or observation.get("status") in VOID:
                continue
            patient = observation.get("subject", {}).get("reference", "")
            time = _time(observation)
            if not patient.startswith("Patient/") or not time:
                continue
            for name, text, number in inputs_of(observation):
                await store.put_input(conn, patient[8:], name, text, number, time, entry.id)
        if entries:
            await store.move_cursor(conn, "inputs", entries[-1].mark)
            newest = max((_time(e.resource) for e in entries if e.resource), default=0)
            await store.forget_inputs(conn, newest - 2 * DAY)
    return len(entries)
