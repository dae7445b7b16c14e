"""The mirror: versions, gaps, alerts over a reconnect, several machines in one provider, a wrong clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from wardbridge.devices.drivers.sdc import alerts
from wardbridge.devices.drivers.sdc.mirror import Heard, Mirror, Resync
from wardbridge.devices.values import AlertSignal, DeviceEvent, Identity, Reading

CAPTURES = Path(__file__).parent / "captures"
NOW = 1_767_225_600_000_000


def messages(name: str) -> list[Any]:
    """The elements in the SOAP bodies of a capture."""
    parts = (CAPTURES / f"{name}.soap").read_bytes().split(b"\n\f\n")
    return [etree.fromstring(part)[1][0] for part in parts]


def loaded(name: str, device: str = "epr") -> tuple[Mirror, Heard, list[Any]]:
    mdib, *reports = messages(name)
    mirror = Mirror(device)
    return mirror, mirror.load(mdib[0], NOW, mdib), reports


def values(heard: Heard, kind: type[Any]) -> list[Any]:
    return [v for machine in heard.values.values() for v in machine if isinstance(v, kind)]


def test_a_repeated_report_says_nothing() -> None:
    mirror, _, reports = loaded("alerts")
    assert values(mirror.apply(reports[0], NOW), Reading)
    assert values(mirror.apply(reports[0], NOW), Reading) == []
    assert mirror.counts["stale"] > 0


def test_a_gap_is_counted_and_the_newest_taken() -> None:
    mirror, _, reports = loaded("waves")
    first, _, third = reports
    for state in third:
        state.set("StateVersion", "9")
    mirror.apply(first, NOW)
    mirror.apply(third, NOW)
    assert mirror.counts["missed"] == 7


@pytest.mark.parametrize("attribute", ["SequenceId", "InstanceId"])
def test_another_sequence_or_instance_voids_the_picture(attribute: str) -> None:
    mirror, _, reports = loaded("numerics")
    reports[0].set(attribute, "77")
    with pytest.raises(Resync):
        mirror.apply(reports[0], NOW)


def test_an_unknown_handle_voids_the_picture() -> None:
    mirror, _, reports = loaded("waves")
    reports[0][0].set("DescriptorHandle", "nobody")
    with pytest.raises(Resync):
        mirror.apply(reports[0], NOW)


def test_live_alerts_continue_over_a_reconnect_and_gone_ones_end() -> None:
    mirror, _, reports = loaded("alerts")
    for report in reports[:3]:
        mirror.apply(report, NOW)
    mdib = messages("alerts")[0]
    again = values(mirror.load(mdib[0], NOW, mdib), AlertSignal)
    assert [a.phase for a in again] == ["end"]

    present = messages("alerts")[0]
    for state in present[0].iter():
        if state.get("DescriptorHandle") == "hr.high":
            state.set("Presence", "true")
    fresh = values(Mirror("epr").load(present[0], NOW, present), AlertSignal)
    assert [(a.phase, a.heartbeat, a.state) for a in fresh] == [("continue", True, "active")]
    assert [a.phase for a in values(mirror.load(present[0], NOW, present), AlertSignal)] == ["start"]
    assert [a.phase for a in values(mirror.load(present[0], NOW, present), AlertSignal)] == ["continue"]


def test_a_readings_limits_and_alarm_flag_follow_the_alert() -> None:
    mirror, _, reports = loaded("alerts")
    heard = [mirror.apply(report, NOW) for report in reports[:2]]
    assert values(heard[0], Reading)[0].high == ""
    later = messages("alerts")[1]
    later[0][-1].set("StateVersion", "99")
    shown = values(mirror.apply(later, NOW), Reading)[0]
    assert shown.high == "120"
    assert shown.quality & 512


def test_two_machines_in_one_provider_have_their_own_keys() -> None:
    mdib = messages("numerics")[0]
    description, state = mdib[0][0], mdib[0][1]
    second = etree.fromstring(etree.tostring(description[0]))
    for element in second.iter():
        if element.get("Handle"):
            element.set("Handle", f"b.{element.get('Handle')}")
    description.append(second)
    for element in list(state):
        copy = etree.fromstring(etree.tostring(element))
        copy.set("DescriptorHandle", f"b.{copy.get('DescriptorHandle')}")
        if copy.get("Handle"):
            copy.set("Handle", f"b.{copy.get('Handle')}")
        state.append(copy)
    mirror = Mirror("epr")
    heard = mirror.load(mdib[0], NOW, mdib)
    assert [mirror.key(machine) for machine in mirror.machines()] == ["epr/mds", "epr/b.mds"]
    keys = {v.key for v in heard.values["b.mds"] if isinstance(v, Identity)}
    assert keys == {"epr/b.mds", "epr/b.mds/b.ecg.vmd", "epr/b.mds/b.spo2.vmd", "epr/b.mds/b.vent.vmd"}
    both = [[v.code for v in heard.values[m] if isinstance(v, Reading)] for m in ("mds", "b.mds")]
    assert sorted(both[0]) == sorted(both[1])


def test_channels_of_equal_codes_are_told_apart() -> None:
    mdib = messages("numerics")[0]
    for element in mdib[0][0].iter():
        if element.get("Handle") == "vt.set":
            element[0].set("Code", "151980")
            element[0].attrib.pop("SymbolicCodeName", None)
    channels = [v.channel for v in values(Mirror("epr").load(mdib[0], NOW, mdib), Reading)]
    assert len(set(channels)) == len(channels)
    assert {"70002/70003/151980", "70002/70003/151980.2"} <= set(channels)


@pytest.mark.parametrize("drift", [0, -90_000, 3_600_000])
def test_a_clock_that_is_wrong_is_told_with_its_offset(drift: int) -> None:
    mdib = messages("numerics")[0]
    for element in mdib[0][1]:
        if element.get("DescriptorHandle") == "clock":
            element.set("DateAndTime", str(NOW // 1000 + drift))
    told = values(Mirror("epr").load(mdib[0], NOW, mdib), DeviceEvent)
    assert [event.value for event in told if event.name == "clock"] == [str(drift)]


def test_an_mdib_without_description_is_refused() -> None:
    with pytest.raises(ValueError, match="MdDescription"):
        Mirror("epr").load(etree.Element("Mdib"), NOW)


PRESENT = alerts.Status(present=True, priority="PM")


@pytest.mark.parametrize(
    ("before", "after", "phase"),
    [
        (None, alerts.Status(), ""),
        (None, PRESENT, "continue"),
        (alerts.Status(), PRESENT, "start"),
        (PRESENT, alerts.Status(), "end"),
        (PRESENT, alerts.Status(latched=True), "update"),
        (alerts.Status(latched=True), alerts.Status(), "reset"),
        (alerts.Status(latched=True), PRESENT, "start"),
        (PRESENT, alerts.Status(present=True, priority="PH"), "escalate"),
        (PRESENT, alerts.Status(present=True, priority="PL"), "deescalate"),
        (PRESENT, alerts.Status(present=True, priority="PM", acknowledged=True), "acknowledged"),
        (PRESENT, alerts.Status(present=True, priority="PM", inactivation=("audio-paused",)), "inactivate"),
        (PRESENT, alerts.Status(present=True, priority="PM", high="120"), "update"),
        (PRESENT, PRESENT, ""),
        (alerts.Status(), alerts.Status(priority="PH"), ""),
    ],
)
def test_phases(before: alerts.Status | None, after: alerts.Status, phase: str) -> None:
    assert alerts.phase(before, after) == phase


def test_pausing_the_sound_is_an_inactivation() -> None:
    condition = etree.fromstring('<State Presence="true"/>')
    paused = etree.fromstring('<State ActivationState="Psd" Presence="On"/>')
    system = etree.fromstring('<State><S Manifestation="Aud" State="Off"/></State>')
    assert alerts.status(condition, [("Aud", paused)], None, "PM", ("", "")).inactivation == ("audio-paused",)
    assert alerts.status(condition, [], system, "PM", ("", "")).inactivation == ("audio-off",)
