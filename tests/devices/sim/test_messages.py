"""What the devices send: well formed, understood by the driver, in agreement with their waves."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from wardbridge.core.clock import SECOND
from wardbridge.devices.drivers.hl7_mllp.interpret import interpret
from wardbridge.devices.sim.config import WardConfig
from wardbridge.devices.values import AlertSignal, Identity, Quality, Reading, Waveform
from wardbridge.exchange.codecs.hl7v2.message import parse

from .measure import peaks, per_minute
from .stage import START, Said, play, values

SOME = ("monitor-1", "monitor-2", "monitor-5", "monitor-8", "lvp-8", "syringe-6", "dialysis-10", "his")


@pytest.fixture(scope="module")
def a_while() -> list[Said]:
    return list(play(WardConfig(), 110, only=SOME))


def test_every_message_round_trips_and_is_named_once(a_while: list[Said]) -> None:
    controls = set()
    for said in a_while:
        message = said.message
        assert bytes(message) == said.outgoing.payload
        assert not message.problems
        assert message.control_id == said.outgoing.control
        assert said.outgoing.control not in controls
        controls.add(said.outgoing.control)


def test_the_driver_reads_all_of_it(a_while: list[Said]) -> None:
    # The sampling rate has no code in the nomenclature and the resolution is an attribute: what the
    # driver thinks of these two is its own affair.
    for said in a_while:
        if said.outgoing.kind not in ("numerics", "wave", "alarm"):
            continue
        read = interpret(said.outgoing.payload, START)
        assert not read.reason, (said.name, read.problems)
        assert [p for p in read.problems if "nomenclature" not in p.what] == []
        sent = {code for code in values(said.message) if code}
        if said.outgoing.kind == "numerics":
            codes = {value.code for value in read.values if isinstance(value, Reading)}
            assert sent <= codes
        assert {part.device for part in read.parts} == {said.message.get("MSH", 3, 2)}


def test_a_monitor_sends_its_share(a_while: list[Said]) -> None:
    mine = [said for said in a_while if said.name == "monitor-1"]
    numerics = [said for said in mine if said.outgoing.kind == "numerics"]
    waves = [said for said in mine if said.outgoing.kind == "wave"]
    assert len(waves) == 110
    assert 110 <= len(numerics) <= 112  # one a second, and a cuff measurement or two
    assert 15 <= sum(1 for _ in numerics[0].message.all("OBX")) <= 40


def test_samples_are_complete_and_evenly_spaced(a_while: list[Said]) -> None:
    seen: dict[tuple[str, int], list[Waveform]] = {}
    for said in a_while:
        if said.outgoing.kind == "wave":
            for value in interpret(said.outgoing.payload, START).values:
                if isinstance(value, Waveform):
                    seen.setdefault((said.name, value.code), []).append(value)
    assert {code for _, code in seen} == {131330, 150452, 150036, 151780, 151700}
    for (name, code), runs in seen.items():
        due = runs[0].device_time
        for run in runs:
            assert run.device_time == due, (name, code)
            due += round(len(run.samples) // 2 * run.period)


def test_numerics_agree_with_the_waves_on_the_wire(a_while: list[Said]) -> None:
    waves: dict[int, list[np.ndarray]] = {}
    last: dict[int, str] = {}
    for said in a_while:
        if said.name != "monitor-2":
            continue
        for value in interpret(said.outgoing.payload, START).values:
            if isinstance(value, Waveform):
                samples = np.frombuffer(value.samples, "<i2") * value.scale + value.offset
                waves.setdefault(value.code, []).append(samples)
        if said.outgoing.kind == "numerics":
            last |= values(said.message)

    def of(code: int, count: int) -> np.ndarray:
        return np.concatenate(waves[code][-count:])

    hr = per_minute(peaks(of(131330, 12), 250, 0.55, 0.22), 250)
    pulse = per_minute(peaks(of(150452, 12), 125, 0.5, 0.35), 125)
    rr = per_minute(peaks(of(151780, 40), 62.5, 0.45, 1.2), 62.5)
    breaths = per_minute(peaks(of(151700, 40), 62.5, 30.0, 1.2), 62.5)
    assert float(last[147842]) == pytest.approx(hr, abs=4)
    assert float(last[149530]) == pytest.approx(pulse, abs=4)
    assert float(last[151562]) == pytest.approx(rr, abs=1)
    assert float(last[151594]) == pytest.approx(breaths, abs=1)
    assert float(last[151708]) == pytest.approx(of(151700, 40).max(), abs=2)
    assert float(last[150037]) == pytest.approx(of(150036, 10).max(), abs=6)
    assert float(last[150038]) == pytest.approx(of(150036, 10).min(), abs=6)
    assert float(last[150039]) == pytest.approx(of(150036, 10).mean(), abs=4)


def test_leads_off_makes_numbers_and_wave_invalid_and_nothing_else(a_while: list[Said]) -> None:
    [while_off] = [s for s in a_while if s.name == "monitor-5" and s.outgoing.kind == "numerics" and 100 < s.t < 101]
    readings = {v.code: v for v in interpret(while_off.outgoing.payload, START).values if isinstance(v, Reading)}
    assert readings[147842].quality & Quality.UNAVAILABLE
    assert readings[147842].number is None
    assert readings[150456].number is not None
    [wave] = [s for s in a_while if s.name == "monitor-5" and s.outgoing.kind == "wave" and 100 < s.t < 101]
    waves = {v.code: v for v in interpret(wave.outgoing.payload, START).values if isinstance(v, Waveform)}
    assert waves[131330].quality & Quality.INVALID
    assert not waves[150452].quality


def test_cuff_measurements_carry_their_own_time(a_while: list[Said]) -> None:
    cuffs = [s for s in a_while if s.name == "monitor-8" and 150021 in values(s.message)]
    assert len(cuffs) == 1
    high, low = (int(values(cuffs[0].message)[code]) for code in (150021, 150022))
    assert 95 < high < 135
    assert 50 < low < 85
    for obx in cuffs[0].message.all("OBX"):
        if obx.get(2) == "NM":
            assert obx.get(14)


def test_machines_say_who_they_are() -> None:
    names = {}
    for said in play(WardConfig(), 1):
        if said.outgoing.kind == "numerics":
            for value in interpret(said.outgoing.payload, START).values:
                if isinstance(value, Identity) and value.serial and not value.parent:
                    names[said.name] = value
    assert len(names) == 24
    assert len({who.key for who in names.values()}) == 24
    assert len({who.serial for who in names.values()}) == 24
    assert all(who.manufacturer and who.model and who.firmware for who in names.values())
    assert all(len(who.key) == 16 for who in names.values())


def test_a_clock_that_is_wrong_is_wrong_on_the_wire(a_while: list[Said]) -> None:
    late = next(s for s in a_while if s.name == "syringe-6" and s.outgoing.kind == "numerics")
    reading = next(v for v in interpret(late.outgoing.payload, START).values if isinstance(v, Reading))
    assert reading.device_time == START + round((late.t - 134) * SECOND)


def digest(seed: int, speed: float = 1.0) -> str:
    total = hashlib.sha256()
    for said in play(WardConfig(seed=seed, speed=speed, beds=4), 15):
        total.update(said.outgoing.payload)
    return total.hexdigest()


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert digest(7) == digest(7)
    assert digest(7) != digest(8)
    assert digest(7) != digest(7, speed=4.0)


def test_no_device_names_a_patient(a_while: list[Said]) -> None:
    for said in a_while:
        if said.name != "his":
            assert parse(said.outgoing.payload).get("PID", 3, 1) == ""


def test_alarms_reach_the_other_side_as_they_were_meant() -> None:
    """The septic bed at ten times the speed: every report becomes one AlertSignal with its numbers."""
    lives: dict[str, list[AlertSignal]] = {}
    for said in play(WardConfig(speed=10.0, waves=False), 200, only=("monitor-3", "lvp-8"), kinds=("alarm",)):
        signals = [v for v in interpret(said.outgoing.payload, START).values if isinstance(v, AlertSignal)]
        assert len(signals) == 1
        lives.setdefault(signals[0].alert_id, []).append(signals[0])
    stories = {}
    for life in lives.values():
        assert len({signal.event_id for signal in life}) == len(life)
        assert len({(signal.code, signal.source_code, signal.text) for signal in life}) == 1
        assert life[0].phase == "start"
        stories[life[0].text] = life
    rate = stories["HR high"]
    assert (rate[0].code, rate[0].source_code, rate[0].kind) == (196648, 147842, "SP")
    assert (rate[0].low, rate[0].high) == ("50", "120")
    assert float(rate[0].value) > 120
    assert max(float(signal.value) for signal in rate) > 140
    assert [s.priority for s in rate if s.phase == "escalate"][:1] == ["PH"]
    assert rate[-1].phase == "end"
    assert rate[-1].state == "inactive"
    assert float(rate[-1].value) <= 120
    occlusion = stories["Occlusion downstream"]
    assert (occlusion[0].code, occlusion[0].kind, occlusion[0].priority) == (196940, "ST", "PH")
