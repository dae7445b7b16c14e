"""The KEV catalogue: every entry loads with what it says; a second read gives the same; nothing matches too widely.

python -m bench.conformance_kev [--suites FOLDER] [--why]

One case an entry: it is valid by the catalogue's own schema, is read with its CVE, dates, ransomware flag and
product, and a machine or program of that vendor and product is found as "possible" (the catalogue has no versions)
with a reason, while a machine of another vendor is not.
"""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.suite import counts, main

from wardbridge.equipment.advisories import parse
from wardbridge.equipment.advisories.judge import Machine
from wardbridge.equipment.advisories.match import Register
from wardbridge.equipment.advisories.values import Document

SUITE = "kev"
FILE = "known_exploited_vulnerabilities.json.gz"


def judge(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The counts, and the reason of each failure."""
    with gzip.open(folder / FILE, "rb") as stream:
        entries = json.load(stream)["vulnerabilities"]
    schema = json.loads((folder / "known_exploited_vulnerabilities_schema.json").read_text(encoding="utf-8"))
    needed = schema["$defs"]["vulnerability"]["required"]
    read = list(parse.of_paths([folder / FILE]))
    why: dict[str, str] = {}
    if read != list(parse.of_paths([folder / FILE])):
        why["twice"] = "a second read differs"
    for at, entry in enumerate(entries):
        found = read[at] if at < len(read) else None
        reason = _wrong(entry, found, needed) if isinstance(found, Document) else f"not read: {found}"
        if reason:
            why[entry.get("cveID", str(at))] = reason
    ransomware = sum(1 for one in read if isinstance(one, Document) and one.cves[0].ransomware)
    return counts(SUITE, len(entries) + 1, why, entries=len(read), ransomware=ransomware), why


def _wrong(entry: dict[str, Any], found: Document, needed: list[str]) -> str:
    missing = [name for name in needed if not entry.get(name)]
    if missing:
        return f"the entry has no {', '.join(missing)}, and was read"
    (cve,) = found.cves
    (product,) = found.products
    pairs = {
        "cve": (cve.cve, entry["cveID"]),
        "due": (_day(cve.due), entry["dueDate"]),
        "added": (_day(found.published), entry["dateAdded"]),
        "ransomware": (cve.ransomware, entry.get("knownRansomwareCampaignUse") == "Known"),
        "vendor": (product.vendor, entry["vendorProject"].strip()),
        "product": (product.product, entry["product"].strip()),
        "action": (found.remedy, entry["requiredAction"].strip()),
        "cwes": (cve.cwe, ", ".join(entry.get("cwes", []))),
        "export": (json.loads(found.raw), entry),
    }
    wrong = [name for name, (ours, theirs) in pairs.items() if ours != theirs]
    if wrong:
        return f"differs in {', '.join(wrong)}"
    mine = Machine(device_id="d", model_id="m", manufacturer=product.vendor, model=product.product)
    other = Machine(device_id="e", model_id="n", manufacturer="Unrelated Instruments", model=product.product)
    matches, _broad = Register([mine, other]).match([product])
    if [(one.device_id, one.certainty, bool(one.why)) for one in matches] != [("d", "possible", True)]:
        return f"matched as {matches}"
    return ""


def _day(at: int | None) -> str:
    return "" if at is None else re.sub("T.*", "", datetime.fromtimestamp(at / 1_000_000, UTC).isoformat())


if __name__ == "__main__":
    main(SUITE, judge, __doc__ or "")
