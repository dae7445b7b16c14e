"""Real IHE PCD messages: answered as they ask, interpreted in full, nothing dropped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import structlog

from wardbridge.core.clock import FakeClock
from wardbridge.devices.driver import DriverContext
from wardbridge.devices.drivers.hl7_mllp.alarms import FACETS
from wardbridge.devices.drivers.hl7_mllp.driver import build
from wardbridge.devices.drivers.hl7_mllp.interpret import interpret
from wardbridge.devices.kit.suite import RecordingSink
from wardbridge.devices.values import AlertSignal, Identity, Reading, Waveform
from wardbridge.exchange.codecs.hl7v2.ack import plan_acks
from wardbridge.exchange.codecs.hl7v2.message import parse
from wardbridge.exchange.codecs.hl7v2.msh import read_msh

pytestmark = pytest.mark.suite


@pytest.fixture(scope="module")
def messages(suites: Path) -> list[tuple[dict[str, Any], bytes]]:
    folder = suites / "pcd"
    if not folder.is_dir():
        pytest.skip("suite pcd is absent")
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return [(entry, (folder / entry["file"]).read_bytes()) for entry in index]


ASKED = {
    ("", ""): ["AA"],
    ("AL", "NE"): ["CA"],
    ("NE", "AL"): ["AA"],
    ("AL", "AL"): ["CA"],
    ("AL", "ER"): ["CA"],
    ("NE", "NE"): [],
}


async def test_every_message_gets_the_acknowledgement_it_asks_for(messages: list[tuple[dict[str, Any], bytes]]) -> None:
    sink = RecordingSink()
    driver = build(DriverContext("t", {}, FakeClock(), sink, structlog.get_logger("t")))
    for entry, raw in messages:
        before = len(sink.batches)
        disposition = await driver.handle(raw)
        assert sink.batches[before].raw == raw
        codes = [ack.code for ack in plan_acks(read_msh(raw), disposition)]
        asked = (entry["accept_ack"], entry["application_ack"])
        kind = entry["message_type"].split("^")[0]
        if kind == "ACK":
            expected = ["CA"] if asked[0] == "AL" else []
        elif kind in ("RGV", "QBP") and not ASKED[asked][0].startswith("C"):
            expected = ["AR"]
        else:
            expected = ASKED[asked]
        assert codes[: len(expected)] == expected, entry["file"]
        if asked[0] == "AL":
            assert [code for code in codes if code.startswith("C")] == ["CA"], entry["file"]
    assert driver.health().counts["messages"] == len(messages) == 66


def test_observations_are_interpreted_in_full(messages: list[tuple[dict[str, Any], bytes]]) -> None:
    count = 0
    for entry, raw in messages:
        if entry["profile"] != "PCD-01" or not entry["message_type"].startswith("ORU"):
            continue
        count += 1
        found = interpret(raw, 0)
        assert (found.profile, found.reason) == ("PCD-01", ""), entry["file"]
        values = [v for v in found.values if isinstance(v, Reading | Waveform)]
        devices = {v.type_refid for v in found.values if isinstance(v, Identity)}
        waiting = list(values)
        for row in parse(raw).all("OBX"):
            code, refid, text, unit = row.get(3).strip(), row.get(3, 2).strip(), row.raw(5), row.raw(6)
            if not text and refid in devices:
                continue
            fits = [
                v
                for v in waiting
                if v.refid == refid
                and (str(v.code) == code or code == "0")
                and (isinstance(v, Waveform) or v.text == text or v.text == row.get(5))
                and (not unit or v.unit in (row.get(6), row.get(6, 2)))
            ]
            assert fits, (entry["file"], row.text)
            waiting.remove(fits[0])
        assert waiting == [], entry["file"]
    assert count == 14


def test_alarms_are_interpreted_in_full(messages: list[tuple[dict[str, Any], bytes]]) -> None:
    count = 0
    for entry, raw in messages:
        if entry["profile"] != "PCD-04" or not entry["message_type"].startswith("ORU"):
            continue
        found = interpret(raw, 0)
        assert (found.profile, found.reason) == ("PCD-04", ""), entry["file"]
        signals = [v for v in found.values if isinstance(v, AlertSignal)]
        assert signals, entry["file"]
        message = parse(raw)
        facets: dict[str, str] = {}
        for row in message.all("OBX"):
            name = row.get(3, 2).strip().removeprefix("MDC_").removeprefix("ATTR_") or row.get(3).strip()
            facets.setdefault(FACETS.get(name, ""), row.get(5))
        signal = signals[0]
        assert signal.phase == facets["phase"], entry["file"]
        assert signal.state == facets["state"]
        if "inactivation" in facets:
            assert signal.inactivation == (facets["inactivation"],)
        written = {flag for row in message.all("OBX") for flag in row.repetitions(8)}
        priority = facets.get("priority") or next((f for f in ("PH", "PM", "PL", "PN") if f in written), "PN")
        kind = facets.get("type") or next((f for f in ("SP", "ST", "SA") if f in written), signal.kind)
        assert (signal.priority, signal.kind) == (priority, kind), entry["file"]
        assert signal.device_time
        assert signal.refid
        count += 1
    assert count == 14


def test_an_alarm_is_one_from_start_to_end(messages: list[tuple[dict[str, Any], bytes]]) -> None:
    def ids(name: str) -> set[str]:
        return {
            v.alert_id
            for entry, raw in messages
            if name in entry["file"]
            for v in interpret(raw, 0).values
            if isinstance(v, AlertSignal)
        }

    assert len(ids("pcd04-ihetf9-occlusion")) == 1
    assert len(ids("pcd04-dialysis-venous")) == 1
    assert not ids("pcd04-dialysis-venous") & ids("pcd04-dialysis-blood")


def test_other_profiles_are_kept_and_counted(messages: list[tuple[dict[str, Any], bytes]]) -> None:
    for entry, raw in messages:
        if entry["profile"] in ("PCD-01", "PCD-04") or not entry["profile"].startswith("PCD"):
            continue
        found = interpret(raw, 0)
        assert found.reason == "profile-not-interpreted", entry["file"]
        if not entry["message_type"].startswith("ACK"):
            assert found.profile == entry["profile"], entry["file"]


def test_what_the_source_calls_invalid_has_a_problem_and_valid_has_none(
    messages: list[tuple[dict[str, Any], bytes]],
) -> None:
    def errors(raw: bytes) -> list[str]:
        """Problems of structure; a code or unit outside our seed is no fault of the message."""
        return [p.where for p in interpret(raw, 0).problems if p.code in ("100", "101", "102")]

    for entry, raw in messages:
        if not entry["message_type"].startswith("ORU"):
            continue
        if any("marks it as invalid" in quirk for quirk in entry["quirks"]):
            assert errors(raw), entry["file"]


def test_single_segments_of_the_alert_gateway(suites: Path) -> None:
    file = suites / "pcd" / "sdpi-acm-segments.json"
    if not file.is_file():
        pytest.skip("suite pcd is absent")
    rows = json.loads(file.read_text(encoding="utf-8"))["segments"]
    head = [
        "MSH|^~\\&|GW||||20191121102600||ORU^R40^ORU_R40|1|P|2.6|||AL|NE",
        "OBR|1||1^GW|196616^MDC_EVT_ALARM^MDC|||20191121102600",
    ]
    physiological = [rows[n] for n in (0, 1, 2, 3, 5, 7, 8, 9, 10)]
    technical = [rows[n] for n in (0, 1, 2, 4, 6, 7, 8, 9, 10, 11)]
    for chosen, event, source, text in (
        (physiological, 196648, 150037, "**ABPs 119>110"),
        (technical, 196882, 131328, "!! ECG Leads Off"),
    ):
        found = interpret("\r".join(head + chosen).encode(), 0)
        (signal,) = [v for v in found.values if isinstance(v, AlertSignal)]
        assert (signal.code, signal.source_code, signal.text, signal.priority) == (event, source, text, "PM")
        assert found.parts[0].device == "XY150Z0409@0009FBFFFF059322"
