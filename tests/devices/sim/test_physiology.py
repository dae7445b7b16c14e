"""Every number on the monitor must be found again in its wave, by somebody who only sees the wave."""

from __future__ import annotations

import numpy as np
import pytest

from wardbridge.devices.sim.course import Course
from wardbridge.devices.sim.patient import Patient, Profile

from .measure import extremes, peaks, per_minute

CASES = {
    "healthy": Profile(),
    "fast": Profile(hr=128, rr=29, sys=86, dia=45, spo2=90, perfusion=1.0),
    "slow": Profile(hr=46, rr=9, sys=150, dia=80),
    "machine": Profile(hr=88, rr=22, sys=118, dia=64, etco2=46, machine=True),
    "fibrillation": Profile(hr=92, rr=16, rhythm="af"),
    "paced": Profile(hr=90, rhythm="paced"),
    "ectopic": Profile(hr=76, ectopy=0.06),
}


@pytest.fixture(params=CASES, ids=list(CASES))
def patient(request: pytest.FixtureRequest) -> Patient:
    return Patient(CASES[request.param], (5, 1))


def seconds(patient: Patient, wave: str, rate: float, begin: int, end: int) -> np.ndarray:
    """A wave asked for second by second, as the monitor does."""
    parts = [getattr(patient, wave)(np.arange(int(k * rate), int((k + 1) * rate)) / rate) for k in range(begin, end)]
    return np.concatenate(parts)


def test_heart_rate_is_in_the_ecg(patient: Patient) -> None:
    ecg = seconds(patient, "ecg", 250, 20, 30)
    counted = per_minute(peaks(ecg, 250, 0.55, 0.22), 250)
    assert patient.numerics(30.0).hr == pytest.approx(counted, rel=0.06)


def test_pulse_is_in_the_pleth_and_in_the_pressure(patient: Patient) -> None:
    pleth = seconds(patient, "pleth", 125, 20, 30)
    abp = seconds(patient, "abp", 125, 20, 30)
    seen = patient.numerics(30.0)
    middle = (float(abp.max()) + float(abp.min())) / 2
    apart = 0.55 * 60.0 / (seen.pulse or 60.0)
    # A premature beat's weak pulse may be missed, as on a real finger.
    slack = 0.12 if patient.profile.ectopy or patient.heart.rhythm == "af" else 0.05
    volume = per_minute(peaks(pleth, 125, 0.35 * float(pleth.max()), apart), 125)
    pressure = per_minute(peaks(abp, 125, middle - 0.2 * (middle - float(abp.min())), apart), 125)
    assert seen.pulse == pytest.approx(volume, rel=slack)
    assert seen.pulse == pytest.approx(pressure, rel=slack)


def test_pressures_are_those_of_the_wave(patient: Patient) -> None:
    abp = seconds(patient, "abp", 125, 20, 30)
    seen = patient.numerics(30.0)
    middle = (float(abp.max()) + float(abp.min())) / 2
    high, low = extremes(abp, peaks(abp, 125, middle, 0.55 * 60.0 / (seen.pulse or 60.0)))
    slack = 6.0 if patient.profile.ectopy or patient.heart.rhythm == "af" else 2.5
    assert seen.sys == pytest.approx(high, abs=slack)
    assert seen.dia == pytest.approx(low, abs=slack)
    assert seen.mean == pytest.approx(float(abp.mean()), abs=slack)


def test_breaths_are_in_impedance_and_capnogram(patient: Patient) -> None:
    seen = patient.numerics(60.0)
    assert seen.rr is not None
    assert seen.etco2 is not None
    patient = Patient(patient.profile, (5, 1))
    resp = seconds(patient, "resp", 62.5, 30, 60)
    co2 = seconds(patient, "co2", 62.5, 30, 60)
    apart = 0.5 * 60.0 / seen.rr
    assert seen.rr == pytest.approx(per_minute(peaks(resp, 62.5, 0.45, apart), 62.5), rel=0.05)
    assert seen.rr == pytest.approx(per_minute(peaks(co2, 62.5, 0.8 * seen.etco2, apart), 62.5), rel=0.05)
    assert seen.etco2 == pytest.approx(float(co2.max()), abs=1.5)
    assert co2.min() < 1.0


def test_pulse_follows_the_beat() -> None:
    patient = Patient(Profile(hr=70), (1, 1))
    ecg, abp = seconds(patient, "ecg", 250, 5, 15), seconds(patient, "abp", 250, 5, 15)
    pleth = seconds(patient, "pleth", 250, 5, 15)
    beats, pulses = peaks(ecg, 250, 0.6, 0.3), peaks(abp, 250, 100, 0.45)
    fingers = peaks(pleth, 250, 0.5, 0.45)
    for beat in beats[1:-1]:
        delay = min(p - beat for p in pulses if p > beat) / 250
        later = min(p - beat for p in fingers if p > beat) / 250
        assert 0.2 < delay < 0.4
        assert delay < later < 0.6


def test_waves_join_without_a_step() -> None:
    patient = Patient(Profile(hr=95, ectopy=0.05), (3, 1))
    whole = seconds(patient, "abp", 125, 0, 30)
    assert np.abs(np.diff(whole)).max() < 14.0  # mm[Hg] in 8 ms: the steepest upstroke
    assert np.abs(np.diff(seconds(patient, "resp", 62.5, 30, 60))).max() < 0.4


def test_ectopy_is_counted() -> None:
    patient = Patient(Profile(ectopy=0.08), (2, 1))
    assert patient.numerics(60.0).ectopics > 0
    assert Patient(Profile(), (2, 1)).numerics(60.0).ectopics == 0


def test_fibrillation_is_irregular_and_sinus_is_not() -> None:
    def spread(rhythm: str) -> float:
        patient = Patient(Profile(rhythm=rhythm), (2, 1))
        patient.extend(40.0)
        return float(np.std([beat.interval for beat in patient.heart.beats]))

    assert spread("af") > 0.08
    assert 0.005 < spread("sinus") < 0.06
    assert spread("paced") < 0.02


def test_windows_do_not_matter() -> None:
    whole = Patient(Profile(), (9, 1)).abp(np.arange(0, 2500) / 125)
    parts = seconds(Patient(Profile(), (9, 1)), "abp", 125, 0, 20)
    assert np.allclose(whole, parts)


def test_courses_move_as_planned() -> None:
    course = Course(80.0)
    course.steer(100.0, 120.0, 50.0)
    course.steer(200.0, 90.0, 0.0)
    assert course.value(100.0) == 80.0
    assert course.value(125.0) == pytest.approx(100.0)
    assert course.value(150.0) == 120.0
    assert course.value(200.5) == 90.0
    with pytest.raises(ValueError, match="-1"):
        course.steer(0.0, 1.0, -1.0)


def test_speed_hurries_the_course_and_not_the_heart() -> None:
    slow, fast = Patient(Profile(), (1, 1), 1.0), Patient(Profile(), (1, 1), 4.0)
    for patient in (slow, fast):
        patient.steer("hr", 100.0, 140.0, 100.0)
    assert fast.value("hr", 50.0) == pytest.approx(140.0, abs=3.0)
    assert slow.value("hr", 50.0) == pytest.approx(78.0, abs=3.0)
    ecg = seconds(fast, "ecg", 250, 60, 70)
    assert per_minute(peaks(ecg, 250, 0.55, 0.22), 250) == pytest.approx(140.0, rel=0.05)
