"""How values look."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from wardbridge.core.clock import DAY, HOUR, MINUTE, SECOND
from wardbridge.web import show

AT = 1_772_636_829 * SECOND  # 2026-03-04T15:07:09Z
BERLIN = show.Show(ZoneInfo("Europe/Berlin"))


def test_dates_are_never_short():
    assert show.Show(ZoneInfo("UTC")).moment(AT) == "04-Mar-2026 15:07"
    assert BERLIN.second(AT) == "04-Mar-2026 16:07:09"
    assert BERLIN.moment(0) == "--"
    assert BERLIN.iso(AT) == "2026-03-04T16:07:09+01:00"


def test_a_field_comes_back_as_the_same_minute():
    assert BERLIN.parse(BERLIN.field(AT)) == AT // MINUTE * MINUTE


@pytest.mark.parametrize(("micros", "text"), [
    (0, "0 s"), (59 * SECOND, "59 s"), (MINUTE, "1 min"), (61 * MINUTE, "1 h"), (30 * HOUR, "30 h"), (2 * DAY, "2 d"),
    (-5, "0 s"),
])  # fmt: skip
def test_ages(micros, text):
    assert show.age(micros) == text


@pytest.mark.parametrize(("date", "text"), [
    ("1952-03-04", "04-Mar-1952"), ("1952-03", "Mar-1952"), ("1952", "1952"), ("", "--"), ("1952-99-01", "1952-99-01"),
])  # fmt: skip
def test_birth_dates_of_every_precision(date, text):
    assert show.birth(date) == text


def test_missing_is_never_zero():
    assert show.value("") == "--"
    assert show.value("0") == "0"
    assert show.limits(None, None) == "--"
    assert show.limits(50, None) == "50 –"


def test_alarm_marks_tell_priority_and_kind_without_colour():
    assert show.mark("high", "physiological") == "***"
    assert show.mark("medium", "technical") == "!!"
    assert len({show.mark(p, k) for p in ("high", "medium", "low") for k in ("physiological", "technical")}) == 6
