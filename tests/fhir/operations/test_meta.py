"""`$meta`, `$meta-add`, `$meta-delete`: labels change in place, are found, and no write is misled by them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fhir.operations.conftest import Api

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "meta": {"tag": [{"system": "urn:t", "code": "one", "display": "One"}]},
    "gender": "female",
}
TWO = {"system": "urn:t", "code": "two"}


def labels(**meta: Any) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}


async def found(api: Api, query: str) -> int:
    return int((await api.get(f"/Patient?{query}"))["total"])


async def change(api: Api, url: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
    answer = await api.client.post(url, json=body)
    assert answer.status_code == status, answer.text
    return dict(answer.json()["parameter"][0]["valueMeta"]) if status == 200 else {}


async def test_labels_are_added_and_removed_without_a_version(api: Api) -> None:
    made = await api.put(PATIENT)
    meta = await change(
        api,
        "/Patient/p/$meta-add",
        labels(tag=[TWO, {"system": "urn:t", "code": "one"}], security=[{"code": "R"}], profile=["urn:profile"]),
    )
    assert meta["tag"] == [PATIENT["meta"]["tag"][0], TWO]
    assert (meta["versionId"], meta["lastUpdated"]) == ("1", made["meta"]["lastUpdated"])
    for query in ("_tag=urn:t|two", "_tag=urn:t|one", "_security=R", "_profile=urn:profile"):
        assert await found(api, query) == 1
    read = await api.client.get("/Patient/p")
    assert (read.headers["etag"], read.json()["meta"]) == ('W/"1"', meta)
    assert (await api.get("/Patient/p/$meta"))["parameter"][0]["valueMeta"] == meta
    everything = (await api.get("/Patient/$meta"))["parameter"][0]["valueMeta"]
    assert everything["profile"] == ["urn:profile"]
    assert everything["tag"] == [{"system": "urn:t", "code": "one"}, TWO]
    less = await change(api, "/Patient/p/$meta-delete", labels(tag=[{**TWO, "display": "?"}], profile=["urn:profile"]))
    assert less["tag"] == PATIENT["meta"]["tag"]
    assert "profile" not in less
    assert await found(api, "_tag=urn:t|two") == await found(api, "_profile=urn:profile") == 0
    assert (await api.get("/Patient/p/_history"))["total"] == 1


async def test_an_update_after_it_leaves_no_label_behind(api: Api) -> None:
    """The writer remembers what it indexed last; labels that came in between must not stay in the index."""
    await api.put(PATIENT)
    await api.put(PATIENT)
    await change(api, "/Patient/p/$meta-add", labels(tag=[TWO]))
    assert await found(api, "_tag=urn:t|two") == 1
    again = await api.put(PATIENT)
    assert again["meta"]["versionId"] == "3"
    assert await found(api, "_tag=urn:t|two") == 0
    assert await found(api, "_tag=urn:t|one") == 1


async def test_labels_of_a_version_of_the_history(api: Api) -> None:
    await api.put(PATIENT)
    await api.put({**PATIENT, "gender": "male"})
    await change(api, "/Patient/p/_history/1/$meta-add", labels(tag=[TWO]))
    assert TWO in (await api.get("/Patient/p/_history/1"))["meta"]["tag"]
    assert TWO not in (await api.get("/Patient/p"))["meta"]["tag"]
    assert TWO in (await api.get("/Patient/p/_history/1/$meta"))["parameter"][0]["valueMeta"]["tag"]
    assert await found(api, "_tag=urn:t|two") == 0
    await change(api, "/Patient/p/_history/7/$meta-add", labels(tag=[TWO]), 404)
    await change(api, "/Patient/p/_history/x/$meta-add", labels(tag=[TWO]), 404)


@pytest.mark.parametrize(
    ("url", "body", "status"),
    [
        ("/Patient/p/$meta-add", {"resourceType": "Parameters"}, 400),
        ("/Patient/p/$meta-add", labels(tag=["x"]), 400),
        ("/Patient/none/$meta-add", labels(tag=[TWO]), 404),
        ("/Patient/$meta-add", labels(tag=[TWO]), 404),
    ],
)
async def test_refusals(api: Api, url: str, body: dict[str, Any], status: int) -> None:
    await api.put(PATIENT)
    await change(api, url, body, status)


async def test_who_may_not_update_may_not_label(api: Api) -> None:
    await api.put(PATIENT)
    reader = {"authorization": "Bearer patients"}
    answer = await api.client.post("/Patient/p/$meta-add", json=labels(tag=[TWO]), headers=reader)
    assert answer.status_code == 403
    assert (await api.client.get("/Patient/p/$meta", headers=reader)).status_code == 200
    assert (await api.client.get("/$meta", headers=reader)).status_code == 403
