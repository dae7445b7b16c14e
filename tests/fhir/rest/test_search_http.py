"""Search over HTTP: compartments, what a principal may look through, subsets, links, the CapabilityStatement."""

from __future__ import annotations

from typing import Any

from tests.fhir.rest.conftest import Api, application, client_of

from wardbridge.security.policy import decide
from wardbridge.security.principal import Principal, Target


def observation(patient: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "pulse", "coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


def names(bundle: Any, mode: str = "match") -> list[str]:
    return sorted(
        f"{one['resource']['resourceType']}/{one['resource']['id']}"
        for one in bundle.get("entry", [])
        if one["search"]["mode"] == mode
    )


async def two_patients(api: Api) -> tuple[str, str]:
    ada = (await api.make({"resourceType": "Patient", "name": [{"family": "Lovelace"}], "gender": "female"}))["id"]
    bo = (await api.make({"resourceType": "Patient", "gender": "male"}))["id"]
    for who in (ada, ada, bo):
        await api.make(observation(who))
    await api.make({"resourceType": "Device", "patient": {"reference": f"Patient/{ada}"}})
    return ada, bo


async def test_compartments(api: Api) -> None:
    ada, bo = await two_patients(api)
    mine = (await api.client.get(f"/Patient/{ada}/Observation?code=8867-4&_count=1")).json()
    assert len(names(mine)) == 1
    links = {link["relation"]: link["url"] for link in mine["link"]}
    assert links["self"] == f"http://test/fhir/Patient/{ada}/Observation?code=8867-4&_count=1"
    following = (await api.client.get(links["next"].removeprefix("http://test/fhir"))).json()
    assert len(set(names(mine) + names(following))) == 2
    everything = (await api.client.get(f"/Patient/{ada}/*")).json()
    assert len(names(everything)) == 3
    assert f"Patient/{ada}" in names(everything)
    assert not any("Device" in name for name in names(everything))
    narrowed = (await api.client.get(f"/Patient/{bo}/*?_type=Observation")).json()
    assert len(names(narrowed)) == 1
    form = {"content-type": "application/x-www-form-urlencoded"}
    posted = await api.client.post(f"/Patient/{bo}/Observation/_search", content="code=8867-4", headers=form)
    assert len(names(posted.json())) == 1
    assert (await api.client.get("/Patient/nobody/Observation")).json()["total"] == 0
    assert (await api.client.get(f"/Patient/{ada}/Observation?nix=1")).status_code == 400
    assert (await api.client.get(f"/Patient/{ada}/Device")).status_code == 404
    assert (await api.client.get(f"/Group/{ada}/Observation")).status_code == 404
    assert (await api.client.post(f"/Patient/{ada}/Observation", json=observation(ada))).status_code == 405


async def test_a_compartment_in_a_batch(api: Api) -> None:
    ada, _ = await two_patients(api)
    for kind in ("batch", "transaction"):
        bundle = {
            "resourceType": "Bundle",
            "type": kind,
            "entry": [{"request": {"method": "GET", "url": f"Patient/{ada}/Observation?code=8867-4"}}],
        }
        answer = (await api.client.post("/", json=bundle)).json()
        assert len(names(answer["entry"][0]["resource"])) == 2


async def test_audit_events_of_a_patient(api: Api) -> None:
    ada, bo = await two_patients(api)
    async with client_of(api.application, "administrator") as admin:
        found = (await admin.get(f"/Patient/{bo}/AuditEvent")).json()
    assert 0 < len(found["entry"]) < 5
    assert ada not in str(found["entry"])


async def test_a_chain_needs_leave_for_what_it_passes(api: Api) -> None:
    ada, _ = await two_patients(api)

    async def who(request: Any) -> Principal:
        return Principal("x", "X", "service", frozenset({"service"}), ("system/Observation.rs",))

    app = application(api.pool, api.record)
    app.authenticate = who
    async with client_of(app) as client:
        assert (await client.get(f"/Observation?subject=Patient/{ada}")).status_code == 200
        refused = await client.get("/Observation?subject:Patient.name=love")
        assert refused.status_code == 403
        assert "Patient" in refused.json()["issue"][0]["diagnostics"]
        assert (await client.get("/Observation?_has:Provenance:target:agent=1")).status_code == 403
        assert (await client.get("/Observation?_filter=subject:Patient.name co love")).status_code == 403
        assert (await client.get("/Observation?_list=1")).status_code == 403
        # What may not be read is left out, not refused.
        bundle = (await client.get("/Observation?_include=Observation:subject")).json()
        assert names(bundle, "include") == []
        assert (await client.get(f"/Patient/{ada}/*")).status_code == 200
        assert len(names((await client.get(f"/Patient/{ada}/*")).json())) == 2


async def test_a_part_of_a_type_is_no_way_through(api: Api) -> None:
    """A principal who may see only some patients learns nothing of others by a chain."""
    ada, bo = await two_patients(api)

    def limited(principal: Principal, action: str, target: Target) -> Any:
        decision = decide(principal, action, target)
        if target.type == "Patient":
            object.__setattr__(decision, "filter", (("_id", bo),))
        return decision

    app = application(api.pool, api.record, decide=limited)
    async with client_of(app) as client:
        assert names((await client.get("/Patient")).json()) == [f"Patient/{bo}"]
        assert (await client.get("/Observation?subject:Patient.name=love")).status_code == 403
        bundle = (await client.get(f"/Observation?subject=Patient/{ada}&_include=Observation:subject")).json()
        assert names(bundle, "include") == []


async def test_elements_and_included_resources(api: Api) -> None:
    await two_patients(api)
    asked = "/Observation?_include=Observation:subject&_elements=status,Patient.gender"
    bundle = (await api.client.get(asked)).json()
    for one in bundle["entry"]:
        resource = one["resource"]
        assert resource["meta"]["tag"][-1]["code"] == "SUBSETTED"
        assert set(resource) - {"resourceType", "id", "meta"} == (
            {"status", "code"} if one["search"]["mode"] == "match" else {"gender"}
        )
    plain = (await api.client.get("/Observation?_include=Observation:subject&_elements=status")).json()
    whole = [one["resource"] for one in plain["entry"] if one["search"]["mode"] == "include"]
    assert any("name" in resource for resource in whole)


async def test_includes_do_not_mix_with_text(api: Api) -> None:
    answer = await api.client.get("/Observation?_include=Observation:subject&_summary=text")
    assert answer.status_code == 400


async def test_leniency_says_what_it_passed_over(api: Api) -> None:
    await two_patients(api)
    strict = await api.client.get("/Patient?name:nix=love&gender=female")
    assert strict.status_code == 400
    assert strict.json()["issue"][0]["expression"] == ["name:nix"]
    lenient = await api.client.get("/Patient?name:nix=love&gender=female", headers={"prefer": "handling=lenient"})
    bundle = lenient.json()
    assert bundle["link"][0]["url"].endswith("/Patient?gender=female")
    assert [one["resource"]["issue"][0]["code"] for one in bundle["entry"] if one["search"]["mode"] == "outcome"] == [
        "not-supported"
    ]


async def test_what_is_offered(api: Api) -> None:
    statement = (await api.client.get("/metadata")).json()
    rest = statement["rest"][0]
    assert {"_text", "_content", "_filter", "_list", "_id", "_lastUpdated"} <= {
        one["name"] for one in rest["searchParam"]
    }
    assert len(rest["compartment"]) == 5
    location = next(one for one in rest["resource"] if one["type"] == "Location")
    assert {"name": "near", "type": "special"}.items() <= {
        k: v for one in location["searchParam"] if one["name"] == "near" for k, v in one.items()
    }.items()
