"""Every public conformance suite that this version can be judged by, in one run.

python -m bench.conformance [--suites FOLDER] [--only NAME …] [--write docs/conformance.md]

Prints one JSON line a suite: suite, passed, failed, total, seconds, failures, and ``unexplained``: the failures
that ``docs/conformance/<suite>.md`` does not name with a reason. A suite whose folder is absent gives a line that
says so. Ends with 1 where a failure is unexplained, with 2 where no suite was found. ``--write`` needs all suites.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.suite import EXCEPTIONS, suites, timed

from wardbridge import __version__

RUNNERS = {
    "fhirpath-r4": ("fhirpath", "official FHIRPath tests: value, type and order of every result, errors where due"),
    "fhir-validator-r4": ("validator", "valid or not, as the reference validator says"),
    "r4-examples": (
        "r4_examples",
        "every official example: valid (but for those listed as faulty), written back byte for byte; stored, found by "
        "each of its own tokens, read back unchanged",
    ),
    "fhir-search": ("fhir_search", "requests and the exact ids, order, pages and totals that must come back"),
    "tx": ("tx", "terminology operations: answers, issues and their codes, as the HL7 terminology ecosystem expects"),
    "fhir-rest": ("fhir_rest", "TestScripts of the REST surface"),
    "graphql": ("graphql", "queries on resources and the JSON that must come back; documents that must parse"),
    "pcd": ("pcd", "real IHE PCD messages: acknowledged as they ask, PCD-01 and PCD-04 interpreted in full"),
    "hl7v2-corpus": ("hl7v2_corpus", "real HL7 v2 messages, whole, cut and damaged: no crash, no hang, no loss"),
    "hl7v2": ("hl7v2", "more HL7 v2 messages, read without loss; their conversion to FHIR is not built yet"),
    "gudid": (
        "gudid",
        "every identifier read and classified as published, kept, and found again by itself, package and name; labels "
        "made of them parse back",
    ),
    "icsma": (
        "icsma",
        "security advisories: kept whole; each product's machines found, those outside its versions not, with reasons",
    ),
    "kev": ("kev", "exploited vulnerabilities: kept whole, the same again changes nothing, matched as possible"),
    "sbom": (
        "sbom",
        "every bill and statement read, counted, written again; each statement gives its state to what it speaks of "
        "and to nothing else",
    ),
    "mdc": ("mdc", "our table of IEEE 11073 codes and units agrees with the published lists"),
}
"""Suite -> (runner, what is judged)."""

LATER = {
    "balp": "audit events by IHE BALP: issue “Trust”",
    "cql": "Clinical Quality Language: analytics",
    "physionet-2012": "prediction from ICU stays: analytics",
    "physionet-2019": "prediction from ICU stays: analytics",
    "sql-on-fhir": "ViewDefinitions: analytics",
    "synthea": "no cases of its own; the load of `bench.fhir`",
    "tlog": "the provable log: issue “Trust”",
    "waveforms": "WFDB files; record 100 is the measure of `bench.waveform` already",
    "x12": "X12 claims: exchange with payers",
}
"""Suites that wait for what a later issue builds."""


def run(folder: Path, names: Iterable[str]) -> Iterator[dict[str, Any]]:
    """One row a suite, as it is done."""
    for name in names:
        if not (folder / name).is_dir():
            yield {"suite": name, "missing": str(folder / name)}
            continue
        found, why = timed(import_module(f"bench.conformance_{RUNNERS[name][0]}").judge, folder / name)
        yield {**found, "why": why}


def line(row: dict[str, Any]) -> str:
    """The row as printed: names of failures, not their reasons."""
    return json.dumps({key: value for key, value in row.items() if key != "why"}, ensure_ascii=False)


def report(rows: Sequence[dict[str, Any]], day: str, version: str) -> str:
    """The Markdown of all rows."""
    out = [
        "# Conformance",
        "",
        f"Written by `python -m bench.conformance --write docs/conformance.md` (`make suites`) on {day}, version "
        f"{version}. Each",
        "suite is judged as its own README says, over all of its cases; no input is treated specially. The folder of",
        "the suites is `WARDBRIDGE_SUITES`. A failure without a documented reason ends the run with 1.",
        "",
        "| suite | what is judged | passed | total | % | seconds | exceptions |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        name, told = row["suite"], RUNNERS[row["suite"]][1]
        if "missing" in row:
            out.append(f"| `{name}` | {told} | – | – | – | – | the suite was not there |")
            continue
        share = 100 * row["passed"] / row["total"] if row["total"] else 0.0
        reasons = f"[why](conformance/{name}.md)" if (EXCEPTIONS / f"{name}.md").is_file() else "none"
        out.append(
            f"| `{name}` | {told} | {row['passed']} | {row['total']} | {share:.1f} | {row['seconds']} | {reasons} |"
        )
    out += ["", "Reproduce one of them with `python -m bench.conformance --only NAME`, and see what fails and why with",
            "`python -m bench.conformance_… --why`."]  # fmt: skip
    for row in rows:
        out += _exceptions(row)
    out += ["", "## Not judged yet", "", "These suites need what later issues build.", "", "| suite | needs |",
            "|---|---|", *(f"| `{name}` | {needs} |" for name, needs in LATER.items())]  # fmt: skip
    return "\n".join(out) + "\n"


def _exceptions(row: dict[str, Any]) -> list[str]:
    if "missing" in row:
        return []
    extra = [f"{key.replace('_', ' ')} {value}" for key, value in row.items() if isinstance(value, int | str) and key
             not in ("suite", "passed", "failed", "total", "seconds")]  # fmt: skip
    parts = [f"{key} {value}" for key, value in row.get("parts", {}).items()]
    skipped = [f"`{name}`" for name in row.get("skipped", ())]
    if not (row["failures"] or extra or parts or skipped):
        return []
    out = ["", f"## {row['suite']}", ""]
    if parts:
        out += ["Passed of total by part: " + ", ".join(parts) + ".", ""]
    if extra:
        out += ["Also: " + ", ".join(extra) + ".", ""]
    if skipped:
        out += [f"Not judged, since the suite gives no expectation or no input: {', '.join(skipped)}.", ""]
    if row["failures"]:
        out += [f"{len(row['failures'])} exceptions, with their reasons in [{row['suite']}.md]"
                f"(conformance/{row['suite']}.md):", ""]  # fmt: skip
        out += [f"- `{name}`{'' if name not in row['unexplained'] else ' **has no documented reason**'}"
                for name in row["failures"]]  # fmt: skip
    while out[-1] == "":
        out.pop()
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suites", help="folder of the suites (default: WARDBRIDGE_SUITES or ../shared/suites)")
    parser.add_argument("--only", nargs="+", choices=list(RUNNERS), help="these suites alone")
    parser.add_argument("--write", type=Path, help="write the report as Markdown")
    options = parser.parse_args()
    if options.only and options.write:
        parser.error("--write needs all suites: leave --only out")
    rows = []
    for row in run(suites(options.suites), options.only or RUNNERS):
        print(line(row), flush=True)
        rows.append(row)
    if all("missing" in row for row in rows):
        print(f"no suite found under {suites(options.suites)}: set WARDBRIDGE_SUITES", file=sys.stderr)
        sys.exit(2)
    if options.write:
        options.write.write_text(report(rows, f"{datetime.now(UTC):%Y-%m-%d}", __version__), encoding="utf-8")
    sys.exit(1 if any(row.get("unexplained") for row in rows) else 0)


if __name__ == "__main__":
    main()
