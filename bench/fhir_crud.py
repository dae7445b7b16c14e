"""CRUD over nine types: an iteration is 36 requests, create, read, update and delete of resources that refer to each
other.

The order and the kinds follow the published comparison of FHIR servers (Patient, Location, Organization,
Practitioner, Encounter, Observation, MedicationRequest, Claim, ExplanationOfBenefit; then nine reads, nine updates of
one scalar, nine deletions in reverse); the resources are our own, about as large as those (compact JSON).
"""

from __future__ import annotations

import json
import random
from typing import Any

from bench.fhir_run import Run
from bench.http_client import Connection

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
TERMS = "http://terminology.hl7.org/CodeSystem"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
FAMILIES = ("Larsen", "Okafor", "Silva", "Novak", "Tanaka", "Haddad", "Moreau", "Kaya")
GIVEN = ("Ada", "Bo", "Chidi", "Dana", "Eli", "Fumi", "Gus", "Hana")
_ORDER = (
    "Patient",
    "Location",
    "Organization",
    "Practitioner",
    "Encounter",
    "Observation",
    "MedicationRequest",
    "Claim",
    "ExplanationOfBenefit",
)


def concept(system: str, code: str, text: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def to(ids: dict[str, str], kind: str, text: str = "") -> dict[str, str]:
    return {"reference": f"{kind}/{ids[kind]}", **({"display": text} if text else {})}


def _address(rnd: random.Random, use: str) -> dict[str, Any]:
    return {
        "use": use,
        "type": "both",
        "line": [f"{rnd.randrange(1, 999)} Harbour Street", f"Apartment {rnd.randrange(1, 99)}"],
        "city": rnd.choice(["Boston", "Springfield", "Worcester", "Lowell"]),
        "state": "MA",
        "postalCode": f"0{rnd.randrange(1000, 2799)}",
        "country": "US",
        "period": {"start": "2015-04-01"},
    }


def patient(ids: dict[str, str], rnd: random.Random) -> dict[str, Any]:
    """About 2.7 kB: names, identifiers, addresses, contacts, extensions."""
    family, given = rnd.choice(FAMILIES), rnd.choice(GIVEN)
    number = rnd.randrange(10**12)
    identifier = [
        {
            "use": "usual" if kind == "MR" else "official",
            "type": concept(f"{TERMS}/v2-0203", kind, text),
            "system": f"urn:bench:{kind.lower()}",
            "value": f"{kind}-{number}",
            "assigner": {"display": "General hospital"},
        }
        for kind, text in (
            ("MR", "Medical Record Number"),
            ("SS", "Social Security Number"),
            ("DL", "Driver's License"),
            ("PPN", "Passport Number"),
        )
    ]
    return {
        "resourceType": "Patient",
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{given} {family}, born in the year 1970</p></div>',
        },
        "extension": [
            {"url": "urn:bench:birth-place", "valueAddress": {"city": "Lowell", "state": "MA", "country": "US"}},
            {"url": "urn:bench:mothers-name", "valueString": f"{rnd.choice(GIVEN)} {rnd.choice(FAMILIES)}"},
            {"url": "urn:bench:adjusted-years", "valueDecimal": round(rnd.uniform(0.1, 40), 4)},
        ],
        "identifier": identifier,
        "active": True,
        "name": [
            {"use": "official", "family": family, "given": [given, "T"], "prefix": ["Ms."]},
            {"use": "maiden", "family": rnd.choice(FAMILIES), "given": [given], "prefix": ["Ms."]},
        ],
        "telecom": [
            {"system": "phone", "value": f"555-{rnd.randrange(10**7):07d}", "use": "home"},
            {"system": "phone", "value": f"555-{rnd.randrange(10**7):07d}", "use": "work"},
            {"system": "email", "value": f"{given.lower()}.{number}@example.org"},
        ],
        "gender": rnd.choice(["female", "male"]),
        "birthDate": f"{rnd.randrange(1930, 2020)}-{rnd.randrange(1, 13):02d}-{rnd.randrange(1, 29):02d}",
        "deceasedBoolean": False,
        "address": [_address(rnd, "home"), _address(rnd, "work")],
        "maritalStatus": concept(f"{TERMS}/v3-MaritalStatus", "M", "Married"),
        "multipleBirthBoolean": False,
        "contact": [
            {
                "relationship": [concept(f"{TERMS}/v2-0131", "N", "Next-of-Kin")],
                "name": {"family": family, "given": [rnd.choice(GIVEN)]},
                "telecom": [{"system": "phone", "value": f"555-{rnd.randrange(10**7):07d}"}],
                "address": _address(rnd, "home"),
            }
        ],
        "communication": [{"language": concept("urn:ietf:bcp:47", "en-US", "English"), "preferred": True}],
    }


def location(ids: dict[str, str], rnd: random.Random) -> dict[str, Any]:
    return {
        "resourceType": "Location",
        "identifier": [{"system": "urn:bench:location", "value": str(rnd.randrange(10**9))}],
        "status": "active",
        "name": f"Ward {rnd.randrange(1, 99)}",
        "description": "Intermediate care with twelve beds",
        "mode": "instance",
        "type": [concept(f"{TERMS}/v3-RoleCode", "HU", "Hospital unit")],
        "telecom": [{"system": "phone", "value": "555-0100"}],
        "address": _address(rnd, "work"),
        "position": {"longitude": -71.0685, "latitude": 42.3629},
    }


def organization(ids: dict[str, str], rnd: random.Random) -> dict[str, Any]:
    return {
        "resourceType": "Organization",
        "identifier": [{"system": "urn:bench:organization", "value": str(rnd.randrange(10**9))}],
        "active": True,
        "type": [concept(f"{TERMS}/organization-type", "prov", "Healthcare Provider")],
        "name": f"General hospital {rnd.randrange(1, 99)}",
        "alias": ["GH"],
        "telecom": [{"system": "phone", "value": "555-0101", "use": "work"}],
        "address": [_address(rnd, "work")],
    }


def practitioner(ids: dict[str, str], rnd: random.Random) -> dict[str, Any]:
    return {
        "resourceType": "Practitioner",
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": str(rnd.randrange(10**9, 10**10))}],
        "active": True,
        "name": [{"family": rnd.choice(FAMILIES), "given": [rnd.choice(GIVEN)], "prefix": ["Dr."]}],
        "telecom": [{"system": "email", "value": "doctor@example.org", "use": "work"}],
        "address": [_address(rnd, "work")],
        "gender": "female",
    }


def encounter(ids: dict[str, str], rnd: random.Random) -> dict[str, Any]:
    period = {"start": "2025-01-01T08:00:00-05:00", "end": "2025-01-01T08:30:00-05:00"}
    return {
        "resourceType": "Encounter",
        "identifier": [{"use": "official", "system": "urn:bench:encounter", "value": str(rnd.randrange(10**9))}],
        "status": "finished",
        "class": {"system": f"{TERMS}/v3-ActCode", "code": "AMB", "display": "ambulatory"},
        "type": [concept(SNOMED, "162673000", "General examination of patient (procedure)")],
        "subject": to(ids, "Patient", "Ada Larsen"),
        "participant": [
            {
                "type": [concept(f"{TERMS}/v3-ParticipationType", "PPRF", "primary performer")],
                "period": period,
                "individual": to(ids, "Practitioner", "Dr. Larsen"),
            }
        ],
        "period": period,
        "reasonCode": [concept(SNOMED, "444814009", "Viral sinusitis (disorder)")],
        "location": [{"location": to(ids, "Location", "Ward 3")}],
        "serviceProvider": to(ids, "Organization", "General hospital"),
    }


def observation(ids: dict[str, str], rnd: random.Random) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [
            {"coding": [{"system": f"{TERMS}/observation-category", "code": "vital-signs", "display": "Vital signs"}]}
        ],
        "code": concept(LOINC, "8867-4", "Heart rate"),
        "subject": to(ids, "Patient"),
        "encounter": to(ids, "Encounter"),
        "effectiveDateTime": "2025-01-01T08:05:00-05:00",
        "issued": "2025-01-01T08:05:00.250-05:00",
        "performer": [to(ids, "Practitioner")],
        "valueQuantity": {"value": rnd.randrange(50, 120), "unit": "/min", "system": UCUM, "code": "/min"},
    }


def medication_request(ids: dict[str, str], rnd: random.Random) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": concept(RXNORM, "313782", "Acetaminophen 325 MG Oral Tablet"),
        "subject": to(ids, "Patient"),
        "encounter": to(ids, "Encounter"),
        "authoredOn": "2025-01-01T08:10:00-05:00",
        "requester": to(ids, "Practitioner"),
        "dosageInstruction": [
            {
                "sequence": 1,
                "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
                "asNeededBoolean": False,
                "doseAndRate": [{"doseQuantity": {"value": 1}}],
            }
        ],
    }


def _billed(ids: dict[str, str]) -> dict[str, Any]:
    return {
        "status": "active",
        "type": concept(f"{TERMS}/claim-type", "professional", "Professional"),
        "use": "claim",
        "patient": to(ids, "Patient", "Ada Larsen"),
        "billablePeriod": {"start": "2025-01-01T08:00:00-05:00", "end": "2025-01-01T08:30:00-05:00"},
        "created": "2025-01-01T08:30:00-05:00",
    }


def claim(ids: dict[str, str], rnd: random.Random) -> dict[str, Any]:
    return {
        "resourceType": "Claim",
        **_billed(ids),
        "provider": to(ids, "Organization", "General hospital"),
        "priority": {"coding": [{"system": f"{TERMS}/processpriority", "code": "normal"}]},
        "facility": to(ids, "Location"),
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"display": "Statutory plan"}}],
        "item": [
            {
                "sequence": 1,
                "productOrService": concept(SNOMED, "162673000", "General examination of patient (procedure)"),
                "encounter": [to(ids, "Encounter")],
            }
        ],
        "total": {"value": 129.16, "currency": "USD"},
    }


def benefit(ids: dict[str, str], rnd: random.Random) -> dict[str, Any]:
    """About 4.5 kB: three items with six adjudications each."""
    adjudication = [
        {
            "category": {"coding": [{"system": f"{TERMS}/adjudication", "code": code, "display": code}]},
            "amount": {"value": round(rnd.uniform(1, 200), 2), "currency": "USD"},
        }
        for code in ("submitted", "copay", "eligible", "deductible", "benefit", "tax")
    ]
    item = {
        "category": {"coding": [{"system": f"{TERMS}/ex-benefitcategory", "code": "1", "display": "Medical care"}]},
        "productOrService": concept(SNOMED, "162673000", "General examination of patient (procedure)"),
        "servicedPeriod": {"start": "2025-01-01T08:00:00-05:00", "end": "2025-01-01T08:30:00-05:00"},
        "locationCodeableConcept": {"coding": [{"system": f"{TERMS}/ex-serviceplace", "code": "19"}]},
        "net": {"value": 129.16, "currency": "USD"},
        "adjudication": adjudication,
    }
    return {
        "resourceType": "ExplanationOfBenefit",
        "identifier": [{"system": "urn:bench:benefit", "value": str(rnd.randrange(10**9))}],
        **_billed(ids),
        "insurer": to(ids, "Organization"),
        "provider": to(ids, "Practitioner"),
        "facility": to(ids, "Location"),
        "claim": to(ids, "Claim"),
        "outcome": "complete",
        "careTeam": [
            {
                "sequence": 1,
                "provider": to(ids, "Practitioner"),
                "role": concept(f"{TERMS}/claimcareteamrole", "primary", "Primary provider"),
            }
        ],
        "insurance": [{"focal": True, "coverage": {"display": "Statutory plan"}}],
        "item": [{"sequence": at, **item, "encounter": [to(ids, "Encounter")]} for at in (1, 2, 3)],
        "total": [
            {
                "category": {"coding": [{"system": f"{TERMS}/adjudication", "code": "submitted"}]},
                "amount": {"value": 129.16, "currency": "USD"},
            }
        ],
        "payment": {"amount": {"value": 103.33, "currency": "USD"}},
    }


_MAKE = dict(
    zip(
        _ORDER,
        (
            patient,
            location,
            organization,
            practitioner,
            encounter,
            observation,
            medication_request,
            claim,
            benefit,
        ),
        strict=True,
    )
)
_CHANGED = {
    "Patient": {"active": False},
    "Location": {"status": "suspended"},
    "Organization": {"active": False},
    "Practitioner": {"active": False},
    "Encounter": {"status": "cancelled"},
    "Observation": {"status": "amended"},
    "MedicationRequest": {"status": "completed"},
    "Claim": {"status": "cancelled"},
    "ExplanationOfBenefit": {"status": "cancelled"},
}
"""The one scalar that the update changes; each is indexed, so the search rows change too."""


async def crud(run: Run, connection: Connection, rnd: random.Random) -> None:
    """Iterations until the run is over. Raises RuntimeError when a create is refused."""
    while not run.over:
        ids: dict[str, str] = {}
        made: list[dict[str, Any]] = []
        for kind in _ORDER:
            resource = _MAKE[kind](ids, rnd)
            answer = json.loads(await run.call(connection, "POST", f"/{kind}", resource, label=f"create {kind}"))
            if answer.get("resourceType") != kind or "id" not in answer:
                raise RuntimeError(f"{kind} was refused: {run.first_error}")
            ids[kind] = answer["id"]
            made.append({**resource, "id": answer["id"]})
        for resource in made:
            kind = resource["resourceType"]
            await run.call(connection, "GET", f"/{kind}/{resource['id']}", label="read")
        for resource in made:
            kind = resource["resourceType"]
            body = {**resource, **_CHANGED[kind]}
            await run.call(connection, "PUT", f"/{kind}/{resource['id']}", body, label="update")
        for resource in reversed(made):
            await run.call(connection, "DELETE", f"/{resource['resourceType']}/{resource['id']}", label="delete")
