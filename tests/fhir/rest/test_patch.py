"""PATCH: JSON Patch and FHIRPath Patch on the record, with conditions, in bundles, and many at once."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Any

import pytest
from tests.fhir.rest.conftest import Api

from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.rest.patch.errors import Unprocessable
from wardbridge.fhir.rest.patch.json_patch import json_patch, read_json_patch
from wardbridge.fhir.rest.patch.path_patch import path_patch, read_path_patch

JSON_PATCH = {"content-type": "application/json-patch+json"}
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:mrn", "value": "1"}],
    "name": [{"use": "official", "family": "Ada", "given": ["A", "B", "C"]}, {"use": "nickname", "given": ["X"]}],
    "gender": "female",
    "birthDate": "1970-01-01",
    "deceasedBoolean": False,
}


def part(name: str, **value: Any) -> dict[str, Any]:
    return {"name": name, **value}


def named(text: str) -> dict[str, Any]:
    return part("name", valueString=text)


def operation(kind: str, path: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return part("operation", part=[part("type", valueCode=kind), part("path", valueString=path), *parts])


def parameters(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(operations)}


PATHS: list[tuple[str, list[dict[str, Any]], dict[str, Any]]] = [
    (
        "a simple property",
        [operation("add", "Patient", named("active"), part("value", valueBoolean=True))],
        {"active": True},
    ),
    (
        "to a list",
        [operation("add", "Patient", named("identifier"), part("value", valueIdentifier={"value": "2"}))],
        {"identifier": [{"system": "urn:mrn", "value": "1"}, {"value": "2"}]},
    ),
    (
        "a type without a name",
        [
            operation(
                "add",
                "Patient",
                named("contact"),
                part("value", part=[part("name", valueHumanName={"text": "N"}), part("gender", valueCode="male")]),
            ),
            operation(
                "add", "Patient.contact[0]", named("relationship"), part("value", valueCodeableConcept={"text": "R"})
            ),
        ],
        {"contact": [{"name": {"text": "N"}, "gender": "male", "relationship": [{"text": "R"}]}]},
    ),
    (
        "a choice of another type",
        [operation("replace", "Patient.deceased", part("value", valueDateTime="2026-01-01"))],
        {"deceasedBoolean": None, "deceasedDateTime": "2026-01-01"},
    ),
    (
        "replace",
        [operation("replace", "Patient.birthDate", part("value", valueDate="1971-02-03"))],
        {"birthDate": "1971-02-03"},
    ),
    ("delete", [operation("delete", "Patient.gender")], {"gender": None}),
    ("delete what is not there", [operation("delete", "Patient.active")], {}),
    (
        "delete by criteria",
        [operation("delete", "Patient.name.where(use = 'nickname')")],
        {"name": [PATIENT["name"][0]]},
    ),
    (
        "one of repeated primitives",
        [operation("replace", "Patient.name.where(use = 'official').given[1]", part("value", valueString="b"))],
        {"name": [{**PATIENT["name"][0], "given": ["A", "b", "C"]}, PATIENT["name"][1]]},
    ),
    (
        "insert",
        [operation("insert", "Patient.name[0].given", part("value", valueString="0"), part("index", valueInteger=0))],
        {"name": [{**PATIENT["name"][0], "given": ["0", "A", "B", "C"]}, PATIENT["name"][1]]},
    ),
    (
        "move",
        [
            operation(
                "move", "Patient.name[0].given", part("source", valueInteger=2), part("destination", valueInteger=0)
            )
        ],
        {"name": [{**PATIENT["name"][0], "given": ["C", "A", "B"]}, PATIENT["name"][1]]},
    ),
    (
        "an extension of a primitive",
        [
            operation(
                "add",
                "Patient.birthDate",
                named("extension"),
                part("value", valueExtension={"url": "urn:x", "valueCode": "y"}),
            )
        ],
        {"_birthDate": {"extension": [{"url": "urn:x", "valueCode": "y"}]}},
    ),
    (
        "the last element of a list, and the list with it",
        [operation("delete", "Patient.identifier[0]"), operation("delete", "Patient.name[1].given.first()")],
        {"identifier": None, "name": [PATIENT["name"][0], {"use": "nickname"}]},
    ),
]


@pytest.mark.parametrize(("operations", "changes"), [row[1:] for row in PATHS], ids=[row[0] for row in PATHS])
def test_fhirpath_patch(operations: list[dict[str, Any]], changes: dict[str, Any]) -> None:
    found = path_patch(loads(dumps(PATIENT)), read_path_patch(parameters(*operations)))
    wanted = {**PATIENT, **changes}
    assert found == {key: value for key, value in wanted.items() if value is not None}


def test_what_hangs_beside_a_primitive_moves_with_it() -> None:
    source: dict[str, Any] = {
        "resourceType": "Patient",
        "name": [{"given": ["A", "B"], "_given": [None, {"id": "b"}]}],
    }
    moved = path_patch(
        loads(dumps(source)),
        read_path_patch(
            parameters(
                operation(
                    "move", "Patient.name.given", part("source", valueInteger=1), part("destination", valueInteger=0)
                )
            )
        ),
    )
    assert moved["name"] == [{"given": ["B", "A"], "_given": [{"id": "b"}, None]}]
    less = path_patch(loads(dumps(source)), read_path_patch(parameters(operation("delete", "Patient.name.given[1]"))))
    assert less["name"] == [{"given": ["A"]}]


UNFIT = [
    operation("delete", "Patient.name"),
    operation("replace", "Patient.name", part("value", valueHumanName={"text": "x"})),
    operation("replace", "Patient.photo", part("value", valueAttachment={"title": "x"})),
    operation("add", "Patient", named("nonsense"), part("value", valueString="x")),
    operation("add", "Patient", named("gender"), part("value", valueCode="male")),
    operation("add", "Patient", named("deceased"), part("value", valueString="x")),
    operation("add", "Patient", named("maritalStatus"), part("value", valueString="x")),
    operation("insert", "Patient.name", part("value", valueHumanName={"text": "x"}), part("index", valueInteger=3)),
    operation("insert", "Patient.name[0]", part("value", valueHumanName={"text": "x"}), part("index", valueInteger=0)),
    operation("move", "Patient.name", part("source", valueInteger=0), part("destination", valueInteger=2)),
    operation("move", "Patient.photo", part("source", valueInteger=0), part("destination", valueInteger=0)),
    operation("delete", "Patient.name.given.count()"),
    operation("delete", "Patient.name.("),
    operation("delete", "1 + 1"),
]


@pytest.mark.parametrize("step", UNFIT, ids=lambda step: step["part"][0]["valueCode"] + step["part"][1]["valueString"])
def test_a_path_patch_that_does_not_fit_says_where(step: dict[str, Any]) -> None:
    with pytest.raises(Unprocessable, match=r"Parameters.parameter\[0\]") as caught:
        path_patch(loads(dumps(PATIENT)), read_path_patch(parameters(step)))
    assert caught.value.where == "Parameters.parameter[0]"


def test_json_patch_keeps_digits_and_tells_true_from_one() -> None:
    source = loads(b'{"resourceType":"Observation","valueQuantity":{"value":37.50},"a":1.0e3,"flag":true}')
    operations = read_json_patch(
        loads(
            b'{"p":[{"op":"test","path":"/a","value":1000},{"op":"copy","from":"/a","path":"/b"},'
            b'{"op":"replace","path":"/valueQuantity/value","value":0.10}]}'
        )["p"]
    )
    done = json_patch(source, operations)
    assert dumps(done).endswith(b'"valueQuantity":{"value":0.10},"a":1.0e3,"flag":true,"b":1.0e3}')
    with pytest.raises(Unprocessable, match="another one"):
        json_patch(done, read_json_patch([{"op": "test", "path": "/flag", "value": 1}]))


async def test_both_forms_over_http(api: Api) -> None:
    made = await api.make(PATIENT)
    url = f"/Patient/{made['id']}"
    one = await api.client.patch(
        url, json=[{"op": "replace", "path": "/gender", "value": "male"}], headers={**JSON_PATCH, "if-match": 'W/"1"'}
    )
    assert (one.status_code, one.json()["gender"], one.headers["etag"]) == (200, "male", 'W/"2"')
    two = await api.client.patch(url, json=parameters(operation("delete", "Patient.gender")))
    assert (two.status_code, "gender" in two.json(), two.json()["meta"]["versionId"]) == (200, False, "3")
    xml = await api.client.patch(
        url,
        content='<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>'
        '<part><name value="type"/><valueCode value="replace"/></part>'
        '<part><name value="path"/><valueString value="Patient.birthDate"/></part>'
        '<part><name value="value"/><valueDate value="2000-01-01"/></part></parameter></Parameters>',
        headers={"content-type": "application/fhir+xml", "accept": "application/fhir+json"},
    )
    assert (xml.status_code, xml.json()["birthDate"]) == (200, "2000-01-01")
    history = (await api.client.get(f"{url}/_history")).json()
    assert history["total"] == 4


@pytest.mark.parametrize(
    ("patch", "headers", "status"),
    [
        (b"{", JSON_PATCH, 400),
        (b'{"op":"add"}', JSON_PATCH, 400),
        (b'[{"op":"nix","path":"/a"}]', JSON_PATCH, 400),
        (b'[{"op":"add","path":"a","value":1}]', JSON_PATCH, 400),
        (b'[{"op":"add","path":"/a"}]', JSON_PATCH, 400),
        (b'[{"op":"remove","path":"/nix"}]', JSON_PATCH, 422),
        (b'[{"op":"remove","path":"/name/x"}]', JSON_PATCH, 422),
        (b'[{"op":"remove","path":"/name/7"}]', JSON_PATCH, 422),
        (b'[{"op":"add","path":"/gender/x","value":1}]', JSON_PATCH, 422),
        (b'[{"op":"move","from":"/name","path":"/name/0"}]', JSON_PATCH, 422),
        (b'[{"op":"test","path":"/gender","value":"male"}]', JSON_PATCH, 422),
        (b'[{"op":"replace","path":"","value":1}]', JSON_PATCH, 422),
        (b'[{"op":"remove","path":""}]', JSON_PATCH, 422),
        (b'[{"op":"replace","path":"/gender","value":"none"}]', JSON_PATCH, 422),
        (b'[{"op":"replace","path":"/id","value":"other"}]', JSON_PATCH, 422),
        (b'[{"op":"replace","path":"/resourceType","value":"Device"}]', JSON_PATCH, 422),
        (b'[{"op":"remove","path":"/gender"}]', {**JSON_PATCH, "if-match": 'W/"7"'}, 412),
        (b"[]", {**JSON_PATCH, "content-type": "application/merge-patch+json"}, 415),
        (b'{"resourceType":"Patient"}', {}, 400),
        (b'{"resourceType":"Parameters","parameter":[{"name":"operation","part":[]}]}', {}, 400),
    ],
)
async def test_refused_patches_change_nothing(api: Api, patch: bytes, headers: dict[str, str], status: int) -> None:
    made = await api.make(PATIENT)
    answer = await api.client.patch(f"/Patient/{made['id']}", content=patch, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert (await api.client.get(f"/Patient/{made['id']}")).json() == made


async def test_patch_of_what_is_not_there(api: Api) -> None:
    change = [{"op": "remove", "path": "/gender"}]
    assert (await api.client.patch("/Patient/none", json=change, headers=JSON_PATCH)).status_code == 404
    made = await api.make(PATIENT)
    await api.client.delete(f"/Patient/{made['id']}")
    assert (await api.client.patch(f"/Patient/{made['id']}", json=change, headers=JSON_PATCH)).status_code == 410


async def test_conditional_patch(api: Api) -> None:
    url = "/Patient?identifier=urn:mrn|1"
    change = [{"op": "remove", "path": "/gender"}]
    assert (await api.client.patch(url, json=change, headers=JSON_PATCH)).status_code == 404
    made = await api.make(PATIENT)
    done = await api.client.patch(url, json=change, headers=JSON_PATCH)
    assert (done.status_code, done.json()["id"], "gender" in done.json()) == (200, made["id"], False)
    await api.make(PATIENT)
    assert (await api.client.patch(url, json=change, headers=JSON_PATCH)).status_code == 412
    assert (await api.client.patch("/Patient", json=change, headers=JSON_PATCH)).status_code == 400


@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_patches_in_bundles(api: Api, kind: str) -> None:
    made = [await api.make(PATIENT) for _ in range(2)]
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": b64encode(b'[{"op":"replace","path":"/gender","value":"male"}]').decode(),
    }
    bundle = {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [
            {"request": {"method": "PATCH", "url": f"Patient/{made[0]['id']}", "ifMatch": 'W/"1"'}, "resource": binary},
            {
                "request": {"method": "PATCH", "url": f"Patient/{made[1]['id']}"},
                "resource": parameters(operation("delete", "Patient.gender")),
            },
        ],
    }
    answer = (await api.client.post("/", json=bundle)).json()
    assert [entry["response"]["status"] for entry in answer["entry"]] == ["200 OK", "200 OK"]
    assert (await api.client.get(f"/Patient/{made[0]['id']}")).json()["gender"] == "male"
    assert "gender" not in (await api.client.get(f"/Patient/{made[1]['id']}")).json()
    again = await api.client.post("/", json=bundle)  # version 1 is no longer current
    if kind == "transaction":
        assert again.status_code == 412
        assert "Bundle.entry[0]" in again.json()["issue"][0]["diagnostics"]
    else:
        assert [e["response"]["status"] for e in again.json()["entry"]] == ["412", "200 OK"]


async def test_no_patch_is_lost_among_many(api: Api) -> None:
    made = await api.make({"resourceType": "Patient", "identifier": []} | {"identifier": [{"value": "0"}]})
    url = f"/Patient/{made['id']}"

    async def add(at: int) -> int:
        if at % 8 == 0:  # an update in between that must not vanish either
            current = (await api.client.get(url)).json()
            body = {**current, "identifier": [*current["identifier"], {"value": str(at)}]}
            answer = await api.client.put(url, json=body, headers={"if-match": f'W/"{current["meta"]["versionId"]}"'})
        else:
            patch = [{"op": "add", "path": "/identifier/-", "value": {"value": str(at)}}]
            answer = await api.client.patch(url, json=patch, headers=JSON_PATCH)
        return answer.status_code

    codes = await asyncio.gather(*(add(at) for at in range(1, 41)))
    assert set(codes) <= {200, 412}
    found = [one["value"] for one in (await api.client.get(url)).json()["identifier"]]
    done = [str(at) for at, code in enumerate(codes, 1) if code == 200]
    assert sorted(found) == sorted(["0", *done])
    assert (await api.client.get(f"{url}/_history?_count=1")).json()["total"] == 1 + len(done)
