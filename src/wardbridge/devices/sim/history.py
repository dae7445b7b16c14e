"""A synthetic past for every patient: FHIR R4 transaction Bundles as plain dicts (HL7 FHIR R4 3.1.0.11).

Every resource carries an identifier of its own and is created conditionally (``ifNoneExist``), so that
posting a bundle twice, or after the ADT made the patient, changes nothing. References inside a bundle
are ``urn:uuid``. All times are UTC.
"""

from __future__ import annotations

import tomllib
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import resources
from typing import Any, Final

import numpy as np

from wardbridge.core.clock import to_datetime
from wardbridge.devices.sim.charts import (
    DIASTOLIC,
    HEIGHT,
    LABS,
    PRESSURE,
    SYSTOLIC,
    URINE,
    VITALS,
    WEIGHT,
    Charted,
    Lab,
)
from wardbridge.devices.sim.people import DOCTORS, MRN_SYSTEM, NURSES, VISIT_SYSTEM, Person
from wardbridge.devices.sim.script import Bed, Script

Json = dict[str, Any]

STAFF_SYSTEM: Final = "urn:oid:2.999.1.4"
ITEM_SYSTEM: Final = "urn:oid:2.999.1.3"
NAMESPACE: Final = uuid.UUID("0f0b2f86-6a0f-4a53-8b0e-5b0d1a3c9a11")
LOINC, SNOMED, RXNORM, UCUM = (
    "http://loinc.org",
    "http://snomed.info/sct",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://unitsofmeasure.org",
)
TERMS: Final = "http://terminology.hl7.org/CodeSystem/"
HOURS: Final = 24
CHUNK: Final = 120  # entries of a bundle


def bundles(script: Script, people: list[Person], start: int, seed: int) -> Iterator[Json]:
    """The past of everybody up to ``start`` (µs since 1970 UTC), a few bundles a patient."""
    stories = load_stories()
    now = to_datetime(start).replace(microsecond=0)
    for bed, person in zip(script.beds, people, strict=True):
        yield from patient_bundles(bed, person, stories[bed.story], now, seed)


def load_stories() -> dict[str, Json]:
    """The clinical stories by name."""
    text = resources.files("wardbridge.devices.sim").joinpath("stories.toml").read_text("utf-8")
    return tomllib.loads(text)


def patient_bundles(bed: Bed, person: Person, story: Json, now: datetime, seed: int) -> Iterator[Json]:
    """One patient's past: first who and why, then the observations in chunks.

    Each bundle names patient, stay and staff again, conditionally, so each can be posted on its own.
    """
    past = Past(bed, person, story, now, seed)
    head = past.head()
    yield _transaction([*head, *past.problems(), *past.treatment()])
    charted = past.observations()
    for at in range(0, len(charted), CHUNK):
        yield _transaction([*head, *charted[at : at + CHUNK]])


class Past:
    """Builds the entries of one patient."""

    def __init__(self, bed: Bed, person: Person, story: Json, now: datetime, seed: int) -> None:
        self._bed, self._person, self._story, self._now = bed, person, story, now
        self._rng = np.random.default_rng([seed, bed.number, 99])
        self._admitted = now - timedelta(hours=36)
        self._patient = _urn("Patient", person.mrn)
        self._stay = _urn("Encounter", person.visit)
        self._nurse = _urn("Practitioner", NURSES[bed.number % len(NURSES)][0])
        self._doctor = _urn("Practitioner", DOCTORS[person.doctor][0])

    def head(self) -> list[Json]:
        """Patient, stay and the staff that the rest refers to."""
        person = self._person
        patient = {
            "resourceType": "Patient",
            "identifier": [
                {
                    "use": "official",
                    "type": {"coding": [{"system": f"{TERMS}v2-0203", "code": "MR"}]},
                    "system": MRN_SYSTEM,
                    "value": person.mrn,
                }
            ],
            "active": True,
            "name": [{"use": "official", "family": person.family, "given": [person.given]}],
            "telecom": [{"system": "phone", "value": person.phone, "use": "home"}],
            "gender": person.sex,
            "birthDate": person.born.isoformat(),
            "address": [
                {"use": "home", "line": [person.street], "city": "Seahill", "postalCode": "SH1 4QX", "country": "GB"}
            ],
        }
        stay = {
            "resourceType": "Encounter",
            "identifier": [{"system": VISIT_SYSTEM, "value": person.visit}],
            "status": "in-progress",
            "class": {"system": f"{TERMS}v3-ActCode", "code": "IMP"},
            "subject": {"reference": self._patient},
            "participant": [{"individual": {"reference": self._doctor}}],
            "period": {"start": _instant(self._admitted)},
        }
        staff = [_staff(DOCTORS[person.doctor], "Dr"), _staff(NURSES[self._bed.number % len(NURSES)], "")]
        return [
            _entry(patient, self._patient, MRN_SYSTEM, person.mrn),
            *staff,
            _entry(stay, self._stay, VISIT_SYSTEM, person.visit),
        ]

    def problems(self) -> list[Json]:
        """Conditions, allergies and procedures."""
        entries = []
        for code, text, years in self._story["problems"]:
            onset = self._admitted - timedelta(hours=5) if years == 0 else self._now - timedelta(days=365 * years)
            category = "encounter-diagnosis" if years == 0 else "problem-list-item"
            entries.append(
                self._item(
                    "Condition",
                    code,
                    clinicalStatus=_coded(f"{TERMS}condition-clinical", "active"),
                    verificationStatus=_coded(f"{TERMS}condition-ver-status", "confirmed"),
                    category=[_coded(f"{TERMS}condition-category", category)],
                    code=_coded(SNOMED, code, text),
                    subject={"reference": self._patient},
                    encounter={"reference": self._stay},
                    onsetDateTime=onset.date().isoformat() if years else _instant(onset),
                    recorder={"reference": self._doctor},
                )
            )
        for code, text, criticality, reaction in self._story["allergies"]:
            entries.append(
                self._item(
                    "AllergyIntolerance",
                    code,
                    clinicalStatus=_coded(f"{TERMS}allergyintolerance-clinical", "active"),
                    verificationStatus=_coded(f"{TERMS}allergyintolerance-verification", "confirmed"),
                    type="allergy",
                    criticality=criticality,
                    code=_coded(SNOMED, code, text),
                    patient={"reference": self._patient},
                    recordedDate=_instant(self._admitted),
                    reaction=[{"manifestation": [{"text": reaction}]}],
                )
            )
        for hours, (code, text) in enumerate(self._story["procedures"], 1):
            entries.append(
                self._item(
                    "Procedure",
                    code,
                    status="completed",
                    code=_coded(SNOMED, code, text),
                    subject={"reference": self._patient},
                    encounter={"reference": self._stay},
                    performedDateTime=_instant(self._admitted + timedelta(hours=hours)),
                    performer=[{"actor": {"reference": self._doctor}}],
                )
            )
        return entries

    def treatment(self) -> list[Json]:
        """Medication orders and the care team."""
        entries = [
            self._item(
                "MedicationRequest",
                code,
                status="active",
                intent="order",
                medicationCodeableConcept=_coded(RXNORM, code, drug),
                subject={"reference": self._patient},
                encounter={"reference": self._stay},
                authoredOn=_instant(self._admitted + timedelta(minutes=40 + 7 * n)),
                requester={"reference": self._doctor},
                dosageInstruction=[{"text": f"{dose}, {route}", "route": {"text": route}}],
            )
            for n, (code, drug, dose, route) in enumerate(self._story["medications"])
        ]
        members = [(self._doctor, "Attending physician"), (self._nurse, "Bedside nurse")]
        team = self._item(
            "CareTeam",
            "team",
            status="active",
            name=f"Intensive care, bed {self._bed.number:02d}",
            subject={"reference": self._patient},
            encounter={"reference": self._stay},
            period={"start": _instant(self._admitted)},
            participant=[{"role": [{"text": role}], "member": {"reference": who}} for who, role in members],
        )
        return [*entries, team]

    def observations(self) -> list[Json]:
        """The last day: vitals by the hour, laboratory every six hours, oldest first."""
        person = self._person
        found = [
            self._observation(HEIGHT, self._admitted, "vital-signs", _quantity(person.height, HEIGHT[2], 0)),
            self._observation(WEIGHT, self._admitted, "vital-signs", _quantity(person.weight, WEIGHT[2], 1)),
        ]
        for ago in range(HOURS, 0, -1):
            at = self._now.replace(minute=0, second=0) - timedelta(hours=ago - 1)
            if at > self._now:
                continue
            found += [self._vital(vital, at, ago) for vital in VITALS if (HOURS - ago) % vital.every == 0]
            found += [self._pressure(at, ago), self._urine(at)]
            if (HOURS - ago) % 6 == 0:
                found += [self._lab(lab, at - timedelta(minutes=25), ago) for lab in LABS]
        return found

    def _course(self, name: str, usual: float, ago: int) -> float:
        """The way from where the patient was a day ago to where the ward begins."""
        drift: float = self._story["drift"].get(name, 1.0)
        return usual * (1.0 + (drift - 1.0) * ago / HOURS)

    def _vital(self, vital: Charted, at: datetime, ago: int) -> Json:
        usual = float(self._bed.profile.get(vital.name, 0.0))
        value = self._course(vital.name, usual, ago) + float(self._rng.normal(0.0, vital.spread))
        if vital.name == "spo2":
            value = min(value, 100.0)
        quantity = _quantity(value, vital.unit, vital.digits)
        return self._observation((vital.loinc, vital.text, vital.unit), at, "vital-signs", quantity)

    def _pressure(self, at: datetime, ago: int) -> Json:
        parts = []
        for (code, text, unit), name in ((SYSTOLIC, "sys"), (DIASTOLIC, "dia")):
            usual = self._course(name, float(self._bed.profile[name]), ago)
            value = usual + float(self._rng.normal(0.0, 3.0))
            parts.append({"code": _coded(LOINC, code, text), "valueQuantity": _quantity(value, unit, 0)})
        return self._observation((*PRESSURE, ""), at, "vital-signs", None, component=parts)

    def _urine(self, at: datetime) -> Json:
        failing = self._story["labs"].get("creatinine", 1.0) > 2.0
        volume = float(self._rng.gamma(3.0, 5.0 if failing else 22.0))
        return self._observation(URINE, at, "vital-signs", _quantity(volume, URINE[2], 0), kind="procedure")

    def _lab(self, lab: Lab, at: datetime, ago: int) -> Json:
        factor = self._story["labs"].get(lab.name, 1.0)
        middle, half = (lab.low + lab.high) / 2, (lab.high - lab.low) / 2
        # The blood count of a patient moves slowly; what is abnormal was more so a day ago.
        value = middle * (1.0 + (factor - 1.0) * (0.85 + 0.3 * ago / HOURS)) + float(self._rng.normal(0, half / 6))
        value = max(value, 10.0**-lab.digits)
        shown = round(value, lab.digits)
        extra: Json = {
            "referenceRange": [
                {"low": _quantity(lab.low, lab.unit, lab.digits), "high": _quantity(lab.high, lab.unit, lab.digits)}
            ]
        }
        if shown < lab.low or shown > lab.high:
            flag = "L" if shown < lab.low else "H"
            extra["interpretation"] = [_coded(f"{TERMS}v3-ObservationInterpretation", flag)]
        quantity = _quantity(value, lab.unit, lab.digits)
        return self._observation((lab.loinc, lab.text, lab.unit), at, "laboratory", quantity, **extra)

    def _observation(
        self,
        what: tuple[str, str, str],
        at: datetime,
        category: str,
        quantity: Json | None,
        kind: str = "",
        **extra: Any,
    ) -> Json:
        code, text, _ = what
        body: Json = {
            "status": "final",
            "category": [_coded(f"{TERMS}observation-category", kind or category)],
            "code": _coded(LOINC, code, text),
            "subject": {"reference": self._patient},
            "encounter": {"reference": self._stay},
            "effectiveDateTime": _instant(at),
            "performer": [{"reference": self._doctor if category == "laboratory" else self._nurse}],
            **({"valueQuantity": quantity} if quantity else {}),
            **extra,
        }
        return self._item("Observation", f"{code}-{at:%Y%m%d%H%M}", **body)

    def _item(self, kind: str, key: str, /, **body: Any) -> Json:
        value = f"{self._person.mrn}-{kind}-{key}"
        resource = {"resourceType": kind, "identifier": [{"system": ITEM_SYSTEM, "value": value}], **body}
        return _entry(resource, _urn(kind, value), ITEM_SYSTEM, value)


def _staff(who: tuple[str, str, str], prefix: str) -> Json:
    number, family, given = who
    name: Json = {"family": family, "given": [given], **({"prefix": [prefix]} if prefix else {})}
    resource = {
        "resourceType": "Practitioner",
        "identifier": [{"system": STAFF_SYSTEM, "value": number}],
        "active": True,
        "name": [name],
    }
    return _entry(resource, _urn("Practitioner", number), STAFF_SYSTEM, number)


def _transaction(entries: list[Json]) -> Json:
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _entry(resource: Json, url: str, system: str, value: str) -> Json:
    kind = resource["resourceType"]
    request = {"method": "POST", "url": kind, "ifNoneExist": f"identifier={system}|{value}"}
    return {"fullUrl": url, "resource": resource, "request": request}


def _urn(kind: str, value: str) -> str:
    return f"urn:uuid:{uuid.uuid5(NAMESPACE, f'{kind}/{value}')}"


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _coded(system: str, code: str, text: str = "") -> Json:
    coding = {"system": system, "code": code, **({"display": text} if text else {})}
    return {"coding": [coding], **({"text": text} if text else {})}


def _quantity(value: float, unit: str, digits: int) -> Json:
    number: float | int = round(value) if digits == 0 else round(value, digits)
    return {"value": number, "unit": unit, "system": UCUM, "code": unit}
