"""`$everything`: what belongs to a patient, an encounter, a group; pages, dates, types, permissions."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import issues, named, observation


@pytest.fixture
async def ward(api: Any) -> Any:
    for id_ in ("ada", "bo"):
        await api.put({"resourceType": "Patient", "id": id_})
    await api.put({"resourceType": "Practitioner", "id": "amir"})
    await api.put({"resourceType": "Practitioner", "id": "stranger"})
    await api.put({"resourceType": "Device", "id": "monitor"})
    await api.put({"resourceType": "Device", "id": "implant", "patient": {"reference": "Patient/bo"}})
    await api.put(
        {
            "resourceType": "Encounter",
            "id": "stay",
            "status": "in-progress",
            "class": {"code": "IMP"},
            "subject": {"reference": "Patient/ada"},
            "period": {"start": "2026-01-01"},
        }
    )
    for day in (1, 2, 3):
        await api.put(
            observation(
                f"hr{day}",
                60 + day,
                effectiveDateTime=f"2026-01-0{day}T08:00:00Z",
                encounter={"reference": "Encounter/stay"},
                performer=[{"reference": "Practitioner/amir"}],
                device={"reference": "Device/monitor"},
            )
        )
    await api.put(
        observation("other", 70, subject={"reference": "Patient/bo"}, focus=[{"reference": "Device/implant"}])
    )
    await api.put(
        {
            "resourceType": "Group",
            "id": "both",
            "type": "person",
            "actual": True,
            "member": [
                {"entity": {"reference": "Patient/ada"}},
                {"entity": {"reference": "Patient/bo"}, "inactive": True},
            ],
        }
    )
    return api


OWN = {"Patient/ada", "Encounter/stay", "Observation/hr1", "Observation/hr2", "Observation/hr3"}
SUPPORT = {"Practitioner/amir", "Device/monitor"}


async def test_a_patient_with_what_it_refers_to_and_nobody_else(ward: Any) -> None:
    bundle = await ward.get("/Patient/ada/$everything")
    assert bundle["type"] == "searchset"
    modes = {f"{e['resource']['resourceType']}/{e['resource']['id']}": e["search"]["mode"] for e in bundle["entry"]}
    assert {name for name, mode in modes.items() if mode == "match"} >= OWN
    assert {name for name, mode in modes.items() if mode == "include"} == SUPPORT
    assert not {"Patient/bo", "Observation/other", "Device/implant", "Practitioner/stranger"} & set(modes)
    assert not [link for link in bundle["link"] if link["relation"] == "next"]
    (row,) = await ward.audited("$everything")
    assert row == ("Patient", "ada", ["ada", "bo"], 0)  # the group names both


async def test_pages_give_everything_once(ward: Any) -> None:
    whole = {n for n in named(await ward.get("/Patient/ada/$everything")) if n not in SUPPORT}
    seen: list[str] = []
    url = "/Patient/ada/$everything?_count=2"
    for _ in range(10):
        bundle = await ward.get(url)
        found = [n for n in named(bundle) if n not in SUPPORT]
        assert 0 < len(found) <= 2
        seen += found
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        if "next" not in links:
            break
        url = links["next"].removeprefix("http://test/fhir")
        assert "_count=2" in url
    assert len(seen) == len(set(seen))
    assert set(seen) == whole


async def test_types_dates_and_since(ward: Any) -> None:
    assert set(named(await ward.get("/Patient/ada/$everything?_type=Observation,Practitioner"))) == {
        "Observation/hr1",
        "Observation/hr2",
        "Observation/hr3",
        "Practitioner/amir",
    }
    by_date = set(named(await ward.get("/Patient/ada/$everything?start=2026-01-02&end=2026-01-02")))
    assert by_date >= {"Patient/ada", "Encounter/stay", "Observation/hr2"}
    assert not {"Observation/hr1", "Observation/hr3"} & by_date
    before = set(named(await ward.get("/Patient/ada/$everything?end=2025-12-31")))
    assert "Encounter/stay" not in before
    await ward.clock.advance(3600)
    later = (await ward.put(observation("late", 90)))["meta"]["lastUpdated"]
    assert set(named(await ward.get(f"/Patient/ada/$everything?_since={later}"))) == {"Observation/late"}


async def test_an_encounter_and_a_group(ward: Any) -> None:
    found = set(named(await ward.get("/Encounter/stay/$everything")))
    assert found == (OWN | SUPPORT)
    found = set(named(await ward.get("/Group/both/$everything")))
    assert found >= {"Group/both", *OWN}
    assert "Patient/bo" not in found  # no longer a member
    everyone = set(named(await ward.get("/Patient/$everything?_type=Patient,Observation")))
    assert everyone == {"Patient/ada", "Patient/bo", "Observation/other", *(n for n in OWN if n.startswith("Obs"))}


async def test_a_scope_without_a_type_sees_nothing_of_it(ward: Any) -> None:
    assert named(await ward.get("/Patient/ada/$everything", who="patients")) == ["Patient/ada"]
    assert set(named(await ward.get("/Patient/ada/$everything", who="vitals"))) == OWN - {"Encounter/stay"}
    await ward.get("/Patient/ada/$everything?_type=Encounter", who="vitals", status=403)
    await ward.get("/Encounter/stay/$everything", who="vitals", status=403)
    await ward.get("/Patient/ada/$everything", who="technician", status=403)
    assert ("Patient", "ada", [], 4) in await ward.audited("$everything")


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        ("/Patient/ada/$everything?_type=Nonsense", 400, "not a resource type"),
        ("/Patient/ada/$everything?_count=0", 400, "_count"),
        ("/Patient/ada/$everything?_count=x", 400, "whole number"),
        ("/Patient/ada/$everything?_since=yesterday", 400, "_since"),
        ("/Patient/ada/$everything?start=2026-02-30", 400, "start"),
        ("/Patient/ada/$everything?start=2026-02-02&end=2026-02-01", 400, "before start"),
        ("/Patient/ada/$everything?_cursor=nonsense", 400, "_cursor"),
        ("/Patient/ada/$everything?colour=red", 400, "no parameter 'colour'"),
        ("/Encounter/stay/$everything?start=2026-01-01", 400, "no parameter 'start'"),
        ("/Patient/nobody/$everything", 404, "does not exist"),
        ("/Group/$everything", 404, "no operation"),
    ],
)
async def test_requests_that_do_not_fit(ward: Any, url: str, status: int, said: str) -> None:
    assert said in issues(await ward.get(url, status=status))[0][1]
