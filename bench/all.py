"""Every benchmark with small sizes, one after another: their JSON lines, and one that names the machine.

python -m bench.all [--only NAME …] [--skip NAME …]

Takes about two minutes on two cores. Each benchmark alone, with its own sizes: ``python -m bench.NAME --help``.
A benchmark that fails gives a line that says so, and the run ends with 1. On a shared machine look at the load
average in the machine's lines, first and last, and repeat what was disturbed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

from bench.machine import machine
from bench.suite import ROOT

SMALL: dict[str, list[str]] = {
    "hl7_parse": ["--messages", "3000"],
    "waveform": ["--blocks", "10", "60", "--rounds", "5"],
    "fhirpath": [],
    "extract": [],
    "validate": [],
    "search_index": ["--resources", "5000"],
    "intake": ["--count", "10000", "--seconds", "5"],
    "pipeline": ["--messages", "3000", "--seconds", "10"],
    "gateway": ["--messages", "6000", "--seconds", "5"],
    "sdc": ["--seconds", "3", "--reports", "20"],
    "fhir_served": ["--seconds", "5"],
    "terminology": ["--seconds", "2", "--concepts", "20000"],
    "subscriptions": ["--writes", "600", "--seconds", "4"],
    "bulk": ["--resources", "5000"],
    "reindex": ["--resources", "3000"],
    "equipment": ["--devices", "500", "--rounds", "3"],
    "register": ["--machines", "500"],
    "cyber": ["--devices", "500", "--components", "400", "--cves", "1000", "--runs", "1"],
    "advisories": ["--devices", "600", "--models", "200"],
    "changes": ["--devices", "600", "--rounds", "3", "--flows", "2000"],
    "maintenance": ["--machines", "600", "--orders", "2000"],
    "technician": ["--machines", "600", "--orders", "2000", "--movements", "5000"],
    "people": ["--pages", "300", "--people", "60", "--runs", "3"],
    "races": ["--served", "--seconds", "10"],
}
"""Benchmark -> the words that keep it small."""

TOOLS = ("all", "conformance", "fhir", "fhir_server", "hospital", "machine", "mllp", "paint", "schemathesis")
"""What runs alone but is no benchmark of its own: load clients and a server for them, the suites, a hospital to
measure on, this module; and ``paint``, which needs a browser and minutes."""


def one(name: str) -> bool:
    """Run a benchmark; its lines go through. False where it failed."""
    began = time.perf_counter()
    command = [sys.executable, "-m", f"bench.{name}", *SMALL[name]]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    if done.returncode:
        failure = {"bench": name, "failed": done.returncode, "stderr": done.stderr[-1000:]}
        print(json.dumps({**failure, "seconds": round(time.perf_counter() - began, 1)}), flush=True)
    return done.returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(SMALL), help="these alone")
    parser.add_argument("--skip", nargs="+", choices=list(SMALL), default=[], help="all but these")
    options = parser.parse_args()
    print(json.dumps({"bench": "machine", **machine()}), flush=True)
    good = [one(name) for name in options.only or SMALL if name not in options.skip]
    print(json.dumps({"bench": "machine", **machine()}), flush=True)
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
