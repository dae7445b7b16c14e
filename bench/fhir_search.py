"""Mixed searches over 24 parameters, and the list of single queries of another published comparison.

An iteration of the mix is 24 requests, one for each parameter, with prefix, modifier and value drawn at random; ids,
names and places are taken from what the server holds. The second list (metadata, totals, full text and look-ups by
sampled ids) is drawn from uniformly.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from bench.fhir_run import Run
from bench.http_client import Connection

LOINC = "http://loinc.org|"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode|"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category|"
MISS = "NON-EXISTS"
_DATES = ("", "eq", "lt", "gt", "ge", "le", "sa", "eb")
_NUMBERS = ("", "eq", "lt", "gt", "ge", "le")
_TEXT = ("", ":contains")


@dataclass
class Sample:
    """What the server holds: ids by type, and texts. Empty lists give a value that matches nothing."""

    ids: dict[str, list[str]] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)

    def id(self, rnd: random.Random, kind: str) -> str:
        return f"{kind}/{rnd.choice(self.ids.get(kind) or ['none'])}"

    def text(self, rnd: random.Random, name: str) -> str:
        return rnd.choice([*self.texts.get(name, ()), MISS])


_SAMPLED = ("Patient", "Encounter", "Practitioner", "Location", "Organization", "Condition", "Procedure")


async def sample(connection: Connection, count: int = 60) -> Sample:
    """The newest resources of some types. A server that refuses one of these searches has no ids of that type."""
    found = Sample()
    texts: dict[str, set[str]] = {name: set() for name in ("family", "given", "city", "org", "condition", "procedure")}
    for kind in _SAMPLED:
        status, body = await connection.send("GET", f"/{kind}?_count={count}")
        entries = json.loads(body).get("entry", []) if status == 200 else []
        resources = [entry["resource"] for entry in entries if entry["resource"]["resourceType"] == kind]
        found.ids[kind] = [resource["id"] for resource in resources]
        for resource in resources:
            _texts(resource, texts)
    found.texts = {name: sorted(values)[:19] for name, values in texts.items()}
    return found


def _texts(resource: dict[str, Any], texts: dict[str, set[str]]) -> None:
    match resource["resourceType"]:
        case "Patient":
            for name in resource.get("name", []):
                texts["family"].add(name.get("family", MISS))
                texts["given"].update(name.get("given", []))
            texts["city"].update(address.get("city", MISS) for address in resource.get("address", []))
        case "Organization":
            texts["org"].add(resource.get("name", MISS))
        case "Condition" | "Procedure" as kind:
            codings = resource.get("code", {}).get("coding", [])
            texts[kind.lower()].update(f"{c.get('system', '')}|{c.get('code', '')}" for c in codings)


def _date(rnd: random.Random, first: int, last: int) -> str:
    if rnd.random() < 0.05:
        return rnd.choice(_DATES) + "2070-01-01"
    return f"{rnd.choice(_DATES)}{rnd.randrange(first, last)}-{rnd.randrange(1, 13):02d}-{rnd.randrange(1, 29):02d}"


_CATEGORIES = (
    "missing-data",
    "laboratory",
    CATEGORY + "laboratory",
    "vital-signs",
    "survey",
    "social-history",
    "procedure",
    "laboratory,vital-signs",
    "laboratory,vital-signs,survey",
)
_CODES = (
    "non-existent",
    *("8302-2", "29463-7", "8480-6", "8462-4", "8867-4", "39156-5", "72514-3", "718-7"),
    LOINC + "8302-2",
    LOINC + "29463-7",
    "8302-2,29463-7",
    "8480-6,8462-4,8867-4",
)
_STATUSES = (
    "planned",
    "arrived",
    "triaged",
    "in-progress",
    "onleave",
    "finished",
    "cancelled",
    "entered-in-error",
)
_CLASSES = ("AMB", "EMER", "IMP", "ACUTE", "OBSENC", "SS", "VR", "HH", ACT + "AMB", ACT + "EMER", ACT + "IMP")
_PAIRS = (
    *("8867-4$gt100", "8867-4$lt60", "8302-2$gt170", "29463-7$gt80", "29463-7$lt5", "39156-5$ge30"),
    *("2339-0$gt140", "2947-0$gt142", LOINC + "8867-4$gt100", LOINC + "8302-2$gt170", LOINC + "39156-5$ge30"),
    "non-existent$gt1",
)
_PARTS = ("8480-6$gt140", "8480-6$ge180", "8480-6$lt100", "8462-4$gt90", "8462-4$lt60", LOINC + "8480-6$gt140")
_COMBO = ("8867-4$gt100", "8480-6$gt140", "8302-2$gt170", "29463-7$gt80", "39156-5$ge30", LOINC + "8462-4$gt90")

Draw = Callable[[random.Random, Sample], tuple[str, str, str, str]]
"""(type, parameter, modifier, value)"""

MIX: tuple[Draw, ...] = (
    lambda r, s: ("Patient", "name", r.choice(_TEXT), s.text(r, r.choice(["family", "given"]))),
    lambda r, s: ("Patient", "address", r.choice(_TEXT), s.text(r, "city")),
    lambda r, s: ("Organization", "name", r.choice(_TEXT), s.text(r, "org")),
    lambda r, s: ("Patient", "birthdate", "", _date(r, 1930, 2020)),
    lambda r, s: ("Observation", "date", "", _date(r, 2008, 2022)),
    lambda r, s: ("Encounter", "date", "", _date(r, 2008, 2022)),
    lambda r, s: ("Observation", "category", "", r.choice(_CATEGORIES)),
    lambda r, s: ("Observation", "code", "", r.choice(_CODES)),
    lambda r, s: ("Encounter", "status", "", r.choice(_STATUSES)),
    lambda r, s: ("Encounter", "class", "", r.choice(_CLASSES)),
    lambda r, s: ("Observation", "value-quantity", "", _number(r, (99999, 170, 80, 30, 100, 140, 200))),
    lambda r, s: ("Observation", "component-value-quantity", "", _number(r, (99999, 120, 80, 140, 90, 100, 60))),
    lambda r, s: ("Observation", "combo-value-quantity", "", _number(r, (99999, 120, 170, 80, 100, 140))),
    lambda r, s: ("Observation", "code-value-quantity", "", r.choice(_PAIRS)),
    lambda r, s: ("Observation", "component-code-value-quantity", "", r.choice(_PARTS)),
    lambda r, s: ("Observation", "combo-code-value-quantity", "", r.choice(_COMBO)),
    lambda r, s: ("Observation", "subject", "", s.id(r, "Patient")),
    lambda r, s: ("Observation", "encounter", "", s.id(r, "Encounter")),
    lambda r, s: ("Observation", "performer", "", s.id(r, "Practitioner")),
    lambda r, s: ("Encounter", "subject", "", s.id(r, "Patient")),
    lambda r, s: ("Encounter", "participant", "", s.id(r, "Practitioner")),
    lambda r, s: ("MedicationRequest", "subject", "", s.id(r, "Patient")),
    lambda r, s: ("MedicationRequest", "encounter", "", s.id(r, "Encounter")),
    lambda r, s: ("MedicationRequest", "requester", "", s.id(r, "Practitioner")),
)


def _number(rnd: random.Random, values: tuple[int, ...]) -> str:
    return f"{rnd.choice(_NUMBERS)}{rnd.choice(values)}"


def url(kind: str, *parameters: tuple[str, str]) -> str:
    """``/Type?name=value&…`` with everything quoted that has a meaning in a query."""
    return f"/{kind}?" + "&".join(f"{name}={quote(value, safe=',:/-')}" for name, value in parameters)


async def search(run: Run, connection: Connection, rnd: random.Random, held: Sample) -> None:
    """The mix, until the run is over."""
    while not run.over:
        for draw in MIX:
            if run.over:
                return
            kind, name, modifier, value = draw(rnd, held)
            await run.call(
                connection, "GET", url(kind, (name + modifier, value), ("_count", "20")), label=f"{kind}?{name}"
            )


def _exact(code: str, count: int) -> tuple[tuple[str, str], ...]:
    return (("code", LOINC + code), ("_count", str(count)), ("_total", "accurate"))


_FIVE = ("_count", "5")
_TEN = ("_count", "10")
_ACCURATE = ("_total", "accurate")
Query = Callable[[random.Random, Sample], str]
QUERIES: dict[str, Query] = {
    "metadata": lambda r, s: "/metadata",
    "newest observations": lambda r, s: url("Observation", _TEN),
    "count of observations": lambda r, s: url("Observation", ("_count", "1"), _ACCURATE),
    "code blood pressure, total": lambda r, s: url("Observation", *_exact("8480-6", 1)),
    "code height, total": lambda r, s: url("Observation", *_exact("8302-2", 5)),
    "code weight, total": lambda r, s: url("Observation", *_exact("29463-7", 5)),
    "code pain, total": lambda r, s: url("Observation", *_exact("72514-3", 5)),
    "combo-code, total": lambda r, s: url("Observation", ("combo-code", LOINC + "8480-6"), ("_count", "1"), _ACCURATE),
    "gender, total": lambda r, s: url("Patient", ("gender", "male"), _FIVE, _ACCURATE),
    "family S": lambda r, s: url("Patient", ("family", "S"), _FIVE),
    "given A": lambda r, s: url("Patient", ("given", "A"), _FIVE),
    "gender and family B": lambda r, s: url("Patient", ("gender", "female"), ("family", "B"), _FIVE),
    "date from 2020": lambda r, s: url("Observation", ("date", "ge2020-01-01"), _FIVE),
    "read Patient": lambda r, s: "/" + s.id(r, "Patient"),
    "family of a patient": lambda r, s: url("Patient", ("family", s.text(r, "family"))),
    "observations of a patient": lambda r, s: url("Observation", ("patient", s.id(r, "Patient")), ("_count", "20")),
    "conditions of a patient": lambda r, s: url("Condition", ("patient", s.id(r, "Patient"))),
    "conditions by code": lambda r, s: url("Condition", ("code", s.text(r, "condition"))),
    "procedures by code": lambda r, s: url("Procedure", ("code", s.text(r, "procedure"))),
    "encounters of a patient": lambda r, s: url("Encounter", ("patient", s.id(r, "Patient")), _TEN),
    "encounters of a practitioner": lambda r, s: url("Encounter", ("participant", s.id(r, "Practitioner")), _TEN),
    "encounters at a location": lambda r, s: url("Encounter", ("location", s.id(r, "Location")), _TEN),
    "prescriptions of a patient": lambda r, s: url("MedicationRequest", ("patient", s.id(r, "Patient"))),
    "content of Patient": lambda r, s: url("Patient", ("_content", "Smith"), _FIVE),
    "content of Observation": lambda r, s: url("Observation", ("_content", "blood"), _FIVE),
    "content of Condition": lambda r, s: url("Condition", ("_content", "hypertension"), _FIVE),
    "name:text": lambda r, s: url("Patient", ("name:text", "ohn"), _FIVE),
    "address:text": lambda r, s: url("Patient", ("address:text", "Boston"), _FIVE),
    "text of Patient": lambda r, s: url("Patient", ("_text", "Smith"), _FIVE),
    "code:text": lambda r, s: url("Condition", ("code:text", "hypertensive"), _FIVE),
}


async def queries(run: Run, connection: Connection, rnd: random.Random, held: Sample) -> None:
    """One of the list at a time, drawn uniformly."""
    names = list(QUERIES)
    while not run.over:
        name = rnd.choice(names)
        await run.call(connection, "GET", QUERIES[name](rnd, held), label=name)


async def singly(connection: Connection, rnd: random.Random, held: Sample, rounds: int, run: Run) -> None:
    """Each query of both lists ``rounds`` times, one after another: for "which one is slow"."""
    for _ in range(rounds):
        for draw in MIX:
            kind, name, modifier, value = draw(rnd, held)
            await run.call(
                connection, "GET", url(kind, (name + modifier, value), ("_count", "20")), label=f"{kind}?{name}"
            )
        for name, query in QUERIES.items():
            await run.call(connection, "GET", query(rnd, held), label=name)
