"""`$validate` over HTTP: on a type, on a resource, by mode and profile."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import issues

GOOD = {"resourceType": "Patient", "active": True}
BAD = {"resourceType": "Patient", "gender": "unsure", "colour": "red"}


def parameters(**given: Any) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for name, value in given.items():
        rows.append(
            {"name": name, "resource": value} if isinstance(value, dict) else {"name": name, **_value(name, value)}
        )
    return {"resourceType": "Parameters", "parameter": rows}


def _value(name: str, value: Any) -> dict[str, Any]:
    return {"valueCode" if name == "mode" else "valueUri": value}


async def test_a_resource_as_the_body_and_in_parameters(api: Any) -> None:
    for body in (GOOD, parameters(resource=GOOD)):
        found = await api.post("/Patient/$validate", body)
        assert all(severity not in ("error", "fatal") for severity, _ in issues(found)), found
    found = await api.post("/Patient/$validate", BAD)
    errors = [text for severity, text in issues(found) if severity == "error"]
    assert any("colour" in text for text in errors)
    assert any("unsure" in text for text in errors)
    assert (await api.get("/Patient"))["total"] == 0


async def test_a_stored_resource(api: Any) -> None:
    await api.put({"resourceType": "Patient", "id": "ada"})
    found = await api.get("/Patient/ada/$validate")
    assert all(severity not in ("error", "fatal") for severity, _ in issues(found))
    assert ("Patient", "ada", ["ada"], 0) in await api.audited("$validate")
    await api.get("/Patient/nobody/$validate", status=404)


async def test_a_resource_of_another_type_or_of_none(api: Any) -> None:
    found = await api.post("/Patient/$validate", parameters(resource={"resourceType": "Group"}))
    assert issues(found) == [("error", "expected a Patient, found a Group")]
    found = await api.post("/Patient/$validate", {"resourceType": "Nonsense"})
    assert issues(found)[0][0] == "error"


async def test_profiles(api: Any) -> None:
    bare = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    vitals = "http://hl7.org/fhir/StructureDefinition/vitalsigns"
    plain = await api.post("/Observation/$validate", bare)
    assert not [text for severity, text in issues(plain) if severity == "error"]
    found = await api.post(f"/Observation/$validate?profile={vitals}", bare)
    assert [text for severity, text in issues(found) if severity == "error"]
    unknown = await api.post("/Observation/$validate?profile=http://nowhere.example/p", bare)
    assert any("nowhere.example" in str(issue) for issue in unknown["issue"])


@pytest.mark.parametrize(
    ("mode", "at", "resource", "severity"),
    [
        ("create", "", GOOD, None),
        ("create", "", {**GOOD, "id": "x"}, "information"),
        ("update", "/ada", {**GOOD, "id": "ada"}, None),
        ("update", "/ada", {**GOOD, "id": "bo"}, "error"),
        ("delete", "/ada", None, "warning"),
    ],
)
async def test_modes(api: Any, mode: str, at: str, resource: Any, severity: str | None) -> None:
    await api.put({"resourceType": "Patient", "id": "ada"})
    await api.put({"resourceType": "Basic", "id": "b", "code": {"text": "x"}, "subject": {"reference": "Patient/ada"}})
    given = {"mode": mode} | ({"resource": resource} if resource else {})
    found = issues(await api.post(f"/Patient{at}/$validate", parameters(**given)))
    mine = [one for one in found if any(word in one[1] for word in ("id of its own", "must carry", "refer to it"))]
    assert [one[0] for one in mine] == ([severity] if severity else [])


async def test_a_write_that_is_not_permitted_is_an_error(api: Any) -> None:
    found = await api.post("/Patient/$validate", parameters(mode="create", resource=GOOD), who="patients")
    assert ("error", "you may not create a Patient") in issues(found)


async def test_what_may_not_be_read_is_not_validated(api: Any) -> None:
    await api.put({"resourceType": "Group", "id": "g", "type": "person", "actual": True})
    await api.get("/Group/g/$validate", who="patients", status=403)
    assert ("Group", "g", [], 4) in await api.audited("$validate")


@pytest.mark.parametrize(
    ("url", "body", "said"),
    [
        ("/Patient/$validate", parameters(mode="sing", resource=GOOD), "mode must be one of"),
        ("/Patient/$validate", parameters(mode="update", resource=GOOD), "[type]/[id]/$validate"),
        ("/Patient/$validate", parameters(), "resource is missing"),
        ("/Patient/ada/$validate", parameters(mode="create", resource=GOOD), "[type]/$validate"),
        ("/Patient/ada/$validate", parameters(mode="profile"), "must be named"),
        ("/Patient/$validate", parameters(colour="red", resource=GOOD), "no parameter 'colour'"),
        ("/Patient/$validate", {"resourceType": "Parameters", "parameter": {}}, "must be a list"),
        ("/Patient/$validate", {"resourceType": "Parameters", "parameter": [{"name": "mode"}]}, "needs one value"),
        (
            "/Patient/$validate",
            {"resourceType": "Parameters", "parameter": [{"name": "mode", "valueInteger": 1}]},
            "not valueInteger",
        ),
        ("/Patient/$validate?mode=create&mode=create", GOOD, "given 2 times"),
    ],
)
async def test_requests_that_do_not_fit(api: Any, url: str, body: Any, said: str) -> None:
    await api.put({"resourceType": "Patient", "id": "ada"})
    found = await api.post(url, body, status=400)
    assert said in issues(found)[0][1]
