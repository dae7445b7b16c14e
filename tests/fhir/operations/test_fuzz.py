"""No operation answers with a 5xx, whatever is sent."""

from __future__ import annotations

import random
from typing import Any

from .conftest import observation

TEXTS = ("", "ada", "Patient/ada", "-1", "0", "1e999", "2026-02-30", "9999", "\x00", "*", "a|b", "name.where(", "%x",
         "ü" * 9, "http://[", "all", "update", "2026-01-01T00:00:00Z")  # fmt: skip
VALUES: tuple[Any, ...] = (None, True, 0, -1, 10**30, 1.5, [], {}, [None], {"a": {"b": []}}, *TEXTS)
RESOURCES: tuple[Any, ...] = (
    {"resourceType": "Patient"},
    {"resourceType": "Patient", "name": "x", "contact": [None, 1], "extension": {"url": 1}},
    {"resourceType": "Parameters", "parameter": [{}]},
    {"resourceType": "Bundle", "entry": [{"resource": 1}]},
    {"resourceType": 5},
    {"resourceType": ""},
    *VALUES,
)
PLACES = (
    "/Patient/$validate", "/Patient/ada/$validate", "/Patient/ada/$everything", "/Patient/$everything",
    "/Encounter/x/$everything", "/Group/g/$everything", "/Observation/$lastn", "/Observation/$stats",
    "/Composition/$document", "/$convert", "/$diff", "/Patient/ada/$diff", "/$fhirpath", "/Patient/ada/$fhirpath",
    "/Patient/$expunge", "/OperationDefinition",
)  # fmt: skip


def body(rnd: random.Random, names: list[str]) -> Any:
    if rnd.random() < 0.2:
        return rnd.choice(RESOURCES)
    rows = []
    for _ in range(rnd.randint(0, 4)):
        row: dict[str, Any] = {"name": rnd.choice(names)}
        kind = rnd.choice(
            ("String", "Code", "Uri", "Boolean", "Integer", "Date", "Period", "Coding", "Decimal", "Instant")
        )
        if rnd.random() < 0.3:
            row["resource"] = rnd.choice(RESOURCES)
        elif rnd.random() < 0.1:
            row["part"] = rnd.choice(([], {}, [{"name": "x", "valueString": "y"}], [1]))
        else:
            row[f"value{kind}"] = rnd.choice(VALUES)
        rows.append(row)
    return {"resourceType": "Parameters", "parameter": rows if rnd.random() < 0.95 else rnd.choice(VALUES)}


async def test_operations_answer_anything_without_an_error_of_ours(api: Any) -> None:
    await api.put({"resourceType": "Patient", "id": "ada"})
    await api.put({"resourceType": "Group", "id": "g", "type": "person", "actual": True})
    await api.put(observation("hr", 70))
    known = [entry["resource"] for entry in (await api.get("/OperationDefinition?_count=100"))["entry"]]
    table = {one["code"]: [p["name"] for p in one.get("parameter", ()) if p["use"] == "in"] for one in known}
    rnd = random.Random(7)
    for number in range(600):
        url, who = rnd.choice(PLACES), "administrator" if number % 9 == 0 else "service"
        names = [*table.get(url.rpartition("$")[2], ["code", "url"]), "colour"]
        headers = {"authorization": f"Bearer {who}"}
        if rnd.random() < 0.4:
            query = [(rnd.choice(names), rnd.choice(TEXTS)) for _ in range(rnd.randint(0, 3))]
            answer = await api.client.get(url, params=query, headers=headers)
        else:
            query = []
            answer = await api.client.post(url, json=(query := body(rnd, names)), headers=headers)
        assert answer.status_code < 500, (url, query, answer.text)
        if answer.status_code >= 400:
            assert answer.json()["resourceType"] == "OperationOutcome"
