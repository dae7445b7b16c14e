"""`$document` and `$convert`."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import issues, named, observation


@pytest.fixture
async def ward(api: Any) -> Any:
    await api.put({"resourceType": "Organization", "id": "org", "name": "Clinic"})
    await api.put({"resourceType": "Patient", "id": "ada", "managingOrganization": {"reference": "Organization/org"}})
    await api.put({"resourceType": "Practitioner", "id": "amir"})
    await api.put({"resourceType": "Practitioner", "id": "stranger"})
    await api.put(observation("hr", 70))
    await api.put(
        {
            "resourceType": "Composition",
            "id": "letter",
            "status": "final",
            "type": {"text": "Letter"},
            "date": "2026-01-01",
            "title": "Discharge",
            "subject": {"reference": "Patient/ada"},
            "author": [{"reference": "http://test/fhir/Practitioner/amir"}],
            "section": [
                {
                    "entry": [{"reference": "Observation/hr"}],
                    "section": [{"entry": [{"reference": "Observation/lost"}]}],
                }
            ],
        }
    )
    return api


async def test_the_composition_first_then_what_it_refers_to(ward: Any) -> None:
    bundle = await ward.get("/Composition/letter/$document")
    assert bundle["type"] == "document"
    assert bundle["identifier"]["value"].startswith("urn:uuid:")
    assert bundle["timestamp"]
    assert named(bundle) == [
        "Composition/letter", "Patient/ada", "Practitioner/amir", "Observation/hr", "Organization/org",
    ]  # fmt: skip
    assert bundle["entry"][1]["fullUrl"] == "http://test/fhir/Patient/ada"
    assert ("Composition", "letter", ["ada"], 0) in await ward.audited("$document")
    same = await ward.get("/Composition/$document?id=letter")
    assert named(same) == named(bundle)
    same = await ward.get("/Composition/$document?id=http://test/fhir/Composition/letter")
    assert named(same) == named(bundle)


async def test_a_document_that_is_kept(ward: Any) -> None:
    rows = [{"name": "persist", "valueBoolean": True}]
    answer = await ward.client.post(
        "/Composition/letter/$document", json={"resourceType": "Parameters", "parameter": rows}
    )
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    assert answer.headers["location"] == f"http://test/fhir/Bundle/{bundle['id']}/_history/1"
    assert named(await ward.get(f"/Bundle/{bundle['id']}")) == named(bundle)
    assert [row[:2] for row in await ward.audited("create")] == [("Bundle", bundle["id"])]


@pytest.mark.parametrize(
    ("url", "who", "status", "said"),
    [
        ("/Composition/nobody/$document", "service", 404, "does not exist"),
        ("/Composition/$document", "service", 400, "id is missing"),
        ("/Composition/$document?id=https://elsewhere.example/Composition/1", "service", 400, "on this server"),
        ("/Composition/letter/$document?id=letter", "service", 400, "twice"),
        ("/Composition/letter/$document?persist=true", "service", 400, "use POST"),
        ("/Composition/letter/$document?graph=http://x", "service", 400, "GraphDefinition"),
        ("/Composition/letter/$document", "patients", 403, ""),
    ],
)
async def test_requests_that_do_not_fit(ward: Any, url: str, who: str, status: int, said: str) -> None:
    assert said in issues(await ward.get(url, who=who, status=status))[0][1]


async def test_an_incomplete_document_is_refused(ward: Any, monkeypatch: Any) -> None:
    from wardbridge.security.principal import Principal

    from . import conftest

    scopes = ("system/Composition.rs", "system/Patient.rs", "system/Practitioner.rs")
    monkeypatch.setitem(conftest.WHO, "some", Principal("s", "S", "service", frozenset({"service"}), scopes))
    found = await ward.get("/Composition/letter/$document", who="some", status=403)
    assert "Observation/" in issues(found)[0][1]
    monkeypatch.setitem(
        conftest.WHO, "some", Principal("s", "S", "service", frozenset({"service"}), (*scopes, "system/Observation.rs"))
    )
    # What lies deeper is left out: the organization of the patient.
    assert "Organization/org" not in named(await ward.get("/Composition/letter/$document", who="some"))


PATIENT = {"resourceType": "Patient", "active": True, "name": [{"family": "A & B", "given": ["x", "y"]}]}


async def test_json_to_xml_and_back(api: Any) -> None:
    headers = {"accept": "application/fhir+xml"}
    answer = await api.client.post("/$convert", json=PATIENT, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/fhir+xml")
    assert '<family value="A &amp; B"/>' in answer.text
    back = await api.client.post(
        "/$convert", content=answer.content,
        headers={"content-type": "application/fhir+xml", "accept": "application/fhir+json"},
    )  # fmt: skip
    assert back.json() == PATIENT
    rows = {"resourceType": "Parameters", "parameter": [{"name": "input", "resource": PATIENT}]}
    assert await api.post("/$convert?_format=json", rows, who="patients") == PATIENT
    found = await api.post("/$convert", {"resourceType": "Nonsense"}, status=400)
    assert "not a resource type" in issues(found)[0][1]
