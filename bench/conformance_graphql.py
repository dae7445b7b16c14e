"""The queries of ``graphql`` against the record in process, over HTTP: the ``data`` that must come back, or an error.

python -m bench.conformance_graphql [--suites FOLDER] [--why]

The documents of ``parser-tests.gql`` need only be read; they are counted apart.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
from bench.scratch import with_client
from bench.suite import counts, main

from wardbridge.fhir.definitions.xml import read_xml
from wardbridge.fhir.graphql.document import parsed
from wardbridge.fhir.graphql.errors import RequestError

SUITE = "graphql"
ERROR = "$error"


def documents(text: str) -> dict[str, str]:
    """The documents under their ``#### name`` lines."""
    out: dict[str, str] = {}
    for part in text.split("\n#### "):
        name, _, body = part.removeprefix("#### ").partition("\n")
        out[name.strip()] = body
    return out


def parser_failures(folder: Path) -> tuple[int, dict[str, str]]:
    """How many documents there are, and why some could not be read."""
    found = documents((folder / "parser-tests.gql").read_text("utf-8"))
    why = {}
    for name, text in found.items():
        try:
            parsed(text)
        except RequestError as error:
            why[f"parser: {name}"] = error.message
    return len(found), why


async def fill(client: httpx.AsyncClient, folder: Path, tests: list[ElementTree.Element]) -> None:
    """Every input under its own id; where a test names its input by another id, under that one too."""
    inputs = {path.stem: read_xml(path.read_bytes()) for path in sorted((folder / "input").glob("*.xml"))}
    wanted = list(inputs.values())
    for test in tests:
        type_name, id_, _ = test.attrib["context"].split("/")
        named = inputs.get(test.attrib.get("resource", f"{type_name.lower()}-{id_}"))
        if named is not None and named["id"] != id_:
            wanted.append({**named, "id": id_})
    for resource in wanted:
        answer = await client.put(f"/{resource['resourceType']}/{resource['id']}", json=resource)
        answer.raise_for_status()


async def run(client: httpx.AsyncClient, folder: Path) -> tuple[int, dict[str, str]]:
    tests = list(ElementTree.parse(folder / "manifest.xml").getroot().iter("test"))
    await fill(client, folder, tests)
    said = {test.attrib["name"]: await _one(client, folder, test) for test in tests}
    return len(tests), {name: why for name, why in said.items() if why}


async def _one(client: httpx.AsyncClient, folder: Path, test: ElementTree.Element) -> str:
    """'' when the answer is what the test says."""
    body: dict[str, Any] = {"query": (folder / test.attrib["source"]).read_text("utf-8")}
    if "operation" in test.attrib:
        body |= {"operationName": test.attrib["operation"], "variables": {"var": True}}
    answer = await client.post(f"/{test.attrib['context']}", json=body, headers={"content-type": "application/json"})
    found = answer.json()
    failed = answer.status_code >= 400 or "errors" in found
    if test.attrib["output"] == ERROR:
        return "" if failed and answer.status_code < 500 else f"no error: {answer.text[:200]}"
    if failed:
        return f"{answer.status_code} {answer.text[:200]}"
    wanted = json.loads((folder / test.attrib["output"]).read_text("utf-8"))
    return "" if found["data"] == wanted else f"other data: {json.dumps(found['data'])[:300]}"


def judge(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The counts, and the reason of each failure."""
    total, why = with_client(lambda client: run(client, folder), validated=False)
    read, unread = parser_failures(folder)
    parts = {"queries": f"{total - len(why)}/{total}", "parser": f"{read - len(unread)}/{read}"}
    why |= unread
    return counts(SUITE, total + read, why, parts=parts), why


if __name__ == "__main__":
    main(SUITE, judge, __doc__ or "")
