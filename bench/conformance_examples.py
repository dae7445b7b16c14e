"""The official R4 examples: read, validated, written back with the same bytes.

    python -m bench.conformance_examples [--suites FOLDER] [--why]

Prints one JSON object.  A resource with errors fails unless docs/conformance/r4-examples.md names it with the reason.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.conformance_fhirpath import suites

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


def run(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    known = exceptions()
    why: dict[str, str] = {}
    total = changed = faulty = 0
    for name, line in examples(folder):
        total += 1
        resource = loads(line)
        if dumps(resource) != line:
            changed += 1
            why[name] = "the round trip changes it"
            continue
        found = errors(resource)
        if found:
            faulty += 1
            if name not in known:
                first = found[0]
                why[name] = f"{len(found)} errors: {first.expression}: {first.details} [{first.diagnostics}]"
        elif name in known:
            why[name] = "is listed as an exception, but has no error"
    counts = {
        "suite": SUITE,
        "passed": total - len(why),
        "failed": len(why),
        "total": total,
        "with_errors": faulty,
        "listed_exceptions": len(known),
        "changed_by_round_trip": changed,
        "failures": sorted(why),
    }
    return counts, why


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suites", help="folder of the suites (default: WARDBRIDGE_SUITES or ../shared/suites)")
    parser.add_argument("--why", action="store_true", help="say on stderr why each failure fails")
    options = parser.parse_args()
    counts, why = run(suites(options.suites) / SUITE)
    print(json.dumps(counts))
    if options.why:
        for name, reason in why.items():
            print(f"{name}: {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
