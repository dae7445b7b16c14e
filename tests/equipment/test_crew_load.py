"""The load of a person in shown terms: pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from wardbridge.core.clock import DAY, HOUR, from_datetime
from wardbridge.equipment.crew.load import LEVELS, LIMITS, NAMES, SUGGESTIONS, Facts, score, values, weeks

ZONE = ZoneInfo("Europe/Berlin")
NOW = from_datetime(datetime(2026, 3, 25, 11, tzinfo=UTC))
TODAY = date(2026, 3, 25)
NUMBERS = st.fixed_dictionaries({limit.term: st.integers(0, 120) for limit in LIMITS})


@given(NUMBERS, st.sampled_from([limit.term for limit in LIMITS]), st.integers(0, 50))
def test_more_of_any_term_never_makes_a_load_lighter(numbers: dict[str, int], term: str, more: int) -> None:
    less, heavier = score(numbers, LIMITS), score({**numbers, term: numbers[term] + more}, LIMITS)
    assert LEVELS.index(less.level) <= LEVELS.index(heavier.level)
    assert less.points <= heavier.points


@given(NUMBERS)
def test_every_point_is_shown_with_the_term_that_it_comes_from(numbers: dict[str, int]) -> None:
    load = score(numbers, LIMITS)
    assert load.points == sum(term.points for term in load.terms)
    assert {term.term for term in load.terms} == set(NAMES) == set(SUGGESTIONS)
    assert (load.level == "fine") <= (load.points < 4)
    assert bool(load.suggestions) == any(term.state != "fine" for term in load.terms)


def test_the_terms_are_counts_that_anybody_can_check() -> None:
    night = from_datetime(datetime(2026, 3, 20, 2, tzinfo=UTC))  # 03:00 in Berlin
    facts = Facts(
        interrupts=(night, night + HOUR, NOW - HOUR, NOW - 40 * DAY, NOW + HOUR),
        days=tuple((TODAY - timedelta(days=back), 480, 540, back == 3) for back in range(1, 11)),
        duties=((NOW - 4 * DAY, NOW + 3 * DAY),), overdue=2,
    )  # fmt: skip
    found = values(facts, NOW, ZONE)
    assert found["interrupts"] == 3
    assert found["night-calls"] == 2
    assert found["nights-worked"] == 1
    assert found["hours-over"] == 10
    assert found["overdue"] == 2
    assert found["weekends"] == 2
    assert found["days-without-free"] == 11


def test_a_free_day_today_is_not_over_yet() -> None:
    days = tuple((TODAY - timedelta(days=back), 480, 480, False) for back in (1, 2, 4))
    assert values(Facts(days=days), NOW, ZONE)["days-without-free"] == 2
    assert values(Facts(), NOW, ZONE)["days-without-free"] == 0
    assert score(values(Facts(), NOW, ZONE), LIMITS).level == "fine"


def test_two_terms_that_are_high_are_too_much() -> None:
    none = dict.fromkeys(NAMES, 0)
    assert score({**none, "overdue": 12}, LIMITS).level == "watch"
    assert score({**none, "overdue": 12, "interrupts": 80}, LIMITS).level == "too much"


def test_weeks_show_the_course() -> None:
    facts = Facts(interrupts=(NOW, NOW - 7 * DAY, NOW - 7 * DAY), days=((TODAY, 480, 500, False),))
    found = weeks(facts, NOW, ZONE, 3)
    assert [(monday, calls, minutes) for monday, calls, _, minutes in found] == [
        (date(2026, 3, 9), 0, 0), (date(2026, 3, 16), 2, 0), (date(2026, 3, 23), 1, 500)]  # fmt: skip
