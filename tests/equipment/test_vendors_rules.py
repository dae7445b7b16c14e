"""Service hours, promises, windows, scores: the pure rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardbridge.core.clock import DAY, HOUR, MINUTE, from_datetime
from wardbridge.core.errors import Invalid
from wardbridge.equipment.vendors import access, cost, hours, offers, plan, promise, support
from wardbridge.equipment.vendors.store.plan import Machine, Share
from wardbridge.equipment.vendors.values import Call, Contract, Session

T0 = from_datetime(datetime(2026, 1, 5, tzinfo=UTC))  # a Monday
moments = st.integers(T0, T0 + 60 * DAY)
WORKDAY = hours.parse("mo-fr 08:00-17:00; sa 09:00-12:00", "Europe/Berlin", ["2026-01-06"])


def minute_by_minute(calendar: hours.Hours, start: int, stop: int) -> int:
    """The same by looking at every minute: the oracle."""
    total, zone, at = 0, ZoneInfo(calendar.zone), start
    while at < stop:
        local = datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(zone)
        minute = local.hour * 60 + local.minute
        if local.date().isoformat() not in calendar.holidays and any(
            first <= minute < last for first, last in calendar.days[local.weekday()]
        ):
            total += MINUTE
        at += MINUTE
    return total


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 40 * 24 * 60), st.integers(0, 4 * 24 * 60), st.sampled_from([0, 80]))
def test_service_hours_are_those_of_a_look_at_every_minute(start: int, length: int, days: int) -> None:
    begin = T0 + days * DAY + start * MINUTE  # 80 days on, the clocks of Berlin change
    assert hours.served(WORKDAY, begin, begin + length * MINUTE) == minute_by_minute(
        WORKDAY, begin, begin + length * MINUTE
    )


@given(moments, st.floats(0.1, 100))
def test_a_promise_is_due_when_its_service_hours_are_over(start: int, need: float) -> None:
    due = hours.due(WORKDAY, start, need)
    assert due is not None
    assert hours.served(WORKDAY, start, due) == pytest.approx(need * HOUR, abs=1)


@given(moments, moments, moments)
def test_service_hours_add_up(one: int, two: int, three: int) -> None:
    first, middle, last = sorted((one, two, three))
    whole = hours.served(WORKDAY, first, last)
    assert whole == hours.served(WORKDAY, first, middle) + hours.served(WORKDAY, middle, last)
    assert 0 <= whole <= last - first


@pytest.mark.parametrize("text", ["mo 8-17", "xx 08:00-17:00", "fr-mo 08:00-17:00", "mo 08:00-25:00",
                                  "mo 08:00-12:00; mo 11:00-13:00", "mo 08:60-12:00"])  # fmt: skip
def test_hours_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(Invalid):
        hours.parse(text)


def test_round_the_clock_and_never() -> None:
    always = hours.parse("")
    assert hours.served(always, T0, T0 + HOUR) == HOUR
    assert hours.is_open(always, T0)
    assert hours.due(always, T0, 4) == T0 + 4 * HOUR
    assert hours.due(hours.parse(";"), T0, 4) is None


def contract(**fields: object) -> Contract:
    given = {"contract_id": "c", "vendor_id": "v", "number": "1", "title": "t", "kind": "full-service", "starts": T0,
             **fields}  # fmt: skip
    return Contract(**given)  # type: ignore[arg-type]


def call(opened: int, **fields: object) -> Call:
    given = {"call_id": "k", "vendor_id": "v", "device_id": "d", "text": "x", "opened": opened, "by_id": "p",
             "by_name": "P", **fields}  # fmt: skip
    return Call(**given)  # type: ignore[arg-type]


@given(st.lists(st.tuples(moments, st.none() | st.integers(0, 20 * DAY), st.none() | st.integers(0, 20 * DAY))))
def test_every_promise_of_every_call_is_counted_once(rows) -> None:  # type: ignore[no-untyped-def]
    calls = [
        call(at, answered=None if a is None else at + a, resolved=None if r is None else at + r) for at, a, r in rows
    ]
    agreed = contract(response_hours=4, repair_hours=24, hours="mo-fr 08:00-17:00")
    found = promise.comply(agreed, calls, T0 + 100 * DAY)
    assert found.response_met + found.response_missed + found.response_waiting == len(calls)
    assert found.repair_met + found.repair_missed + found.repair_waiting == len(calls)
    unbounded = promise.comply(contract(), calls, T0)
    assert unbounded.response_missed == unbounded.repair_missed == 0


def test_a_call_that_waits_too_long_is_overdue_before_anybody_answers() -> None:
    (response,) = promise.measure(contract(response_hours=4), call(T0), T0 + 5 * HOUR)
    assert (response.state, response.took, response.due) == ("overdue", 5.0, T0 + 4 * HOUR)
    (response,) = promise.measure(contract(response_hours=4), call(T0, on_site=T0 + 3 * HOUR), T0 + 5 * HOUR)
    assert response.state == "met"


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_uptime_is_a_share(machine: float, down: float) -> None:
    found = promise.comply(contract(uptime=99), [], T0, machine_hours=machine, down_hours=down)
    assert (found.uptime is None) == (machine <= 0)
    assert found.uptime is None or 0 <= found.uptime <= 100


def test_a_contract_warns_before_its_notice_date_and_its_end() -> None:
    rows = [
        contract(contract_id="notice", ends=T0 + 150 * DAY, notice_days=90),
        contract(contract_id="passed", ends=T0 + 60 * DAY, notice_days=90),
        contract(contract_id="ends", ends=T0 + 30 * DAY),
        contract(contract_id="ended", ends=T0 + DAY),
        contract(contract_id="far", ends=T0 + 500 * DAY, notice_days=90),
        contract(contract_id="open"),
        contract(contract_id="left", ends=T0 + 30 * DAY, cancelled=T0 + 30 * DAY),
    ]
    found = {one.contract_id: one.what for one in promise.warnings(rows, T0 + 2 * DAY)}
    assert found == {"notice": "notice", "passed": "notice-passed", "ends": "ends", "ended": "ended"}
    assert promise.runs(rows[0], T0)
    assert not promise.runs(rows[0], T0 - 1)
    assert not promise.runs(contract(ends=T0 + DAY), T0 + DAY)


@given(st.data())
def test_a_door_is_open_only_when_approved_started_and_within_its_window(data: st.DataObject) -> None:
    near = st.integers(0, 30)
    start = data.draw(near)
    one = Session(
        access_id="a", vendor_id="v", person="p", purpose="x", starts=start, stops=start + data.draw(st.integers(1, 9)),
        requested_by="r", requested_name="R", requested_at=0,
        decision=data.draw(st.sampled_from(["", "approved", "refused"])),
        started_at=data.draw(st.none() | near), ended_at=data.draw(st.none() | near),
    )  # fmt: skip
    now = data.draw(near)
    found = access.state(one, now)
    if found == "active":
        assert one.decision != "refused"
        assert one.started_at is not None
        assert now < one.stops
        assert one.ended_at is None or one.ended_at > now
    if now >= one.stops:
        assert found in ("refused", "ended", "expired", "lapsed")


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 4)))
def test_places_follow_scores(points: dict[str, int]) -> None:
    from wardbridge.equipment.lifecycle.questions import Answer, score

    form = offers.form()
    scores = {
        name: score(form, [Answer(question=q.id, points=value) for s in form.section for q in s.question])
        for name, value in points.items()
    }
    places = offers.rank(scores)
    for one, first in scores.items():
        for two, second in scores.items():
            if places[one] is not None and places[two] is not None:
                assert ((places[one] or 0) < (places[two] or 0)) == ((first.score or 0) > (second.score or 0))
        assert (places[one] is None) == bool(first.blocking)


def machine(**fields: object) -> Machine:
    given = {"device_id": "d", "name": "n", "model_id": "m", "model": "m", "class_": "therapy", "department": "ICU",
             "criticality": "medium", "since": T0, "expected_years": None, "price": Decimal(1000), "currency": "EUR",
             "support_ends": None, "security_ends": None, "support": "unknown", "security": "unknown", "repairs": 0,
             "year": None, "budget": None, "budget_currency": "", **fields}  # fmt: skip
    return Machine(**given)  # type: ignore[arg-type]


@given(st.integers(0, 12000), st.integers(0, 50), st.none() | st.integers(0, 10**6), st.sampled_from(support.SAYS),
       st.none() | st.integers(-2000, 2000))  # fmt: skip
def test_a_plan_s_score_lies_between_0_and_100_and_grows_with_its_terms(age, repairs, spent, says, ends) -> None:  # type: ignore[no-untyped-def]
    now = T0 + age * DAY
    one = machine(repairs=repairs, support=says, support_ends=None if ends is None else now + ends * DAY)
    found = plan.judge(one, now, None if spent is None else Decimal(spent))
    assert 0 <= found.score <= 100
    assert found.terms["cost"] is None if spent is None else found.terms["cost"] is not None
    worse = plan.judge(machine(repairs=repairs + 1, support=says, support_ends=one.support_ends), now,
                       None if spent is None else Decimal(spent))  # fmt: skip
    assert worse.score >= found.score


@given(st.lists(st.tuples(st.integers(0, 800), st.none() | st.integers(1, 800), st.integers(1, 9))))
def test_shares_of_a_contract_add_up_to_its_price(rows) -> None:  # type: ignore[no-untyped-def]
    for start, length, count in rows:
        stop = None if length is None else T0 + (start + length) * DAY
        whole = [Share(contract_id="c", title="t", price_year=Decimal(36525), currency="EUR", starts=T0 + start * DAY,
                       stops=stop, machines=count, mine=mine) for mine in (count, 1)]  # fmt: skip
        lines = [cost.contract_lines([share], T0, T0 + 900 * DAY) for share in whole]
        if lines[0]:
            days = min(900, start + (length or 900)) - start
            assert lines[0][0].amount == Decimal(100 * max(0, days))
            assert abs(lines[1][0].amount * count - lines[0][0].amount) <= Decimal("0.01") * count


def test_currencies_are_never_added() -> None:
    lines = [cost.Line("purchase", "", Decimal(10), "EUR"), cost.Line("parts", "", Decimal(5), "CHF")]
    found = cost.total(lines, T0, T0 + int(timedelta(days=365.25) / timedelta(microseconds=1)), machines=1, hours=100)
    assert found.sums == {"EUR": 10, "CHF": 5}
    assert found.a_year == {"EUR": Decimal("10.00"), "CHF": Decimal("5.00")}
    assert found.an_hour == {"EUR": Decimal("0.10"), "CHF": Decimal("0.05")}
