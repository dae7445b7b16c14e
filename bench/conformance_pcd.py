"""Real IHE PCD messages, judged as the suite's README says: one case a message.

python -m bench.conformance_pcd [--suites FOLDER] [--why]

Of every message: byte round trip, counts as the index has them, stored raw, the acknowledgement that MSH-15 and
MSH-16 ask for. Of PCD-01: every OBX a value with code, name, unit and text as written, and no value besides. Of
PCD-04: phase, state, inactivation, priority and kind as written in facets or OBX-8. What its source marks as
invalid has a problem. Other profiles: kept and named as not interpreted.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import structlog
from bench.suite import counts, main

from wardbridge.core.clock import FakeClock
from wardbridge.devices.driver import DriverContext
from wardbridge.devices.drivers.hl7_mllp.alarms import FACETS
from wardbridge.devices.drivers.hl7_mllp.driver import build
from wardbridge.devices.drivers.hl7_mllp.interpret import interpret
from wardbridge.devices.kit.sinks import RecordingSink
from wardbridge.devices.values import AlertSignal, Identity, Reading, Waveform
from wardbridge.exchange.codecs.hl7v2.ack import plan_acks
from wardbridge.exchange.codecs.hl7v2.message import Message, parse
from wardbridge.exchange.codecs.hl7v2.msh import read_msh

SUITE = "pcd"
ORDERS = ("RGV", "QBP")
"""Answered by a message of their own, which is not given yet: an application acknowledgement that is asked for
says so (AR)."""


def asked(accept: str, application: str, kind: str) -> list[str]:
    """The codes that must come back, by HL7 v2.9 2.9.2 and 2.9.3, of a message that was stored."""
    if not accept and not application:
        codes = [] if kind == "ACK" else ["AR" if kind in ORDERS else "AA"]
        return codes
    codes = ["CA"] if accept == "AL" else []
    if application == "AL" and kind != "ACK" and not (kind in ORDERS and codes):
        codes.append("AR" if kind in ORDERS else "AA")
    return codes


def structure(entry: dict[str, Any], raw: bytes) -> Iterator[str]:
    message = parse(raw)
    if bytes(message) != raw or message.normal() != raw:
        yield "written back it is another"
    names = [part.name for part in message.segments]
    seen = (len(names), names.count("OBR"), names.count("OBX"))
    if seen != (entry["segments"], entry["obr"], entry["obx"]):
        yield f"segments, OBR, OBX: {seen}"
    head = message.header
    for what, got, want in (
        ("type", head.raw(9), entry["message_type"]),
        ("version", message.version, entry["version"]),
        ("MSH-15", head.raw(15), entry["accept_ack"]),
        ("MSH-16", head.raw(16), entry["application_ack"]),
    ):
        if got != want:
            yield f"{what} is {got!r}, not {want!r}"


def observations(raw: bytes) -> Iterator[str]:
    """Every OBX of a PCD-01 is one value, and no value comes from elsewhere."""
    found = interpret(raw, 0)
    if (found.profile, found.reason) != ("PCD-01", ""):
        yield f"read as {found.profile!r} {found.reason}"
    devices = {v.type_refid for v in found.values if isinstance(v, Identity)}
    waiting = [v for v in found.values if isinstance(v, Reading | Waveform)]
    for row in parse(raw).all("OBX"):
        code, refid, text, unit = row.get(3).strip(), row.get(3, 2).strip(), row.raw(5), row.raw(6)
        if not text and refid in devices:
            continue
        fits = [
            value
            for value in waiting
            if value.refid == refid
            and (str(value.code) == code or code == "0")
            and (isinstance(value, Waveform) or value.text in (text, row.get(5)))
            and (not unit or value.unit in (row.get(6), row.get(6, 2)))
        ]
        if not fits:
            yield f"no value of OBX-1 {row.raw(1)}: {row.raw(3)}"
            continue
        waiting.remove(fits[0])
    if waiting:
        yield f"{len(waiting)} values that no OBX has"


def facets(message: Message) -> dict[str, str]:
    """What the alarm's OBX rows state, by the facet's name."""
    found: dict[str, str] = {}
    for row in message.all("OBX"):
        name = row.get(3, 2).strip().removeprefix("MDC_").removeprefix("ATTR_") or row.get(3).strip()
        found.setdefault(FACETS.get(name, ""), row.get(5))
    return found


def alarm(raw: bytes) -> Iterator[str]:
    found = interpret(raw, 0)
    if (found.profile, found.reason) != ("PCD-04", ""):
        yield f"read as {found.profile!r} {found.reason}"
    signals = [v for v in found.values if isinstance(v, AlertSignal)]
    if not signals:
        yield "no alarm"
        return
    signal, message = signals[0], parse(raw)
    written = facets(message)
    flags = {flag for row in message.all("OBX") for flag in row.repetitions(8)}
    priority = written.get("priority") or next((f for f in ("PH", "PM", "PL", "PN") if f in flags), "PN")
    kind = written.get("type") or next((f for f in ("SP", "ST", "SA") if f in flags), signal.kind)
    inactivation = (written["inactivation"],) if "inactivation" in written else signal.inactivation
    for what, got, want in (
        ("phase", signal.phase, written.get("phase")),
        ("state", signal.state, written.get("state")),
        ("inactivation", signal.inactivation, inactivation),
        ("priority", signal.priority, priority),
        ("kind", signal.kind, kind),
    ):
        if got != want:
            yield f"{what} is {got!r}, written {want!r}"
    if not signal.device_time or not signal.refid:
        yield "no time or no name"


def content(entry: dict[str, Any], raw: bytes) -> Iterator[str]:
    report = entry["message_type"].startswith("ORU")
    if entry["profile"] == "PCD-01" and report:
        yield from observations(raw)
    elif entry["profile"] == "PCD-04" and report:
        yield from alarm(raw)
    elif entry["profile"].startswith("PCD") and entry["profile"] not in ("PCD-01", "PCD-04"):
        found = interpret(raw, 0)
        if found.reason != "profile-not-interpreted":
            yield f"an uninterpreted profile has the reason {found.reason!r}"
        if not entry["message_type"].startswith("ACK") and found.profile != entry["profile"]:
            yield f"named {found.profile!r}"
    invalid = any("marks it as invalid" in quirk for quirk in entry["quirks"])
    if report and invalid and not any(p.code in ("100", "101", "102") for p in interpret(raw, 0).problems):
        yield "marked as invalid by its source, but no problem is told"


async def acknowledgement(driver: Any, sink: RecordingSink, entry: dict[str, Any], raw: bytes) -> list[str]:
    before = len(sink.batches)
    disposition = await driver.handle(raw)
    said = [ack.code for ack in plan_acks(read_msh(raw), disposition)]
    want = asked(entry["accept_ack"], entry["application_ack"], entry["message_type"].split("^")[0])
    found = [] if said == want else [f"answered {said}, asked for {want}"]
    if len(sink.batches) == before or sink.batches[before].raw != raw:
        found.append("the message was not stored as it came")
    return found


async def judged(folder: Path) -> tuple[int, dict[str, str]]:
    sink = RecordingSink()
    driver = build(DriverContext("suite", {}, FakeClock(), sink, structlog.get_logger("suite")))
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    why = {}
    for entry in index:
        raw = (folder / entry["file"]).read_bytes()
        problems = [*structure(entry, raw), *await acknowledgement(driver, sink, entry, raw), *content(entry, raw)]
        if problems:
            why[entry["file"]] = "; ".join(problems)
    return len(index), why


def judge(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The counts, and the reason of each failure."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    try:
        total, why = asyncio.run(judged(folder))
    finally:
        structlog.configure(**before)
    return counts(SUITE, total, why), why


if __name__ == "__main__":
    main(SUITE, judge, __doc__)
