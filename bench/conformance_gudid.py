"""Device identifiers of GUDID: every one is read, kept and found again; what is odd is a warning, never a rejection.

python -m bench.conformance_gudid [--suites FOLDER] [--why]

Cases: each identifier (its agency and its ``check`` as the suite classifies it; found by itself, at its package level;
both spellings of HIBCC find the same device), each device (found by brand and catalogue number), and each device's
label, made of its identifier and the production identifiers that it carries: it parses back to the same parts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.scratch import with_pool
from bench.suite import counts, main

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import transaction
from wardbridge.equipment.register.catalogue import gudid, store
from wardbridge.equipment.udi import hibcc
from wardbridge.equipment.udi.parse import parse
from wardbridge.security.acting import act
from wardbridge.security.principal import SYSTEM

SUITE = "gudid"
YEAR = 2026
SAYS = {"mod10-ok": "", "mod10-fail": "check digit", "no-mod43-char": "no check character",
        "mod43-last-char-matches": "", "length-13": "14 digits"}  # fmt: skip


def label(di: str, agency: str, pi: Mapping[str, bool]) -> tuple[str, dict[str, str]]:
    """A label with the production identifiers that a device carries, and what it says."""
    parts = {"lot": "L0T-7", "serial": "SN12345"}
    said = {name: text for name, text in parts.items() if pi.get(name)}
    if pi.get("expirationDate"):
        said["expiration"] = "2028-02-29"
    if pi.get("manufacturingDate"):
        said["manufactured"] = "2026-01-02"
    if agency == "GS1":
        text = f"(01){di}" + ("(11)260102" if "manufactured" in said else "") + (
            "(17)280229" if "expiration" in said else "")  # fmt: skip
        text += (f"(10){said['lot']}" if "lot" in said else "") + (f"(21){said['serial']}" if "serial" in said else "")
        return text, said
    text = "+" + di
    data = {"lot": f"${said.get('lot')}", "serial": f"S{said.get('serial')}", "manufactured": "16D20260102",
            "expiration": "14D20280229"}  # fmt: skip
    text += "".join(f"/{one}" for name, one in data.items() if name in said)
    return text + hibcc.mod43(text), said


def judge(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The counts, and the reason of each failure."""
    data = (folder / "gudid-5000.ndjson.gz").read_bytes()
    records = list(gudid.records(data))
    why: dict[str, str] = {}
    warned = 0
    total = 0
    for record in records:
        for one in record["identifiers"]:
            total += 1
            found = parse(one["id"], YEAR, one["agency"])
            expected = SAYS[one["check"]]
            warned += bool(found.warnings)
            if not found.di or found.issuer != one["agency"]:
                why[f"{one['id']} read"] = f"{found.issuer} {found.di!r}"
            elif bool(found.warnings) != bool(expected) or (expected and expected not in found.warnings[0]):
                why[f"{one['id']} check"] = f"{one['check']}: {found.warnings}"
        primary = next(one for one in record["identifiers"] if one["type"] == "Primary")
        di = parse(primary["id"], YEAR, primary["agency"]).di
        total += 1
        text, said = label(di, primary["agency"], record["pi"])
        back = parse(text, YEAR)
        if back.di != di or {name: getattr(back, name) for name in said} != said:
            why[f"{primary['id']} label"] = f"{text}: {back}"
    times: dict[str, float] = {}

    async def kept(pool: Any) -> None:
        nonlocal total
        began = time.perf_counter()
        async with transaction(pool) as conn:
            await act(conn, SYSTEM, SystemClock().now(), "suite")
            await gudid.load(conn, data, YEAR, "gudid")
        times["load_s"] = round(time.perf_counter() - began, 2)
        took = []
        for record in records:
            for one in record["identifiers"]:
                total += 1
                spellings = [one["id"]]
                if one["agency"] == "HIBCC":
                    bare = parse(one["id"], YEAR, "HIBCC").di
                    spellings += [bare, bare + hibcc.mod43("+" + bare), "+" + bare + hibcc.mod43("+" + bare)]
                for text in spellings:
                    began = time.perf_counter()
                    found = await gudid.find(pool, text, YEAR)
                    took.append(time.perf_counter() - began)
                    fits = any(e.entry_id == record["deviceId"] and p.level == one["type"] for e, p in found)
                    if not fits:
                        why[f"{one['id']} found"] = f"{text}: {[(e.entry_id, p.level) for e, p in found]}"
            if record.get("catalogNumber"):
                total += 1
                named = await store.by_name(pool, record["brandName"], record["catalogNumber"])
                if record["deviceId"] not in {entry.entry_id for entry in named}:
                    why[f"{record['deviceId']} name"] = f"{record['brandName']} {record['catalogNumber']}"
        times["lookup_p99_ms"] = round(sorted(took)[len(took) * 99 // 100] * 1000, 2)

    with_pool(kept)
    identifiers = sum(len(record["identifiers"]) for record in records)
    return counts(SUITE, total, why, identifiers=identifiers, warned=warned, devices=len(records), **times), why


if __name__ == "__main__":
    main(SUITE, judge, __doc__)
