"""The joint calendar: what collides, the grid of a month, the iCalendar feed."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.equipment.changing import START, file

from wardbridge.core.clock import DAY, HOUR, from_datetime
from wardbridge.equipment.changes.calendar import Absence, Freeze, hints, ical, month
from wardbridge.equipment.changes.values import Change

NIGHT = START + 20 * HOUR


def change(
    ident: str, start: int = NIGHT, hours: int = 4, state: str = "scheduled", **touched: tuple[str, ...]
) -> Change:
    content = file(start=start, stop=start + hours * HOUR, **touched)
    return Change(change_id=ident, kind="configuration", state=state, state_at=start, version=1, file=content,
                  title=f"Change {ident}", author="a", author_name="A", created=0, start=content.start,
                  stop=content.stop)  # fmt: skip


def kinds(
    one: Change, *others: Change, freezes: tuple[Freeze, ...] = (), absences: tuple[Absence, ...] = ()
) -> list[str]:
    return [hint.kind for hint in hints(one, others, freezes, absences)]


def test_overlaps_in_ward_machine_or_zone_are_told() -> None:
    one = change("1", wards=("ICU",), zones=("pumps",))
    assert kinds(one, change("2", wards=("ICU",))) == ["overlap"]
    assert kinds(one, change("2", zones=("pumps",))) == ["overlap"]
    assert kinds(one, change("2", wards=("OR",))) == []
    assert kinds(one, one) == []
    assert kinds(one, change("2", NIGHT + 4 * HOUR, wards=("ICU",))) == []
    assert kinds(one, change("2", wards=("ICU",), state="cancelled")) == []


def test_freezes_and_absences_are_told() -> None:
    one = change("1", wards=("ICU",))
    everywhere = Freeze(freeze_id="f", start=NIGHT, stop=NIGHT + DAY, reason="go-live")
    assert kinds(one, freezes=(everywhere,)) == ["freeze"]
    assert kinds(one, freezes=(msgspec.structs.replace(everywhere, ward="OR"),)) == []
    assert kinds(one, freezes=(msgspec.structs.replace(everywhere, ward="ICU"),)) == ["freeze"]
    assert kinds(one, absences=(Absence(start=NIGHT + HOUR, stop=NIGHT + 2 * HOUR, side="it"),)) == ["absent"]


def test_a_month_is_whole_weeks_and_a_change_over_midnight_is_on_both_days() -> None:
    weeks = month(
        2026, 3, [change("1", from_datetime(datetime(2026, 3, 28, 22, tzinfo=UTC)))], (), ZoneInfo("Europe/Berlin")
    )
    days = [day for week in weeks for day in week]
    assert all(len(week) == 7 for week in weeks)
    assert [day.day.day for day in days if day.changes] == [28, 29]
    assert sum(day.inside for day in days) == 31


@given(st.text(), st.text(max_size=300))
def test_the_feed_keeps_the_rules_of_rfc_5545_whatever_is_written(title: str, purpose: str) -> None:
    one = msgspec.structs.replace(change("1"), title=title)
    one = msgspec.structs.replace(one, file=msgspec.structs.replace(one.file, purpose=purpose))
    text = ical([one], "http://ward.test")
    assert text.endswith("END:VCALENDAR\r\n")
    lines = text[:-2].split("\r\n")
    assert all(len(line.encode()) <= 75 for line in lines)
    assert all("\n" not in line and "\r" not in line for line in lines)
    whole = text.replace("\r\n ", "").split("\r\n")
    names = [line.split(":")[0] for line in whole if line]
    assert names.count("BEGIN") == names.count("END") == 2
    assert {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY"} <= set(names)
