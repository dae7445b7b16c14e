"""Limits: delay, return, priority of scopes, and what a person may enter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.alarms.limits import SITE, Limit, Watch, check, effective, side_of, watch
from wardbridge.core.clock import SECOND

SPO2 = Limit("spo2", 90.0, None, "high", 10)


def test_a_short_dip_raises_nothing_and_a_long_one_does() -> None:
    known = Watch()
    for second, value in [(0, 95.0), (1, 85.0), (6, 85.0), (7, 95.0), (8, 85.0)]:
        known = watch(known, SPO2, value, second * SECOND)
        assert known.alarm == ""
    assert watch(known, SPO2, 85.0, 17 * SECOND).alarm == ""
    known = watch(known, SPO2, 85.0, 18 * SECOND)
    assert known.alarm == "low"
    known = watch(known, SPO2, 95.0, 20 * SECOND)
    assert known.alarm == "low"
    assert watch(known, SPO2, 95.0, 30 * SECOND).alarm == ""


def test_the_limit_itself_is_inside() -> None:
    assert side_of(SPO2, 90.0) == ""
    assert side_of(SPO2, 89.9) == "low"


@given(st.lists(st.tuples(st.integers(1, 30), st.floats(50, 100)), max_size=60))
def test_an_alarm_always_has_a_whole_delay_behind_it(steps: list[tuple[int, float]]) -> None:
    known, now, broken_since = Watch(), 0, None
    for pause, value in steps:
        now += pause * SECOND
        before = known.alarm
        known = watch(known, SPO2, value, now)
        broken_since = (broken_since if broken_since is not None else now) if value < 90 else None
        if known.alarm == "low" and before == "":
            assert broken_since is not None
            assert now - broken_since >= 10 * SECOND
        if broken_since is not None and now - broken_since >= 10 * SECOND:
            assert known.alarm == "low"


def test_patient_before_ward_before_site() -> None:
    stored = {"ward/ICU": [Limit("spo2", 85.0, None, "high", 5)], "patient/p": [Limit("spo2", 80.0, None, "low", 5)]}
    assert effective(stored, "ICU", "p")["spo2"].low == 80.0
    assert effective(stored, "ICU", "other")["spo2"].low == 85.0
    assert effective(stored, "IMC", "other")["spo2"].low == next(x for x in SITE if x.slot == "spo2").low


@pytest.mark.parametrize("limit", [
    Limit("spo2", 95.0, 90.0, "high", 0), Limit("nothing", 1.0, 2.0, "high", 0), Limit("hr", 1.0, 1e9, "high", 0),
    Limit("hr", 1.0, 2.0, "loud", 0), Limit("hr", 1.0, 2.0, "high", 9999), Limit("hr", float("nan"), 2.0, "low", 0),
])  # fmt: skip
def test_nonsense_is_refused(limit: Limit) -> None:
    assert check(limit)


def test_site_limits_are_sensible() -> None:
    assert all(not check(limit) for limit in SITE)
