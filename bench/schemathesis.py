"""Schemathesis over our own OpenAPI: requests made from the description, right ones and wrong ones, and no 5xx.

python -m bench.schemathesis [--examples 5] [--seconds 1800] [--only REGEX] [--base-url URL --token TOKEN]

Without ``--base-url`` a ``wardbridge serve`` is started on a new folder. Bodies are made from the description's own
schemas, cut at a depth: FHIR's types refer to each other without end. Prints one JSON line: operations, cases, and
the requests that were answered with a 5xx; ends with 1 where there is one.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.config import SchemathesisConfig
from tests.app.served import served

import schemathesis

DEPTH = 3
SKIPPED = frozenset({"extension", "modifierExtension", "contained"})


def shallow(document: dict[str, Any], depth: int = DEPTH) -> dict[str, Any]:
    """The document with schemas of bounded depth, each written out where it is used."""
    schemas = document["components"]["schemas"]

    def cut(schema: Any, left: int) -> Any:
        if isinstance(schema, list):
            return [cut(one, left) for one in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            found = schemas[schema["$ref"].rsplit("/", 1)[-1]]
            return {} if found.get("type") == "object" and left == 0 else cut(found, left)
        out = {key: cut(value, left) for key, value in schema.items() if key != "properties"}
        if "properties" in schema:
            required = schema.get("required", ())
            out["properties"] = {
                name: cut(one, left - 1)
                for name, one in schema["properties"].items()
                if name in required or (left > 0 and name not in SKIPPED and name[0] != "_")
            }
        return out

    def bodies(value: Any) -> Any:
        if isinstance(value, list):
            return [bodies(one) for one in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"$ref"} and "/schemas/" in value["$ref"]:
            return cut(value, depth)
        return {key: bodies(one) for key, one in value.items()}

    paths = bodies(document["paths"])
    for path in paths.values():
        for call in path.values():
            call["responses"] = {"default": {"description": "any"}}
    components = bodies({**document["components"], "schemas": {}, "responses": {}})
    return {**document, "paths": paths, "components": components}


def attack(document: dict[str, Any], base: str, token: str, examples: int, seconds: float, only: str) -> dict[str, Any]:
    """Send what the description allows and what it forbids; what came back, by status."""
    schema = schemathesis.openapi.from_dict(shallow(document), config=SchemathesisConfig())
    statuses: Counter[int] = Counter()
    broken: list[str] = []
    operations, end = 0, time.monotonic() + seconds
    headers = {"authorization": f"Bearer {token}"}
    found = [one.ok() for one in schema.get_all_operations() if re.search(only, one.ok().path)]
    random.Random(7).shuffle(found)
    with httpx.Client(timeout=60) as client:

        def send(case: Any) -> None:
            sent = case.as_transport_kwargs(base_url=base)
            given_headers = {name.lower(): value for name, value in (sent.get("headers") or {}).items()} | headers
            try:
                answer = client.request(
                    sent["method"], sent["url"], params=sent.get("params"), headers=given_headers,
                    content=json.dumps(sent["json"]).encode() if "json" in sent else sent.get("data"),
                )  # fmt: skip
            except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeError, ValueError):
                return
            statuses[answer.status_code] += 1
            if answer.status_code >= 500:
                broken.append(f"{sent['method']} {sent['url']} {sent.get('params')} -> {answer.status_code}")

        for operation in found:
            if time.monotonic() > end:
                break
            operations += 1
            run = given(operation.as_strategy())(send)
            limits = settings(
                max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            limits(seed(operations)(run))()
    return {
        "operations": operations,
        "of": len(found),
        "cases": statuses.total(),
        "statuses": {str(code): count for code, count in sorted(statuses.items())},
        "server_errors": broken[:50],
        "passed": not broken,
    }


@contextmanager
def target(base: str, token: str) -> Iterator[tuple[str, str]]:
    """(base URL, token) of the server that was named, or of one that is started here."""
    if base:
        yield base, token
        return
    with tempfile.TemporaryDirectory(prefix="wb-fuzz-") as folder, served(Path(folder) / "data") as server:
        yield f"http://127.0.0.1:{server.port}/fhir", server.token("service")


def main() -> int:
    """Attack, print, and say by the exit code whether anything broke."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", default="")
    parser.add_argument("--token", default="")
    parser.add_argument("--examples", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--only", default="", help="paths that match this regular expression")
    asked = parser.parse_args()
    with target(asked.base_url, asked.token) as (base, token):
        document = httpx.get(f"{base}/openapi.json", timeout=60).json()
        result = attack(document, base, token, asked.examples, asked.seconds, asked.only)
    print(json.dumps(result))
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
