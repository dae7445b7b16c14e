"""The official FHIRPath tests for R4: one JSON object with the counts and the names of what fails.

python -m bench.conformance_fhirpath [--suites FOLDER] [--why]
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from bench.suite import counts, main

from wardbridge.core.clock import SystemClock
from wardbridge.fhir.definitions.xml import read_xml
from wardbridge.fhir.json import loads
from wardbridge.fhir.path import Env, PathError, compile
from wardbridge.fhir.path.functions.conversion import to_string
from wardbridge.fhir.path.moments import Moment
from wardbridge.fhir.path.nodes import Node, plain, system, type_info
from wardbridge.fhir.path.quantity import Quantity
from wardbridge.fhir.path.scope import truth

SUITE = "fhirpath-r4"
_ENV = Env(now=SystemClock().now)


@cache
def resource(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return read_xml(data) if path.suffix == ".xml" else loads(data)


def cases(folder: Path) -> Iterator[tuple[str, ElementTree.Element]]:
    """`group/name` (with a running number where a name comes twice) and the test element."""
    seen: set[str] = set()
    for group in ElementTree.parse(folder / "tests-fhir-r4.xml").getroot().iter("group"):
        for test in group.iter("test"):
            name = base = f"{group.get('name')}/{test.get('name')}"
            count = 1
            while name in seen:
                count += 1
                name = f"{base}#{count}"
            seen.add(name)
            yield name, test


def _items(test: ElementTree.Element, folder: Path) -> list[Any]:
    expression = test.findtext("expression") or ""
    file = test.get("inputfile")
    data = resource(folder / "input" / file) if file else {}
    compiled = compile(
        expression,
        data.get("resourceType"),
        strict=test.get("mode") == "strict",
        ordered=test.get("checkOrderedFunctions") == "true",
    )
    items: list[Any] = compiled.items(data, _ENV)
    return items


def _shown(item: Any) -> str | None:
    value = system(item)
    if isinstance(value, Moment):
        return ("@T" if value.kind == "Time" else "@") + str(value)
    if isinstance(value, Node):
        return json.dumps(plain(value), default=str)
    return to_string(value)


def _same(item: Any, kind: str | None, text: str) -> bool:
    value = system(item)
    if kind is not None:
        name = type_info(item).name
        if name.lower() != kind.lower():
            return False
    if isinstance(value, Quantity):
        wanted = Quantity.parse(text)
        return wanted is not None and (wanted.value, wanted.unit) == (value.value, value.unit)
    if isinstance(value, Decimal) and kind is not None:
        return Decimal(text) == value
    shown = _shown(item) or ""
    if isinstance(value, Moment) and not text.startswith("@"):
        shown = shown.lstrip("@T" if value.kind == "Time" else "@")
    if isinstance(value, Moment):
        return shown == text or shown == text.rstrip("T")
    return shown == text


def problem(test: ElementTree.Element, folder: Path) -> str | None:
    """Why the test fails, or None."""
    node = test.find("expression")
    assert node is not None
    must_fail = node.get("invalid")
    try:
        items = _items(test, folder)
    except PathError as error:
        return None if must_fail else f"unexpected: {error}"
    if must_fail:
        return f"expected a {must_fail} error, found {[_shown(i) for i in items]}"
    outputs = [(o.get("type"), o.text or "") for o in test.iter("output")]
    if test.get("predicate") == "true":
        found: Any = truth(items) if len(items) == 1 else bool(items)
        return None if outputs == [("boolean", str(bool(found)).lower())] else f"found {found}"
    if len(items) != len(outputs):
        return f"expected {outputs}, found {[_shown(i) for i in items]}"
    if test.get("ordered") == "false":
        rest = list(items)
        for kind, text in outputs:
            match = next((i for i in rest if _same(i, kind, text)), None)
            if match is None:
                return f"{text!r} is missing"
            rest.remove(match)
        return None
    for item, (kind, text) in zip(items, outputs, strict=True):
        if not _same(item, kind, text):
            return f"expected {kind} {text!r}, found {type_info(item).name} {_shown(item)!r}"
    return None


def run(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The counts, and the reason of each failure."""
    why: dict[str, str] = {}
    total = 0
    for name, test in cases(folder):
        total += 1
        found = problem(test, folder)
        if found is not None:
            why[name] = found
    return counts(SUITE, total, why), why


judge = run

if __name__ == "__main__":
    main(SUITE, judge, __doc__)
