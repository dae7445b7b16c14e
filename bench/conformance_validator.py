"""The base R4 cases of the official validator tests: valid or invalid as the reference validator says.

    python -m bench.conformance_validator [--suites FOLDER] [--why]

Prints one JSON object: passed, failed, total, skipped (no expectation or no input file) and the failing names.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.suite import counts, main

from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.xml import read_xml
from wardbridge.fhir.json import loads
from wardbridge.fhir.validate import Issue, validate

SUITE = "fhir-validator-r4"


def expected(case: dict[str, Any], folder: Path) -> bool | None:
    """Whether the reference validator reports an error; None where the suite does not say."""
    java = case.get("java")
    if java is None:
        return None
    if isinstance(java, dict):
        if "errorCount" in java:
            return bool(java["errorCount"])
        outcome: Any = java.get("outcome")
    else:
        outcome = java
    if isinstance(outcome, str):
        path = folder / "outcomes" / outcome
        if not path.exists():
            path = folder / outcome
        if not path.exists():
            return None
        outcome = loads(path.read_bytes())
    if not isinstance(outcome, dict):
        return None
    return any(i["severity"] in ("error", "fatal") for i in outcome.get("issue", ()))


def found(case: dict[str, Any], folder: Path) -> list[Issue]:
    """Our issues for a case; a file that cannot be read at all is one fatal issue."""
    data = (folder / "input" / case["file"]).read_bytes()
    try:
        resource = read_xml(data) if data.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<" else loads(data, unique=True)
    except Invalid as error:
        return [Issue("fatal", "structure", "", str(error))]
    return validate(resource)


def run(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    why: dict[str, str] = {}
    skipped = []
    total = 0
    for case in manifest["test-cases"]:
        name = case["name"]
        want = expected(case, folder)
        if want is None or case.get("use-test") is False or not (folder / "input" / case["file"]).exists():
            skipped.append(name)
            continue
        total += 1
        issues = [i for i in found(case, folder) if i.severity in ("error", "fatal")]
        if bool(issues) != want:
            seen = "; ".join(f"{i.expression}: {i.details} [{i.diagnostics}]" for i in issues[:3])
            why[name] = f"expected {'an error' if want else 'valid'} ({case.get('module', 'base')}); {seen}"
    return counts(SUITE, total, why, skipped=skipped), why


judge = run

if __name__ == "__main__":
    main(SUITE, judge, __doc__)
