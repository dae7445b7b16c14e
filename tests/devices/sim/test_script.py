"""The script on the wire: what is written happens, at its time, and ends."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC

import pytest

from wardbridge.devices.sim.alert import FOLLOWS
from wardbridge.devices.sim.config import WardConfig
from wardbridge.devices.sim.script import load
from wardbridge.exchange.codecs.adt import read_adt
from wardbridge.exchange.codecs.hl7v2.message import Message

from .stage import Said, play, values

PHASE, STATE, PRIORITY, KIND = 68481, 68482, 68484, 68485


@pytest.fixture(scope="module")
def alarms() -> list[Said]:
    """Fifteen ward minutes at triple speed, alarms only."""
    return list(play(WardConfig(speed=3.0, waves=False), 300, kinds=("alarm",)))


def lives(said: list[Said]) -> dict[tuple[str, str], list[Message]]:
    """The reports of every alert, by device and the id of its first report."""
    found: dict[tuple[str, str], list[Message]] = defaultdict(list)
    for each in said:
        message = each.message
        parent = message.first("OBR").get(29, 2, 1)  # type: ignore[union-attr]
        found[each.name, parent].append(message)
    return found


def test_alerts_live_legally(alarms: list[Said]) -> None:
    reports = set()
    for (name, parent), life in lives(alarms).items():
        before = ""
        for message in life:
            obr = message.first("OBR")
            assert obr is not None
            phase, state = values(message)[PHASE], values(message)[STATE]
            assert phase in FOLLOWS[before], (name, before, phase)
            assert state == ("inactive" if phase == "end" else "active")
            assert values(message)[PRIORITY] in ("PL", "PM", "PH")
            assert values(message)[KIND] in ("SP", "ST")
            assert (obr.get(3) == parent) == (phase == "start")
            reports.add((name, obr.get(3)))
            before = phase
    assert len(reports) == len(alarms)


def test_a_kept_alert_reports_every_ten_seconds(alarms: list[Said]) -> None:
    mine = [s for s in alarms if s.name == "monitor-5" and "196882" in s.outgoing.payload.decode()]
    phases = [values(s.message)[PHASE] for s in mine]
    assert phases == ["start", "continue", "continue", "end"]  # 30 wall seconds
    assert mine[0].t == pytest.approx(60 / 3, abs=1.0)
    assert mine[-1].t == pytest.approx(150 / 3, abs=1.0)


def test_the_occlusion_lasts_until_it_is_cleared(alarms: list[Said]) -> None:
    mine = [s for s in alarms if s.name == "lvp-8" and "196940" in s.outgoing.payload.decode()]
    assert values(mine[0].message)[PHASE] == "start"
    assert values(mine[0].message)[PRIORITY] == "PH"
    assert (90 + 5) / 3 <= mine[0].t <= (90 + 8) / 3 + 2  # the pressure builds for 8 s, in steps of 3
    assert values(mine[-1].message)[PHASE] == "end"
    assert mine[-1].t == pytest.approx(210 / 3, abs=2.0)


def test_an_occluded_pump_stops_and_goes_on() -> None:
    said = list(play(WardConfig(), 225, only=("lvp-8",)))
    events = [values(s.message)[68487] for s in said if s.outgoing.kind == "event"]
    assert events == ["197288", "197290", "197288"]
    given = {s.t: float(values(s.message)[157864]) for s in said if s.outgoing.kind == "numerics"}
    stopped = [volume for t, volume in given.items() if 110 < t < 205]
    assert max(stopped) == min(stopped)
    assert given[max(given)] > max(stopped)


def test_a_rate_change_is_a_stop_and_a_start() -> None:
    said = list(play(WardConfig(speed=4.0), 70, only=("syringe-1",)))
    events = [(s.t, values(s.message)) for s in said if s.outgoing.kind == "event"]
    assert [event[68487] for _, event in events] == ["197288", "197290", "197288"]
    assert events[-1][0] == pytest.approx(220 / 4, abs=1.1)
    assert events[0][1][157784] == "7.5"
    assert events[-1][1][157784] == "9.5"


def test_a_syringe_runs_empty_and_is_changed() -> None:
    said = list(play(WardConfig(speed=10.0), 120, only=("syringe-9",)))
    events = [values(s.message)[68487] for s in said if s.outgoing.kind == "event"]
    assert events == ["197288", "197292", "197288"]
    alarms = [values(s.message)[PHASE] for s in said if s.outgoing.kind == "alarm"]
    assert alarms[0] == "start"
    assert alarms[-1] == "end"


def test_dialysis_stops_its_pump_while_the_venous_pressure_is_low(alarms: list[Said]) -> None:
    mine = [s for s in alarms if s.name == "dialysis-10"]
    assert [values(s.message)[PHASE] for s in (mine[0], mine[-1])] == ["start", "end"]
    assert mine[0].t == pytest.approx(270 / 3, abs=5.0)
    told = list(play(WardConfig(speed=3.0), 105, only=("dialysis-10",), kinds=("numerics",)))
    flows = {s.t: float(values(s.message)[158740]) for s in told}
    assert min(flow for t, flow in flows.items() if t < 85) == 280
    assert min(flow for t, flow in flows.items() if t > 90) == 0
    assert flows[max(flows)] == 280


def news2(seen: dict[int, str]) -> int:
    """NEWS2 of a monitor's numerics: alert, on room air, SpO2 scale 1 (RCP 2017)."""
    rr, spo2, high = (float(seen[code]) for code in (151562, 150456, 150037))
    pulse, temp = float(seen[147842]), float(seen[150344])
    score = 3 if rr <= 8 or rr >= 25 else 2 if rr >= 21 else 1 if rr <= 11 else 0
    score += 3 if spo2 <= 91 else 2 if spo2 <= 93 else 1 if spo2 <= 95 else 0
    score += 3 if high <= 90 or high >= 220 else 2 if high <= 100 else 1 if high <= 110 else 0
    score += 3 if pulse <= 40 or pulse >= 131 else 2 if pulse >= 111 else 1 if pulse <= 50 or pulse >= 91 else 0
    return score + (3 if temp <= 35 else 2 if temp >= 39.1 else 1 if temp <= 36 or temp >= 38.1 else 0)


def test_bed_three_becomes_septic_and_recovers() -> None:
    told = play(WardConfig(speed=10.0, waves=False), 230, only=("monitor-3",), kinds=("numerics",))
    scores = {s.t * 10: news2(values(s.message)) for s in told if 151562 in values(s.message)}
    assert max(score for at, score in scores.items() if at < 120) <= 2
    assert min(score for at, score in scores.items() if 620 < at < 1150) >= 7
    assert max(score for at, score in scores.items() if at > 2200) <= 4


def test_the_deterioration_is_gradual(alarms: list[Said]) -> None:
    mine = [s for s in alarms if s.name == "monitor-3"]
    assert min(s.t * 3 for s in mine) > 240
    told = [(values(s.message)[PHASE], values(s.message)[PRIORITY]) for s in mine]
    assert told[0] == ("start", "PM")
    assert ("escalate", "PH") in told
    assert told.index(("escalate", "PH")) > told.index(("start", "PM"))


def test_nobody_else_turns_septic(alarms: list[Said]) -> None:
    loud = {s.name for s in alarms if values(s.message)[KIND] == "SP"}
    assert "monitor-3" in loud
    assert len(loud) <= 5, loud


def test_adt_tells_who_lies_where() -> None:
    said = [s.message for s in play(WardConfig(speed=5.0), 80, only=("his",))]
    triggers = [message.trigger for message in said]
    assert triggers.count("A01") == 13
    assert triggers[:3] == ["A01"] * 3
    assert triggers[15 - 1 :] == ["A08", "A40", "A03", "A02"]
    places = {m.get("PID", 3): m.get("PV1", 3, 3) for m in said if m.trigger == "A01" and m.get("PV1", 3) == "ICU"}
    assert sorted(places.values()) == [f"{n:02d}" for n in range(1, 13)]
    moved = said[-1]
    assert moved.get("PV1", 3, 3) == "12"
    assert moved.get("PV1", 6, 3) == "07"
    assert places[moved.get("PID", 3)] == "07"
    assert places[said[-2].get("PID", 3)] == "12"
    merge = said[-3]
    assert merge.get("MRG", 1) != merge.get("PID", 3)
    assert merge.get("MRG", 1) in {m.get("PID", 3) for m in said if m.get("PV1", 3) == "ED"}
    for message in said:
        assert message.get("PID", 3, 4, 2) == "2.999.1.1"
        assert message.get("PID", 5)


def test_every_adt_is_read_without_a_problem() -> None:
    for said in play(WardConfig(speed=10.0), 40, only=("his",)):
        event, problems = read_adt(said.message, UTC)
        assert not problems
        assert event.trigger == said.message.trigger
        assert next(str(one) for one in event.ids).startswith("2.999.1.1|")
        assert event.merges if event.trigger == "A40" else event.visit


def test_a_circuit_that_comes_off_is_seen_by_both_machines() -> None:
    """The monitor's sensor sits in the ventilator's circuit (bed 4, 330 to 345 s)."""
    told = list(play(WardConfig(speed=5.0), 72, only=("monitor-4",), kinds=("numerics",)))
    gas = {s.t * 5: values(s.message).get(151708) for s in told if 147842 in values(s.message)}
    assert all(gas[at] for at in gas if at < 330)
    assert not any(gas[at] for at in gas if 330 <= at < 345)
    assert all(gas[at] for at in gas if at > 346)


def test_the_moved_patient_is_measured_by_the_other_monitor() -> None:
    told = list(play(WardConfig(speed=6.0, waves=False), 80, only=("monitor-7", "monitor-12"), kinds=("numerics",)))
    rates = {
        name: {
            s.t * 6: values(s.message).get(147842) for s in told if s.name == name and 150021 not in values(s.message)
        }
        for name in ("monitor-7", "monitor-12")
    }
    assert all(rate for at, rate in rates["monitor-7"].items() if at < 355)
    assert not any(rate for at, rate in rates["monitor-7"].items() if at > 366)
    assert not any(rate for at, rate in rates["monitor-12"].items() if 306 < at < 355)
    after = [float(rate) for at, rate in rates["monitor-12"].items() if at > 400 and rate]
    assert after
    assert all(85 < rate < 95 for rate in after)  # the paced heart of bed 7


def test_a_script_may_be_wrong_and_says_where() -> None:
    bed = '[[bed]]\nstory = "x"\n'
    with pytest.raises(ValueError, match="event 1: unknown kind 'explode'"):
        load(1, bed + '[[event]]\nat = 1\nbed = 1\nkind = "explode"\n')
    with pytest.raises(ValueError, match="event 1: a fault needs a device"):
        load(1, bed + '[[event]]\nat = 1\nbed = 1\nkind = "silent"\n')
    with pytest.raises(ValueError, match="event 1"):
        load(1, bed + '[[event]]\nat = 1\nbed = 1\nkind = "update"\nspeed = 3\n')
    with pytest.raises(ValueError, match="bed 1: unknown pump"):
        load(1, bed + "pump = {}\n")
    with pytest.raises(ValueError, match="at least one bed"):
        load(3, "")


def test_other_sizes() -> None:
    small, large = load(4), load(30)
    assert {event.bed for event in small.events} <= {1, 2, 3, 4}
    assert [bed.number for bed in large.beds] == list(range(1, 31))
    assert large.patient_at(25, 9999.0) == 25
    assert {event.bed for event in large.events} <= set(range(1, 13))
    with pytest.raises(ValueError, match="beds must be"):
        WardConfig(beds=0)
    with pytest.raises(ValueError, match="speed must be"):
        WardConfig(speed=0.0)
