"""The TestScripts of ``fhir-rest`` against the record in process: JSON counts per folder, and what fails.

python -m bench.conformance_fhir_rest [--suites FOLDER] [--why]
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from bench.scratch import with_client
from bench.suite import counts, main

SUITE = "fhir-rest"
SAMPLE = [
    {
        "resourceType": "Patient",
        "gender": "male",
        "birthDate": "1970-01-01",
        "name": [{"family": "Smith", "given": ["A"]}],
    },
    {
        "resourceType": "Observation",
        "status": "final",
        "effectiveDateTime": "2025-01-01T00:00:00Z",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
        "valueQuantity": {"value": 120},
    },
]


def url_of(operation: dict[str, Any]) -> str:
    kind = operation.get("type", {}).get("code", "")
    resource, params = operation.get("resource", ""), quote(operation.get("params", ""), safe="?&=/:%,.-_*+$~")
    if kind == "capabilities":
        return "/metadata"
    if kind == "history" and resource:
        return f"/{resource}/_history{params}"
    path = f"/{resource}" if resource else ""
    return path + (params if params[:1] in ("?", "/") or not params else f"/{params}")


def holds(assertion: dict[str, Any], answer: httpx.Response) -> bool:
    operator = assertion.get("operator", "contains" if "responseBody" in assertion else "equals")
    if "responseCode" in assertion:
        actual, wanted = str(answer.status_code), assertion["responseCode"]
    elif "contentType" in assertion:
        actual, wanted = answer.headers.get("content-type", "").split(";")[0], assertion["contentType"].split(";")[0]
    elif "headerField" in assertion:
        actual, wanted = answer.headers.get(assertion["headerField"], ""), assertion.get("value", "")
    else:
        actual, wanted = answer.text, assertion.get("responseBody", assertion.get("value", ""))
    listed = [part.strip() for part in wanted.split(",")]
    return {
        "equals": lambda: actual == wanted,
        "notEquals": lambda: actual != wanted,
        "in": lambda: actual in listed,
        "notIn": lambda: actual not in listed,
        "contains": lambda: wanted in actual,
        "notContains": lambda: wanted not in actual,
        "notEmpty": lambda: bool(actual),
        "empty": lambda: not actual,
        "matchesRegex": lambda: re.search(wanted, actual, re.DOTALL | re.IGNORECASE) is not None,
    }[operator]()


async def script(client: httpx.AsyncClient, test_script: dict[str, Any]) -> str:
    """'' when every assertion holds, else the first that does not."""
    answer: httpx.Response | None = None
    for test in test_script.get("test", []):
        for action in test["action"]:
            if "operation" in action:
                operation = action["operation"]
                headers = {h["field"]: h["value"] for h in operation.get("requestHeader", [])}
                answer = await client.request(
                    (operation.get("method") or "get").upper(), url_of(operation), headers=headers
                )
            elif answer is not None and not holds(action["assert"], answer) and not action["assert"].get("warningOnly"):
                return f"{action['assert'].get('label')}: {answer.status_code} {answer.text[:160]}"
    return ""


async def run(client: httpx.AsyncClient, suite: Path) -> list[dict[str, Any]]:
    for resource in SAMPLE:
        await client.post("/" + str(resource["resourceType"]), json=resource)
    rows: list[dict[str, Any]] = []
    passed: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for path in sorted((suite / "testscripts").glob("*/*/*.json")):
        folder = "/".join(path.parts[-3:-1])
        said = await script(client, json.loads(path.read_text("utf-8")))
        totals[folder] += 1
        passed[folder] += not said
        if said:
            rows.append({"failed": path.stem, "folder": folder, "why": said})
    rows.extend(
        {"suite": "fhir-rest", "folder": folder, "passed": passed[folder], "total": n}
        for folder, n in sorted(totals.items())
    )
    return rows


def judge(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The counts with one of each folder, and the reason of each failure."""
    rows = with_client(lambda client: run(client, folder))
    why = {f"{row['folder']}/{row['failed']}": row["why"] for row in rows if "failed" in row}
    parts = {row["folder"]: f"{row['passed']}/{row['total']}" for row in rows if "total" in row}
    return counts(SUITE, sum(row.get("total", 0) for row in rows), why, parts=parts), why


if __name__ == "__main__":
    main(SUITE, judge, __doc__)
