"""DTM to microseconds and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from hypothesis import given

from wardbridge.exchange.codecs.hl7v2.dtm import format_dtm, micros_of, offset_of, parse_dtm

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "iso", "precision"),
    [
        ("2026", "2026-01-01T00:00:00+00:00", "year"),
        ("202602", "2026-02-01T00:00:00+00:00", "month"),
        ("20260203", "2026-02-03T00:00:00+00:00", "day"),
        ("2026020304", "2026-02-03T04:00:00+00:00", "hour"),
        ("202602030405", "2026-02-03T04:05:00+00:00", "minute"),
        ("20260203040506", "2026-02-03T04:05:06+00:00", "second"),
        ("20260203040506.7", "2026-02-03T04:05:06.700000+00:00", "fraction"),
        ("20260203040506.1234+0530", "2026-02-02T22:35:06.123400+00:00", "fraction"),
        ("20260203040506 -0600", "2026-02-03T10:05:06+00:00", "second"),
        ("20260203+0100", "2026-02-02T23:00:00+00:00", "day"),
    ],
)
def test_read(text: str, iso: str, precision: str) -> None:
    moment = parse_dtm(text)
    assert moment is not None
    assert (moment.utc.isoformat(), moment.precision) == (iso, precision)


@pytest.mark.parametrize(
    "text",
    ["", "x", "20261301", "20260230", "202", "20260203040506.", "2026020304.5", "20260203040560", "²0260203",
     "20260203040506+99", "20260203040506+1500", '""'],
)  # fmt: skip
def test_unreadable_is_none(text: str) -> None:
    assert parse_dtm(text) is None


def test_the_site_zone_holds_where_no_offset_is_written() -> None:
    winter, summer = parse_dtm("20260115120000", BERLIN), parse_dtm("20260715120000", BERLIN)
    assert winter is not None
    assert summer is not None
    assert (winter.utc.hour, summer.utc.hour) == (11, 10)
    assert not winter.zoned
    assert offset_of("20260715120000+0200") == timezone(timedelta(hours=2))


@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_written_and_read_back(moment: datetime, minutes: int) -> None:
    micros = micros_of(moment) // 1000 * 1000
    zone = timezone(timedelta(minutes=minutes))
    found = parse_dtm(format_dtm(micros, zone, "fraction"))
    assert found is not None
    assert found.micros == micros
