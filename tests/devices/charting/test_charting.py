"""Policy, clocks and the Observation itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from wardbridge.core.clock import MINUTE, SECOND
from wardbridge.core.errors import SettingsError
from wardbridge.devices.charting.observation import build, decimal, traces
from wardbridge.devices.charting.point import Content, Part
from wardbridge.devices.charting.policy import Policy
from wardbridge.devices.charting.select import channel
from wardbridge.devices.clocks import Offset, true_time
from wardbridge.devices.values import Quality, Reading
from wardbridge.fhir.json import dumps
from wardbridge.fhir.validate import validate

T = 1_767_225_600 * SECOND


def observation(*parts: Part, panel: str = "", **more: Any) -> dict[str, Any]:
    return build("o1", Content(parts, panel), identifier="d|c|1", time=T, device_id="d1", patient_id="p1", **more)


def part(code: int, text: str, ucum: str = "", **more: Any) -> Part:
    try:
        number: float | None = float(text)
    except ValueError:
        number = None
    return Part(f"1/{code}", code, code, more.pop("refid", ""), text, number, ucum, ucum, T, **more)


@pytest.mark.parametrize(
    ("text", "json"),
    [
        ("72", "72"),
        ("72.50", "72.50"),
        ("120.0", "120.0"),
        ("-3", "-3"),
        ("+5", "5"),
        (".5", "0.5"),
        ("007", "7"),
        ("5.", "5"),
        (" 8 ", "8"),
        ("1e3", "1e3"),
        ("0", "0"),
        ("-0.0", "-0.0"),
        ("00", "0"),
        ("0.10", "0.10"),
    ],
)
def test_numbers_keep_their_written_precision(text: str, json: str) -> None:
    assert dumps(decimal(text)).decode() == json


@pytest.mark.parametrize("text", ["", "-", ".", "1.2.3", "abc", "1,5", "NaN", "inf", "0x10", "--1"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert decimal(text) is None


@pytest.mark.parametrize(
    "resource",
    [
        observation(part(147842, "72", "/min", refid="MDC_ECG_HEART_RATE")),
        observation(part(150456, "97.50", "%", method="AMEAS", body_site="MDC_UPEXT_FINGER"), encounter_id="e1"),
        observation(part(150021, "120", "mm[Hg]"), part(150022, "80", "mm[Hg]"), panel="85354-9"),
        observation(part(184519, "pump-status-infusing")),
        observation(part(157784, "<0.5", "mL/h", quality=int(Quality.QUESTIONABLE | Quality.EARLY))),
        observation(part(147842, "300", "/min", quality=int(Quality.OVERFLOW | Quality.IN_ALARM))),
        observation(part(147842, "72", "/min"), status="final", verified_by="Practitioner/n", verified_at=T + SECOND),
        observation(part(151980, "500", "mL", end_time=T + MINUTE)),
    ],
    ids=["hr", "spo2", "bp", "text", "less", "over", "verified", "period"],
)
def test_every_observation_is_valid_r4(resource: dict[str, Any]) -> None:
    assert [i for i in validate(resource) if i.severity in ("error", "fatal")] == []


def test_values_as_fhir() -> None:
    less = observation(part(157784, "<0.5", "mL/h"))["valueQuantity"]
    assert (less["comparator"], less["value"]) == ("<", Decimal("0.5"))
    assert observation(part(147842, "300", "/min", quality=int(Quality.OVERFLOW)))["valueQuantity"]["comparator"] == ">"
    assert observation(part(184519, "running"))["valueString"] == "running"
    assert "code" not in observation(Part("c", 1, 157784, "", "5", 5.0, "drops"))["valueQuantity"]
    assert observation(part(150456, "97", "%"))["code"]["coding"][0]["code"] == "2708-6"
    assert observation(part(147842, "72", "/min", body_site="somewhere"))["bodySite"] == {"text": "somewhere"}
    longer = observation(part(151980, "500", "mL", end_time=T + MINUTE))
    assert longer["effectivePeriod"]["end"] == "2026-01-01T00:01:00.000Z"


def test_every_part_leads_back_to_its_samples() -> None:
    panel = observation(part(150021, "120", "mm[Hg]"), part(150022, "80", "mm[Hg]"), panel="85354-9")
    assert traces(panel) == [("d1", 150021, T), ("d1", 150022, T)]
    assert traces(observation(part(147842, "72"))) == [("d1", 147842, T)]
    assert traces({"resourceType": "Observation"}) == []


@pytest.mark.parametrize(
    ("code", "kind", "mode"),
    [
        (147842, "measurement", "periodic"),
        (150021, "measurement", "episodic"),
        (16929196, "setting", "change"),
        (157784, "measurement", "change"),
        (68220, "attribute", "off"),
        (196616, "event", "off"),
    ],
)
def test_the_policy_of_a_signal(code: int, kind: str, mode: str) -> None:
    rule = Policy().rule(code, kind)
    assert rule is not None
    assert rule.mode == mode


def test_an_unknown_code_has_no_policy() -> None:
    assert Policy().rule(999_999, "measurement") is None
    assert Policy().rule(0, "measurement") is None


def test_a_site_sets_its_own_rules() -> None:
    policy = Policy(
        {"147842": {"every_minutes": 5}, "MDC_PULS_OXIM_SAT_O2": {"mode": "off"}, "default": {"every_minutes": 30}}
    )
    heart, oxygen, breath = (policy.rule(code, "measurement") for code in (147842, 150456, 151562))
    assert heart is not None
    assert oxygen is not None
    assert breath is not None
    assert (heart.every, oxygen.mode, breath.every) == (5 * MINUTE, "off", 30 * MINUTE)
    assert (Policy(minutes=10).rule(151562, "measurement") or heart).every == 10 * MINUTE


@pytest.mark.parametrize(
    "wrong",
    [
        {"NO_SUCH_NAME": {}},
        {"147842": {"mode": "sometimes"}},
        {"147842": {"every": 5}},
        {"147842": {"every_minutes": 0}},
        {"default": {"every_minutes": "often"}},
    ],
)
def test_a_wrong_rule_is_said_at_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="charting"):
        Policy(wrong)


def test_a_spot_measurement_that_is_repeated_under_new_times_is_one() -> None:
    found = channel(1, Reading("c", 150021, "", "120", 120.0), Policy())
    taken = [found.wants("120", T + n * 10 * SECOND) for n in range(12)]
    assert [slot for slot in taken if slot is not None] == [T]
    assert found.wants("118", T + 200 * SECOND) == T + 200 * SECOND
    assert found.wants("118", T + 400 * SECOND) == T + 400 * SECOND


@pytest.mark.parametrize(
    ("device_time", "received", "correction", "time"),
    [
        (0, 100, 0, 100),
        (T, T + SECOND, 0, T),
        (T, T + 3600 * SECOND, 0, T),
        (T + SECOND, T, 0, T + SECOND),
        (T + 10 * SECOND, T, 0, T),
        (T, T + 600 * SECOND, 590 * SECOND, T + 590 * SECOND),
    ],
)
def test_the_time_that_counts(device_time: int, received: int, correction: int, time: int) -> None:
    assert true_time(device_time, received, correction) == time


def test_a_clock_that_is_behind_is_put_right_but_buffered_reports_are_not() -> None:
    slow = Offset()
    for n in range(10):
        slow.observe(T + n * SECOND, T + n * SECOND + 600 * SECOND + n * 1000)
    assert slow.correction() == 600 * SECOND
    buffered = Offset()
    for n in range(40):
        buffered.observe(T + n * SECOND, T + 40 * SECOND)
    assert buffered.correction() == 0
    assert buffered.value == SECOND
    assert Offset().correction() == 0
    assert Offset(5).value == 5
