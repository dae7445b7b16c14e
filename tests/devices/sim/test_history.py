"""The synthetic past and the asset list: valid FHIR, agreeing with the ADT and the wire, repeatable."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest

from wardbridge.core.clock import to_datetime
from wardbridge.devices.sim.cast import assemble
from wardbridge.devices.sim.config import WardConfig
from wardbridge.devices.sim.equipment import assets, overdue
from wardbridge.devices.sim.fleet import fleet, wire_key
from wardbridge.devices.sim.history import bundles, load_stories
from wardbridge.devices.sim.people import MRN_SYSTEM, VISIT_SYSTEM, people
from wardbridge.devices.sim.script import load
from wardbridge.fhir.validate.api import validate

from .stage import START, play

TODAY = date(2026, 11, 22)


def made(seed: int = 1) -> list[dict[str, Any]]:
    cast = assemble(WardConfig(seed=seed), START)
    return list(bundles(cast.script, cast.people, START, seed))


@pytest.fixture(scope="module")
def past() -> list[dict[str, Any]]:
    return made()


def resources(past: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [e["resource"] for b in past for e in b["entry"] if e["resource"]["resourceType"] == kind]


def test_every_resource_is_valid_r4(past: list[dict[str, Any]]) -> None:
    for bundle in past:
        errors = [issue for issue in validate(bundle) if issue.severity in ("error", "fatal")]
        assert errors == []


def test_the_validator_would_notice(past: list[dict[str, Any]]) -> None:
    spoiled = json.loads(json.dumps(past[0]))
    spoiled["entry"][0]["resource"]["gender"] = "F"
    assert [issue for issue in validate(spoiled) if issue.severity == "error"]


def test_bundles_stand_alone_and_can_be_repeated(past: list[dict[str, Any]]) -> None:
    for bundle in past:
        inside = {entry["fullUrl"] for entry in bundle["entry"]}
        assert len(inside) == len(bundle["entry"])
        text = json.dumps([entry["resource"] for entry in bundle["entry"]])
        assert {part.split('"')[0] for part in text.split('"reference": "')[1:]} <= inside
        for entry in bundle["entry"]:
            system, value = entry["request"]["ifNoneExist"].removeprefix("identifier=").split("|")
            identifier = entry["resource"]["identifier"][0]
            assert (identifier["system"], identifier["value"]) == (system, value)


def test_it_is_the_patient_of_the_adt(past: list[dict[str, Any]]) -> None:
    told = {
        (m.get("PID", 3), m.get("PID", 5), m.get("PID", 5, 2), m.get("PID", 7), m.get("PV1", 19))
        for m in (said.message for said in play(WardConfig(), 1, only=("his",)))
        if m.get("PV1", 3) == "ICU"
    }
    stays = {e["subject"]["reference"]: e["identifier"][0] for e in resources(past, "Encounter")}
    assert all(stay["system"] == VISIT_SYSTEM for stay in stays.values())
    known = set()
    for bundle in past:
        patient = bundle["entry"][0]["resource"]
        [identifier], [name] = patient["identifier"], patient["name"]
        assert identifier["system"] == MRN_SYSTEM
        visit = stays[bundle["entry"][0]["fullUrl"]]["value"]
        born = patient["birthDate"].replace("-", "")
        known.add((identifier["value"], name["family"], name["given"][0], born, visit))
    assert known == told
    assert len(known) == 12


def test_a_day_is_charted(past: list[dict[str, Any]]) -> None:
    observations = resources(past, "Observation")
    now = to_datetime(START)
    per_patient = Counter(o["subject"]["reference"] for o in observations)
    assert len(per_patient) == 12
    assert set(per_patient.values()) == {180}
    for observation in observations:
        at = datetime.fromisoformat(observation["effectiveDateTime"].replace("Z", "+00:00"))
        assert at <= now
        assert (now - at).total_seconds() <= 36 * 3600
    codes = Counter(o["code"]["coding"][0]["code"] for o in observations)
    assert codes["8867-4"] == codes["85354-9"] == 12 * 24
    assert codes["8310-5"] == 12 * 6
    assert codes["2524-7"] == 0
    assert codes["2518-9"] == 12 * 4


def test_abnormal_results_are_marked_and_fit_the_story(past: list[dict[str, Any]]) -> None:
    labs = [o for o in resources(past, "Observation") if "referenceRange" in o]
    for lab in labs:
        [limits], value = lab["referenceRange"], lab["valueQuantity"]["value"]
        flag = [i["coding"][0]["code"] for i in lab.get("interpretation", [])]
        low, high = limits["low"]["value"], limits["high"]["value"]
        assert flag == (["L"] if value < low else ["H"] if value > high else [])
    first = past[0]["entry"][0]["fullUrl"]
    lactate = [lab for lab in labs if lab["code"]["coding"][0]["code"] == "2518-9"]
    assert all(lab["interpretation"] for lab in lactate if lab["subject"]["reference"] == first)


def test_every_bed_has_a_story() -> None:
    stories = load_stories()
    assert {bed.story for bed in load().beds} <= set(stories)
    assert all(story["problems"] and story["medications"] for story in stories.values())


def test_the_past_repeats_with_its_seed(past: list[dict[str, Any]]) -> None:
    assert made() == past
    assert made(2) != past


def test_people_differ_and_come_from_everywhere() -> None:
    crowd = people(12, 1)
    assert len({p.mrn for p in crowd}) == len({p.family for p in crowd}) == 12
    assert len({p.visit for p in people(40, 1)}) == 40
    assert len({p.mrn for p in people(40, 1)}) == 40
    assert {p.sex for p in crowd} == {"male", "female"}
    assert any(not p.family.isascii() for p in crowd)
    assert all(18 <= (TODAY - p.born).days // 365 < 90 for p in crowd)


def test_assets_are_the_machines_of_the_wire() -> None:
    rows = assets(load(), 1, TODAY)
    assert [(row.key, row.serial, row.place) for row in rows] == [
        (wire_key(m), m.serial, m.place) for m in fleet(load(), 1)
    ]
    assert len({row.number for row in rows}) == len(rows) == 29
    late = overdue(rows, TODAY)
    soon = [row for row in rows if 0 <= (row.next_due() - TODAY).days <= 30]
    assert 3 <= len(late) <= 6
    assert len(soon) >= 3
    assert rows == assets(load(), 1, TODAY)
    for row in rows:
        assert row.bought < row.installed < TODAY
        assert all(plan.last < plan.due for plan in row.plans)
        assert all(row.bought < work.opened <= work.closed for work in row.works)


def test_times_are_utc(past: list[dict[str, Any]]) -> None:
    for stay in resources(past, "Encounter"):
        assert datetime.fromisoformat(stay["period"]["start"].replace("Z", "+00:00")).tzinfo is UTC
