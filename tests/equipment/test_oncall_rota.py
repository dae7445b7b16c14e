"""Who is on call, at any moment, over clock changes, with exceptions: pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.core.clock import DAY, HOUR, MINUTE, from_datetime
from wardbridge.core.errors import Invalid
from wardbridge.equipment.crew import rota as rotas
from wardbridge.equipment.crew.rota import Exchange, Rota, at, checked, duties, gaps

START = from_datetime(datetime(2026, 3, 20, tzinfo=UTC))
STOP = START + 14 * DAY
ZONES = st.sampled_from(("Europe/Berlin", "America/New_York", "UTC", "Australia/Lord_Howe", "Asia/Kolkata"))
TIMES = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from((0, 15, 30, 45)))
PEOPLE = st.lists(st.sampled_from("abcde"), min_size=1, max_size=4).map(tuple)


@st.composite
def whole(draw: st.DrawFn, level: int = 1, rank: int = 0) -> Rota:
    """A rota that covers every moment from its first day on."""
    turn = draw(TIMES)
    return Rota(rota_id=f"r{level}{rank}", side="it", title="IT", zone=draw(ZONES), first=date(2026, 3, 1), rank=rank,
                level=level, people=draw(PEOPLE), from_time=turn, to_time=turn,
                turn_days=draw(st.integers(1, 9)))  # fmt: skip


@st.composite
def any_rota(draw: st.DrawFn, number: int) -> Rota:
    return Rota(rota_id=f"r{number}", side=draw(st.sampled_from(("it", "biomed"))), title="x", zone=draw(ZONES),
                first=date(2026, 3, 1) + timedelta(days=draw(st.integers(0, 30))), people=draw(PEOPLE),
                level=draw(st.integers(1, 2)), from_time=draw(TIMES), to_time=draw(TIMES), rank=draw(st.integers(0, 2)),
                days=tuple(sorted(draw(st.sets(st.integers(1, 7), min_size=1)))),
                turn_days=draw(st.integers(1, 9)))  # fmt: skip


EXCHANGES = st.lists(
    st.builds(
        lambda number, rota, start, length, who, created: Exchange(
            exception_id=f"e{number}", rota_id=rota, start=START + start * HOUR, stop=START + (start + length) * HOUR,
            person_id=who, created=created,
        ),
        st.integers(0, 99), st.sampled_from(("r10", "r0", "r1", "r2")), st.integers(-50, 400), st.integers(1, 100),
        st.sampled_from(("x", "y", "")), st.integers(0, 5),
    ),
    max_size=6, unique_by=lambda one: one.exception_id,
)  # fmt: skip
MOMENTS = st.integers(START, STOP - 1)


@given(whole(), MOMENTS)
def test_a_rota_around_the_clock_has_exactly_one_primary_at_any_moment(rota: Rota, when: int) -> None:
    checked(rota)
    found = at([rota], (), when, "it")
    assert len(found) == 1
    assert found[0].start <= when < found[0].stop
    assert gaps([rota], (), START, STOP, "it") == []


@given(st.tuples(any_rota(0), any_rota(1), any_rota(2)), EXCHANGES, MOMENTS)
def test_never_two_people_on_one_level_and_gaps_are_exactly_where_nobody_is(
    some: tuple[Rota, ...], exchanges: list[Exchange], when: int
) -> None:
    line = duties(some, exchanges, START, STOP)
    for side in ("it", "biomed"):
        for level in (1, 2):
            mine = [duty for duty in line if (duty.side, duty.level) == (side, level)]
            assert all(before.stop <= after.start for before, after in pairwise(mine))
        first = [duty for duty in at(some, exchanges, when, side) if duty.level == 1]
        assert len(first) <= 1
        missing = any(start <= when < stop for start, stop in gaps(some, exchanges, START, STOP, side))
        assert missing == (not first)
        listed = [d for d in line if d.side == side and d.level == 1 and d.start <= when < d.stop and d.person_id]
        assert [d.person_id for d in listed] == [d.person_id for d in first]


@given(whole(), EXCHANGES, MOMENTS)
def test_the_newest_exception_says_who(rota: Rota, exchanges: list[Exchange], when: int) -> None:
    here = [one for one in exchanges if one.rota_id == rota.rota_id and one.start <= when < one.stop]
    found = at([rota], exchanges, when)
    if not here:
        assert [duty.person_id for duty in found] == [duty.person_id for duty in at([rota], (), when)]
        return
    newest = max(here, key=lambda one: (one.created, one.exception_id))
    assert [duty.person_id for duty in found] == ([newest.person_id] if newest.person_id else [])


def test_a_duty_over_a_clock_change_is_23_or_25_hours_long() -> None:
    rota = Rota(rota_id="r", side="it", title="IT", zone="Europe/Berlin", first=date(2026, 3, 1), people=("a", "b"),
                turn_days=1)  # fmt: skip
    for day, hours in ((date(2026, 3, 28), 23), (date(2026, 3, 29), 24), (date(2026, 10, 24), 25)):
        start = rotas.moment(day, rotas.clock_time("08:00"), ZoneInfo("Europe/Berlin"))
        (duty,) = rotas.turns(rota, start, start + 1)
        assert (duty.start, (duty.stop - duty.start) // HOUR) == (start, hours)


def test_nights_and_weekends_as_rotas_of_their_own() -> None:
    nights = Rota(rota_id="n", side="it", title="Nights", zone="Europe/Berlin", first=date(2026, 3, 2), people=("n",),
                  from_time="17:00", to_time="07:00", days=(1, 2, 3, 4, 5))  # fmt: skip
    monday = datetime(2026, 3, 23, tzinfo=ZoneInfo("Europe/Berlin"))
    who = [bool(at([nights], (), from_datetime(monday + timedelta(hours=hour)))) for hour in (6, 8, 17, 23)]
    assert who == [False, False, True, True]  # the night before Monday starts on Sunday
    found = gaps([nights], (), from_datetime(monday), from_datetime(monday + timedelta(days=1)), "it")
    assert [(stop - start) // MINUTE for start, stop in found] == [17 * 60]


def test_weeks_go_round_in_turn() -> None:
    rota = Rota(rota_id="r", side="it", title="IT", zone="UTC", first=date(2026, 3, 2), people=("a", "b", "c"))
    weeks = [
        at([rota], (), from_datetime(datetime(2026, 3, 2, 9, tzinfo=UTC)) + 7 * DAY * n)[0].person_id for n in range(5)
    ]
    assert weeks == ["a", "b", "c", "a", "b"]
    early = from_datetime(datetime(2026, 3, 2, 7, tzinfo=UTC))
    assert at([rota], (), early) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("side", "board"), ("zone", "Mars/Base"), ("from_time", "25:00"), ("days", ()), ("days", (8,)), ("turn_days", 0),
     ("people", ()), ("level", 6), ("title", " "), ("last", date(2020, 1, 1))],
)  # fmt: skip
def test_what_is_no_rota_is_refused(field: str, value: object) -> None:
    good = {"rota_id": "r", "side": "it", "title": "IT", "zone": "UTC", "first": date(2026, 3, 2), "people": ("a",)}
    with pytest.raises(Invalid):
        checked(Rota(**{**good, field: value}))  # type: ignore[arg-type]
