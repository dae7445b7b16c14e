"""What every conformance runner shares: where the suites lie, which exceptions are known, and one JSON line.

A runner is a module with ``SUITE`` (the folder's name) and ``judge(folder)``, which gives the counts and the
reason of each failure. Known failures are named with their reason in ``docs/conformance/<suite>.md``, in back
ticks on a line of a table or list; a failure that is not named there, or a name that no longer fails, makes
the run end with 1.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EXCEPTIONS = ROOT / "docs" / "conformance"

Judge = Callable[[Path], tuple[dict[str, Any], dict[str, str]]]


def suites(given: str | None = None) -> Path:
    """The folder of the suites: argument, else WARDBRIDGE_SUITES, else ../shared/suites beside the repository."""
    return Path(given or os.environ.get("WARDBRIDGE_SUITES") or ROOT.parent / "shared" / "suites")


def counts(suite: str, total: int, why: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """The common part of a runner's answer."""
    return {
        "suite": suite,
        "passed": total - len(why),
        "failed": len(why),
        "total": total,
        **more,
        "failures": sorted(why),
    }


def named(suite: str, folder: Path = EXCEPTIONS) -> set[str]:
    """The failures that the suite's document names: what stands in back ticks on lines of tables and lists."""
    file = folder / f"{suite}.md"
    if not file.is_file():
        return set()
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith(("|", "- ", "  "))]
    return {name for line in lines for name in re.findall(r"`([^`]+)`", line)}


def timed(judge: Judge, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The counts with ``seconds`` and ``unexplained``, and the reasons."""
    began = time.perf_counter()
    found, why = judge(folder)
    found["seconds"] = round(time.perf_counter() - began, 1)
    found["unexplained"] = sorted(set(why) - named(found["suite"]))
    return found, why


def main(suite: str, judge: Judge, about: str) -> None:
    """The command line of one runner. Ends with 1 where a failure has no documented reason, 2 without the suite."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--suites", help="folder of the suites (default: WARDBRIDGE_SUITES or ../shared/suites)")
    parser.add_argument("--why", action="store_true", help="say on stderr why each failure fails")
    options = parser.parse_args()
    folder = suites(options.suites) / suite
    if not folder.is_dir():
        print(json.dumps({"suite": suite, "missing": str(folder)}))
        sys.exit(2)
    found, why = timed(judge, folder)
    print(json.dumps(found, ensure_ascii=False))
    if options.why:
        for name, reason in sorted(why.items()):
            print(f"{name}: {reason}", file=sys.stderr)
    sys.exit(1 if found["unexplained"] else 0)
