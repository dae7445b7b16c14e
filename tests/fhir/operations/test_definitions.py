"""OperationDefinition and CapabilityStatement made from the tables of operations."""

from __future__ import annotations

from typing import Any

import pytest

from wardbridge.fhir.validate import validate

from .conftest import issues, named

HL7 = "http://hl7.org/fhir/OperationDefinition/"


async def test_every_operation_has_a_valid_definition(api: Any) -> None:
    bundle = await api.get("/OperationDefinition?_count=100")
    found = {entry["resource"]["id"]: entry["resource"] for entry in bundle["entry"]}
    assert bundle["total"] == len(found)
    assert {"Resource-validate", "Patient-everything", "Observation-lastn", "Observation-stats"} <= set(found)
    for resource in found.values():
        errors = [issue for issue in validate(resource) if issue.severity in ("error", "fatal")]
        assert not errors, (resource["id"], errors)
    lastn = found["Observation-lastn"]
    assert lastn["base"] == HL7 + "Observation-lastn"
    assert lastn["url"] == "http://test/fhir/OperationDefinition/Observation-lastn"
    assert (lastn["system"], lastn["type"], lastn["instance"]) == (False, True, False)
    assert {"name": "patient", "use": "in", "min": 0, "max": "1"}.items() <= lastn["parameter"][1].items()
    assert lastn["parameter"][1]["searchType"] == "reference"
    assert found["expunge"]["affectsState"] is True


async def test_they_are_read_and_searched_beside_those_of_the_record(api: Any) -> None:
    for id_ in ("mine", "yours"):
        await api.put(
            {
                "resourceType": "OperationDefinition", "id": id_, "name": "Own", "status": "draft", "kind": "operation",
                "code": "own", "system": True, "type": False, "instance": False,
            }
        )  # fmt: skip
    one = await api.get("/OperationDefinition/Resource-validate")
    assert one["code"] == "validate"
    assert (await api.get("/OperationDefinition/mine"))["code"] == "own"
    for query, wanted in (
        ("code=validate", {"Resource-validate"}),
        (f"url={HL7}Resource-validate", {"Resource-validate"}),
        ("url=http://test/fhir/OperationDefinition/Resource-validate", {"Resource-validate"}),
        ("name=Own", {"mine", "yours"}),
        ("_id=mine,Resource-validate", {"mine", "Resource-validate"}),
        ("system=true&type=true&instance=true", {"Resource-meta", "expunge", "fhirpath"}),
        ("kind=query", {"Observation-lastn"}),
        ("code=nothing", set()),
    ):
        bundle = await api.get(f"/OperationDefinition?{query}")
        assert {name.split("/")[1] for name in named(bundle)} == wanted, query
        assert bundle["total"] == len(wanted), query


async def test_pages_go_through_both(api: Any) -> None:
    for at in range(5):
        await api.put(
            {
                "resourceType": "OperationDefinition", "id": f"own{at}", "name": "Own", "status": "draft",
                "kind": "operation", "code": "own", "system": True, "type": False, "instance": False,
            }
        )  # fmt: skip
    whole = set(named(await api.get("/OperationDefinition?_count=100")))
    for count in (1, 3, 4, 5):
        seen: list[str] = []
        url = f"/OperationDefinition?_count={count}"
        while url:
            bundle = await api.get(url)
            assert bundle.get("total", len(whole)) == len(whole)
            assert len(bundle["entry"]) <= count
            seen += named(bundle)
            links = {link["relation"]: link["url"] for link in bundle["link"]}
            url = links.get("next", "").removeprefix("http://test/fhir")
        assert len(seen) == len(set(seen))
        assert set(seen) == whole, count


async def test_they_are_not_written(api: Any) -> None:
    one = await api.get("/OperationDefinition/Resource-validate")
    for method in ("PUT", "DELETE"):
        answer = await api.client.request(method, "/OperationDefinition/Resource-validate", json=one)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD"
    await api.get("/OperationDefinition/nothing", status=404)
    assert "colour" in issues(await api.get("/OperationDefinition?colour=red", status=400))[0][1]
    await api.get("/OperationDefinition?_cursor=op.x", status=400)
    await api.get("/OperationDefinition", who="patients", status=403)
    await api.get("/OperationDefinition/Resource-validate", who="patients", status=403)


async def test_the_capability_statement_lists_them_where_they_are(api: Any) -> None:
    (rest,) = (await api.get("/metadata"))["rest"]
    assert {"convert", "diff", "fhirpath", "expunge"} <= {one["name"] for one in rest["operation"]}
    by_type = {one["type"]: {o["name"] for o in one.get("operation", ())} for one in rest["resource"]}
    assert {"validate", "everything"} <= by_type["Patient"]
    assert "everything" not in by_type["Observation"]
    assert {"validate", "lastn", "stats"} <= by_type["Observation"]
    assert all(one["definition"].startswith("http") for one in rest["operation"])


@pytest.mark.parametrize("url", ["/$nothing", "/Patient/$lastn", "/Observation/$everything", "/Patient/1/$convert"])
async def test_an_operation_that_is_not_there(api: Any, url: str) -> None:
    assert "no operation" in issues(await api.get(url, status=404))[0][1]


async def test_they_can_only_be_counted(api: Any) -> None:
    whole = await api.get("/OperationDefinition?_count=100")
    counted = await api.get("/OperationDefinition?_summary=count")
    assert counted["total"] == len(whole["entry"])
    assert "entry" not in counted
    assert [link["relation"] for link in counted["link"]] == ["self"]
