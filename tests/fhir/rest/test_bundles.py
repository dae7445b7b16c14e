"""Batch and transaction: order, references, conditions, all or nothing, and what races leave behind."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.fhir.rest.conftest import Api, client_of


def entry(
    method: str, url: str, resource: dict[str, Any] | None = None, full_url: str = "", **request: str
) -> dict[str, Any]:
    out: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        out["resource"] = resource
    if full_url:
        out["fullUrl"] = full_url
    return out


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def patient(number: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": "urn:mrn", "value": number}], **more}


def observation(subject: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": subject},
        **more,
    }


async def test_references_inside_a_transaction(api: Api) -> None:
    url = "urn:uuid:0fc374a1-a226-4552-9683-55dd510e67c9"
    answer = await api.client.post(
        "/",
        json=bundle(
            "transaction",
            entry("GET", "Patient?identifier=urn:mrn|1"),
            entry("POST", "Observation", observation(url, note=[{"text": url}])),
            entry("POST", "Patient", patient("1"), url),
        ),
    )
    assert answer.status_code == 200, answer.text
    found, made, who = answer.json()["entry"]
    assert [e["response"]["status"][:3] for e in (found, made, who)] == ["200", "201", "201"]
    assert made["resource"]["subject"]["reference"] == f"Patient/{who['resource']['id']}"
    assert found["resource"]["total"] == 1
    assert who["response"]["location"].endswith("/_history/1")


async def test_order_is_delete_post_put_get(api: Api) -> None:
    old = await api.make(patient("1"))
    answer = await api.client.post(
        "/",
        json=bundle(
            "transaction",
            entry("GET", f"Patient/{old['id']}2"),
            entry("PUT", f"Patient/{old['id']}2", {**patient("3"), "id": f"{old['id']}2"}),
            entry("POST", "Patient", patient("1"), ifNoneExist="identifier=urn:mrn|9"),
            entry("DELETE", f"Patient/{old['id']}"),
        ),
    )
    assert [e["response"]["status"][:3] for e in answer.json()["entry"]] == ["200", "201", "201", "204"]


async def test_conditional_references_and_twins(api: Api) -> None:
    made = await api.make(patient("1"))
    twin = entry("POST", "Patient", patient("5"), "urn:uuid:a", ifNoneExist="identifier=urn:mrn|5")
    other = entry("POST", "Patient", patient("5"), "urn:uuid:b", ifNoneExist="identifier=urn:mrn|5")
    answer = await api.client.post(
        "/",
        json=bundle(
            "transaction",
            entry("POST", "Observation", observation("Patient?identifier=urn:mrn|1")),
            twin,
            other,
            entry("POST", "Observation", observation("urn:uuid:b")),
        ),
    )
    assert answer.status_code == 200, answer.text
    first, one, two, last = answer.json()["entry"]
    assert first["resource"]["subject"]["reference"] == f"Patient/{made['id']}"
    assert one["resource"]["id"] == two["resource"]["id"]
    assert two["response"]["status"][:3] == "200"
    assert last["resource"]["subject"]["reference"] == f"Patient/{one['resource']['id']}"
    lost = await api.client.post(
        "/", json=bundle("transaction", entry("POST", "Observation", observation("Patient?identifier=urn:mrn|none")))
    )
    assert lost.status_code == 412


async def test_nothing_remains_of_a_transaction_that_fails(api: Api) -> None:
    old = await api.make(patient("1"))
    bad = [
        [entry("PUT", f"Patient/{old['id']}", {**patient("1"), "id": old["id"]}, ifMatch='W/"7"')],
        [entry("POST", "Patient", {"resourceType": "Patient", "gender": "none"})],
        [entry("POST", "Observation", observation("Patient?identifier=nobody"))],
        [entry("GET", "Patient/nobody")],
        [entry("PATCH", "Patient/1", {"resourceType": "Parameters"})],
        [entry("POST", "Nonsense", {"resourceType": "Nonsense"})],
        [entry("PUT", "Patient/x", {**patient("7"), "id": "x"}), entry("DELETE", "Patient/x")],
    ]
    for entries in bad:
        answer = await api.client.post(
            "/", json=bundle("transaction", entry("POST", "Patient", patient("2")), *entries)
        )
        assert 400 <= answer.status_code < 500, (entries, answer.text)
        assert answer.json()["resourceType"] == "OperationOutcome"
    assert (await api.client.get("/Patient?identifier=urn:mrn|2&_summary=count")).json()["total"] == 0
    assert await api.pool.fetchval("SELECT count(*) FROM fhir_version") == 1


async def test_batch_entries_stand_alone(api: Api) -> None:
    answer = await api.client.post(
        "/",
        json=bundle(
            "batch",
            entry("POST", "Patient", patient("1")),
            entry("POST", "Patient", {"resourceType": "Patient", "gender": "none"}),
            entry("GET", "Patient/nobody"),
            entry("GET", "Patient?nix=1"),
            entry("DELETE", "Patient/nobody"),
        ),
    )
    assert answer.status_code == 200
    entries = answer.json()["entry"]
    assert [e["response"]["status"][:3] for e in entries] == ["201", "422", "404", "400", "204"]
    assert entries[1]["response"]["outcome"]["resourceType"] == "OperationOutcome"


async def test_racing_conditional_creates_over_http(api: Api) -> None:
    """32 tasks, plain and in transactions: one resource, and never a 5xx."""

    async def race(n: int) -> int:
        if n % 2:
            sent = await api.client.post(
                "/Patient", json=patient("77"), headers={"if-none-exist": "identifier=urn:mrn|77"}
            )
        else:
            sent = await api.client.post(
                "/",
                json=bundle(
                    "transaction",
                    entry("POST", "Patient", patient("77"), "urn:uuid:x", ifNoneExist="identifier=urn:mrn|77"),
                    entry("POST", "Observation", observation("urn:uuid:x")),
                ),
            )
        return sent.status_code

    codes = await asyncio.gather(*(race(n) for n in range(32)))
    assert set(codes) <= {200, 201}
    assert (await api.client.get("/Patient?identifier=urn:mrn|77")).json()["total"] == 1
    subjects = await api.pool.fetch("SELECT DISTINCT value FROM fhir_reference")
    assert len(subjects) == 1


async def test_crossing_transactions_never_fail_with_5xx(api: Api) -> None:
    """Transactions over the same resources in opposite order: all end, each update is there."""
    for name in "ab":
        await api.client.put(f"/Patient/{name}", json={**patient(name), "id": name})

    async def cross(n: int) -> int:
        names = "ab" if n % 2 else "ba"
        sent = await api.client.post(
            "/",
            json=bundle(
                "transaction",
                *(entry("PUT", f"Patient/{name}", {**patient(f"{name}{n}"), "id": name}) for name in names),
            ),
        )
        return sent.status_code

    codes = await asyncio.gather(*(cross(n) for n in range(20)))
    assert set(codes) == {200}
    for name in "ab":
        assert (await api.client.get(f"/Patient/{name}")).headers["etag"] == 'W/"21"'


async def test_entries_are_decided_one_by_one(api: Api) -> None:
    async with client_of(api.application, "technician") as technician:
        mixed = bundle(
            "batch", entry("POST", "Device", {"resourceType": "Device"}), entry("POST", "Patient", patient("1"))
        )
        answer = await technician.post("/", json=mixed)
        assert [e["response"]["status"][:3] for e in answer.json()["entry"]] == ["201", "403"]
        refused = await technician.post("/", json={**mixed, "type": "transaction"})
        assert refused.status_code == 403
    assert (await api.client.get("/Device?_summary=count")).json()["total"] == 1
