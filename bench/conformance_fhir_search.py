"""The suite ``fhir-search`` against the record in process: JSON lines with counts per group and each failure.

    python -m bench.conformance_fhir_search [--suites FOLDER] [--why]

Judged as the suite's README says: tagged cases apart, ``r4`` where the suite gives what R4's own text asks for.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from bench.scratch import with_client
from bench.suite import counts, main

SUITE = "fhir-search"


def name_of(resource: dict[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource.get('id')}"


async def pages(client: httpx.AsyncClient, case: dict[str, Any]) -> tuple[list[httpx.Response], list[dict[str, Any]]]:
    headers = dict(case.get("headers") or {})
    method = case.get("method", "GET")
    url = "/" + (case.get("path") or "")
    query = urlencode([tuple(p) for p in case.get("params", [])])
    content = None
    if case.get("form") is not None:
        content = urlencode([tuple(p) for p in case["form"]]).encode()
        headers["content-type"] = "application/x-www-form-urlencoded"
    answers = [await client.request(method, url + (f"?{query}" if query else ""), content=content, headers=headers)]
    found: list[dict[str, Any]] = []
    while answers[-1].status_code == 200:
        body = answers[-1].json()
        found.extend(body.get("entry", []))
        following = [link["url"] for link in body.get("link", []) if link["relation"] == "next"]
        if not following or len(answers) > 200:
            break
        answers.append(await client.get(following[0], headers={"prefer": headers.get("Prefer", "")}))
    return answers, found


def problem(expect: dict[str, Any], answers: list[httpx.Response], found: list[dict[str, Any]]) -> str:
    """'' when every condition holds, else what does not."""
    first = answers[0]
    if first.status_code != expect.get("status", 200):
        return f"status {first.status_code}: {first.text[:200]}"
    if any(a.status_code != 200 for a in answers[1:]):
        return f"a page failed: {[a.status_code for a in answers]}"
    by_mode: dict[str, list[str]] = {"match": [], "include": [], "outcome": []}
    for one in found:
        by_mode[one.get("search", {}).get("mode", "match")].append(name_of(one["resource"]))
    match, include = by_mode["match"], by_mode["include"]
    if len(set(match)) != len(match):
        return "a match is given twice"
    for key, got in (("ids", match + sorted(set(include))), ("match", match), ("include", sorted(set(include)))):
        if key in expect and sorted(expect[key]) != sorted(got):
            missing = sorted(set(expect[key]) - set(got))
            return f"{key}: missing {missing[:5]}, too many {sorted(set(got) - set(expect[key]))[:5]}"
    if "contains" in expect and not set(expect["contains"]) <= set(match):
        return "contains: some are missing"
    if "ordered" in expect:
        at = 0
        for group in expect["ordered"]:
            if sorted(match[at : at + len(group)]) != sorted(group):
                return f"order: {match[:8]}"
            at += len(group)
        if at != len(match):
            return f"order: {len(match)} instead of {at}"
    if expect.get("includes_last"):
        modes = [one.get("search", {}).get("mode") for one in found]
        if "include" in modes and "match" in modes[modes.index("include") :]:
            return "an include before a match"
    if "page_size" in expect:
        for answer in answers:
            size = sum(e.get("search", {}).get("mode") == "match" for e in answer.json().get("entry", []))
            if size > expect["page_size"]:
                return f"a page of {size}"
    if "total" in expect and first.json().get("total") != expect["total"]:
        return f"total {first.json().get('total')}"
    if expect.get("next_link") is False and any(k["relation"] == "next" for k in first.json().get("link", [])):
        return "there is a next link"
    if expect.get("outcome"):
        is_outcome = first.status_code == 200 and by_mode["outcome"]
        if not is_outcome and first.json().get("resourceType") != "OperationOutcome":
            return "no OperationOutcome"
    return _elements(expect, found)


def _elements(expect: dict[str, Any], found: list[dict[str, Any]]) -> str:
    by_name = {name_of(one["resource"]): one["resource"] for one in found}
    for name, wanted in (expect.get("elements") or {}).items():
        resource = by_name.get(name, {})
        for element in wanted.get("present", ()):
            if element.split(".")[-1] not in resource:
                return f"{name}.{element} is absent"
        for element in wanted.get("absent", ()):
            if element in resource:
                return f"{name}.{element} is there"
    for name, wanted in (expect.get("values") or {}).items():
        for path, value in wanted.items():
            at: Any = by_name.get(name, {})
            for step in path.replace("]", "").replace("[", ".").split("."):
                at = (at[int(step)] if isinstance(at, list) else at.get(step)) if at is not None else None
            if at != value:
                return f"{name}.{path} is {at!r}"
    if "sorted_by" in expect and not _sorted(expect["sorted_by"], found):
        return f"not sorted by {expect['sorted_by']}"
    return ""


def _sorted(by: Any, found: list[dict[str, Any]]) -> bool:
    path, direction = (by["path"], by.get("direction", "asc")) if isinstance(by, dict) else (by[0], by[1])
    keys = []
    for one in found:
        if one.get("search", {}).get("mode") != "match":
            continue
        at: Any = one["resource"]
        for step in path.split(".")[1 if path[:1].isupper() else 0 :]:
            at = at[0] if isinstance(at, list) else at
            at = at.get(step) if isinstance(at, dict) else None
        keys.append(str(at))
    return keys == sorted(keys, reverse=str(direction).startswith("desc"))


async def load(client: httpx.AsyncClient, steps: list[dict[str, Any]]) -> int:
    """Put and delete what the groups need; the number of refused steps."""
    refused = 0
    for step in steps:
        if "put" in step:
            answer = await client.put("/" + name_of(step["put"]), content=json.dumps(step["put"]).encode())
        else:
            answer = await client.delete("/" + step["delete"])
        refused += answer.status_code >= 400
    return refused


def groups_of(suite: Path) -> list[dict[str, Any]]:
    """The groups of cases with what they need."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(suite.glob("*.json"))]


async def run(client: httpx.AsyncClient, suite: Path, only: str = "") -> list[dict[str, Any]]:
    """One row a group, and one a failure."""
    groups = groups_of(suite)
    refused = sum([await load(client, group["setup"]) for group in groups])
    rows: list[dict[str, Any]] = [{"suite": "fhir-search", "setup_refused": refused}]
    for group in groups:
        if only and group["group"] != only:
            continue
        tally: Counter[str] = Counter()
        for case in group["cases"]:
            answers, found = await pages(client, case)
            expect = case.get("r4") or case["expect"]
            said = problem(expect if isinstance(expect, dict) else {"ids": expect}, answers, found)
            tagged = [tag for tag in case.get("tags") or [] if tag != "eq-overlap"]
            kind = "tagged" if tagged else "plain"
            tally[f"{kind}_{'failed' if said else 'passed'}"] += 1
            if answers[0].status_code >= 500:
                tally["status_5xx"] += 1
            if said:
                rows.append(
                    {
                        "failed": case["name"],
                        "group": group["group"],
                        "query": case.get("query"),
                        "tags": tagged,
                        "why": said,
                    }
                )
        rows.append({"group": group["group"], **dict(sorted(tally.items()))})
    return rows


def judge(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The counts with plain and tagged cases apart, and the reason of each failure."""
    rows = with_client(lambda client: run(client, folder), validated=False)
    why: dict[str, str] = {}
    parts: Counter[str] = Counter()
    for row in rows:
        if "failed" in row:
            name = f"{row['group']}/{row['failed']}"
            why[name if name not in why else f"{name}#{row['query']}"] = row["why"]
        elif "group" in row:
            parts.update({key: value for key, value in row.items() if isinstance(value, int)})
    total = sum(parts[f"{kind}_{end}"] for kind in ("plain", "tagged") for end in ("passed", "failed"))
    kinds = {
        kind: f"{parts[kind + '_passed']}/{parts[kind + '_passed'] + parts[kind + '_failed']}"
        for kind in ("plain", "tagged")
    }
    return counts(SUITE, total, why, parts=kinds, status_5xx=parts["status_5xx"]), why


if __name__ == "__main__":
    main(SUITE, judge, __doc__)
