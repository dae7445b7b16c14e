"""The patient's chart, asked of the record: who it is, problems, medications, allergies, values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec

from wardbridge.care.flowsheet import Sheet, sheet
from wardbridge.core.clock import iso
from wardbridge.core.errors import NotFound
from wardbridge.fhir.json import loads
from wardbridge.fhir.store.record import Record

MAX_PAGES = 40


class Line(msgspec.Struct, frozen=True):
    """A line of a list of the chart."""

    id: str
    text: str
    detail: str = ""
    status: str = ""
    since: str = ""
    severity: str = ""


class Lists(msgspec.Struct, frozen=True):
    """The lists; empty means none recorded. ``no_known_allergies``: somebody asked and there are none."""

    problems: tuple[Line, ...]
    medications: tuple[Line, ...]
    allergies: tuple[Line, ...]
    procedures: tuple[Line, ...]
    no_known_allergies: bool = False


def text_of(concept: dict[str, Any] | None) -> str:
    """What a CodeableConcept says to people."""
    if not concept:
        return ""
    codings = concept.get("coding") or [{}]
    return str(concept.get("text") or codings[0].get("display") or codings[0].get("code") or "")


def code_in(concept: dict[str, Any] | None) -> str:
    """The first code of a CodeableConcept."""
    return str(((concept or {}).get("coding") or [{}])[0].get("code", ""))


async def find_all(record: Record, type_name: str, parameters: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Every match of a search, page after page (at most 40 pages of 250)."""
    wanted = [*parameters, ("_count", "250")]
    found: list[dict[str, Any]] = []
    query = record.query([type_name], wanted)
    for _ in range(MAX_PAGES):
        page = await record.search(query)
        found.extend(loads(stored.body) for stored in page.matches if stored.body is not None)
        if not page.cursor:
            break
        query = replace(query, cursor=page.cursor)
    return found


async def patient(record: Record, patient_id: str) -> dict[str, Any]:
    """The Patient. Raises NotFound, also for one that was deleted."""
    stored = await record.read("Patient", patient_id)
    if stored is None or stored.body is None:
        raise NotFound("there is no such patient")
    return loads(stored.body)


async def lists(record: Record, patient_id: str) -> Lists:
    """Problems, medications, allergies and procedures that still stand."""
    subject = ("patient", f"Patient/{patient_id}")
    conditions = await find_all(record, "Condition", [subject])
    requests = await find_all(record, "MedicationRequest", [subject])
    allergies = await find_all(record, "AllergyIntolerance", [subject])
    procedures = await find_all(record, "Procedure", [subject])
    known = [a for a in allergies if code_in(a.get("verificationStatus")) not in {"entered-in-error", "refuted"}]
    none = [a for a in known if code_in(a.get("code")) in {"716186003", "409137002"}]
    return Lists(
        tuple(_problem(c) for c in conditions if code_in(c.get("verificationStatus")) != "entered-in-error"),
        tuple(_medication(m) for m in requests if m.get("status") in {"active", "on-hold"}),
        tuple(_allergy(a) for a in known if a not in none),
        tuple(_procedure(p) for p in procedures if p.get("status") != "entered-in-error"),
        bool(none),
    )


def _problem(condition: dict[str, Any]) -> Line:
    return Line(
        condition["id"],
        text_of(condition.get("code")),
        text_of((condition.get("category") or [None])[0]),
        code_in(condition.get("clinicalStatus")),
        condition.get("onsetDateTime", condition.get("recordedDate", "")),
        text_of(condition.get("severity")),
    )


def _medication(request: dict[str, Any]) -> Line:
    drug = text_of(request.get("medicationCodeableConcept"))
    drug = drug or request.get("medicationReference", {}).get("display", "")
    dosage = "; ".join(dose.get("text", "") for dose in request.get("dosageInstruction", ()) if dose.get("text"))
    return Line(request["id"], drug, dosage, request.get("status", ""), request.get("authoredOn", ""))


def _allergy(allergy: dict[str, Any]) -> Line:
    signs = [sign for reaction in allergy.get("reaction", ()) for sign in reaction.get("manifestation", ())]
    return Line(
        allergy["id"],
        text_of(allergy.get("code")),
        ", ".join(text_of(sign) for sign in signs),
        code_in(allergy.get("clinicalStatus")),
        allergy.get("recordedDate", ""),
        allergy.get("criticality", ""),
    )


def _procedure(procedure: dict[str, Any]) -> Line:
    since = procedure.get("performedDateTime", procedure.get("performedPeriod", {}).get("start", ""))
    return Line(procedure["id"], text_of(procedure.get("code")), status=procedure.get("status", ""), since=since)


async def flowsheet(record: Record, patient_id: str, since: int, until: int, step_minutes: int) -> Sheet:
    """The flowsheet of a patient between two moments (µs)."""
    observations = await find_all(record, "Observation", [
        ("patient", f"Patient/{patient_id}"), ("date", f"ge{iso(since)}"), ("date", f"lt{iso(until)}")])  # fmt: skip
    return sheet(observations, since, until, step_minutes)


async def observation(record: Record, patient_id: str, observation_id: str) -> dict[str, Any]:
    """One Observation of this patient. Raises NotFound, also where it is another patient's."""
    stored = await record.read("Observation", observation_id)
    if stored is None or stored.body is None:
        raise NotFound("there is no such value")
    found = loads(stored.body)
    if found.get("subject", {}).get("reference") != f"Patient/{patient_id}":
        raise NotFound("there is no such value of this patient")
    return found
