"""The official R4 examples: read, validated, written back with the same bytes, and as XML that reads as the same.

    python -m bench.conformance_examples [--suites FOLDER] [--why]

Prints one JSON object.  A resource with errors fails unless docs/conformance/r4-examples.md names it with the reason.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.suite import counts, main

from wardbridge.fhir.definitions.xml import read_xml
from wardbridge.fhir.definitions.xml_write import write_xml
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.validate import Issue, validate

SUITE = "r4-examples"
EXCEPTIONS = Path(__file__).resolve().parent.parent / "docs" / "conformance" / "r4-examples.md"


def exceptions() -> dict[str, str]:
    """File name -> reason, from the table of the document."""
    rows = re.findall(r"^\| `([^`]+\.json)` \| (.+?) \|$", EXCEPTIONS.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(rows)


def examples(folder: Path) -> Iterator[tuple[str, bytes]]:
    """File name and bytes of each example, in the suite's order."""
    names = [line.split("\t")[1] for line in (folder / "index.tsv").read_text().splitlines()[1:]]
    with gzip.open(folder / "r4-examples.ndjson.gz") as lines:
        for name, line in zip(names, lines, strict=True):
            yield name, line.rstrip(b"\n")


def errors(resource: dict[str, Any]) -> list[Issue]:
    return [i for i in validate(resource) if i.severity in ("error", "fatal")]


def same_as_xml(resource: dict[str, Any]) -> bool:
    """Whether JSON → XML → JSON changes nothing but the order of properties, down to the digits of decimals."""
    return dumps(_sorted(read_xml(write_xml(resource)))) == dumps(_sorted(resource))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(child) for child in value] if isinstance(value, list) else value


def run(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    known = exceptions()
    why: dict[str, str] = {}
    total = changed = faulty = xml = 0
    for name, line in examples(folder):
        total += 1
        resource = loads(line)
        if dumps(resource) != line:
            changed += 1
            why[name] = "the round trip changes it"
            continue
        if same_as_xml(resource):
            xml += 1
        else:
            why[name] = "the round trip through XML changes it"
            continue
        found = errors(resource)
        if found:
            faulty += 1
            if name not in known:
                first = found[0]
                why[name] = f"{len(found)} errors: {first.expression}: {first.details} [{first.diagnostics}]"
        elif name in known:
            why[name] = "is listed as an exception, but has no error"
    found = counts(SUITE, total, why)
    found |= {
        "with_errors": faulty,
        "listed_exceptions": len(known),
        "changed_by_round_trip": changed,
        "same_through_xml": xml,
    }
    return found, why


judge = run

if __name__ == "__main__":
    main(SUITE, judge, __doc__)
