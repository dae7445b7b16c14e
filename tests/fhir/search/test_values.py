"""Dates, numbers and units as ranges; escapes; references."""

from __future__ import annotations

from decimal import Decimal

import pytest

from wardbridge.fhir.search.moments import EARLIEST, LATEST, period, span, timing
from wardbridge.fhir.search.numbers import implied, number
from wardbridge.fhir.search.references import split, strip_base
from wardbridge.fhir.search.text import plain, split_on, split_values
from wardbridge.fhir.search.units import canonical

DAY = 86_400_000_000


@pytest.mark.parametrize(
    ("text", "low", "width"),
    [
        ("1970", 0, 365 * DAY),
        ("1970-01", 0, 31 * DAY),
        ("1972-02", 761 * DAY, 29 * DAY),
        ("1970-01-02", DAY, DAY),
        ("1970-01-01T00:01", 60_000_000, 60_000_000),
        ("1970-01-01T00:00:01Z", 1_000_000, 1_000_000),
        ("1970-01-01T02:00:00+02:00", 0, 1_000_000),
        ("1970-01-01T00:00:00.5Z", 500_000, 1),
        ("1970-01-01T00:00:00.123456789Z", 123_456, 1),
        ("1969-12-31T24:00:00Z", 0, 1_000_000),
    ],
)
def test_span(text: str, low: int, width: int) -> None:
    assert span(text) == (low, low + width)


@pytest.mark.parametrize("text", ["", "1970-13", "1970-02-30", "70", "1970-1-1", "0000", "1970-01-01T25:00:00Z", "x"])
def test_span_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        span(text)


def test_period_and_timing() -> None:
    assert period({"start": "1970"}) == (0, LATEST)
    assert period({"end": "1970"}) == (EARLIEST, 365 * DAY)
    assert period({}) is None
    assert period({"start": "1971", "end": "1969"}) is None
    assert timing({"event": ["1970-01-01", "1970-01-03"]}) == (0, 3 * DAY)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("100", "99.5", "100.5"),
        ("100.00", "99.995", "100.005"),
        ("1e2", "50", "150"),
        ("5.4e-3", "0.00535", "0.00545"),
        ("-2", "-2.5", "-1.5"),
    ],
)
def test_implied(text: str, low: str, high: str) -> None:
    assert implied(text) == (Decimal(low), Decimal(high))


@pytest.mark.parametrize("text", ["", "a", "1,5", "1e999", "NaN", "0x1", "1_000"])
def test_number_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        number(text)


@pytest.mark.parametrize(
    ("value", "code", "unit", "base"),
    [
        ("5.4", "mg", "g", "0.0054"),
        ("1", "L", "m3", "0.001"),
        ("37", "Cel", "K", "310.15"),
        ("120", "mm[Hg]", "Pa", "15998.64"),
        ("5", "mmol/L", "mol/m3", "5"),
        ("60", "/min", "/s", "1"),
        ("60", "{beats}/min", "/s", "1"),
        ("2", "h", "s", "7200"),
        ("7", "10*3/uL", "/m3", "7e12"),
        ("98", "%", "1", "0.98"),
        ("70", "kg", "g", "70000"),
        ("1", "m2", "m2", "1"),
    ],
)
def test_canonical(value: str, code: str, unit: str, base: str) -> None:
    found = canonical(Decimal(value), code)
    assert found is not None
    assert found[0] == unit
    assert abs(found[1] - Decimal(base)) < Decimal(base) * Decimal("1e-20")


def test_unknown_unit_has_no_canonical_form() -> None:
    assert canonical(Decimal(1), "furlong") is None


def test_escapes() -> None:
    assert split_values(r"a\,b,c") == [r"a\,b", "c"]
    assert plain(r"a\,b\|c\$d\\e") == r"a,b|c$d\e"
    assert split_on(r"s\|x|c", "|") == [r"s\|x", "c"]


def test_references() -> None:
    assert split("Patient/1/_history/2") == ("Patient", "1", "2")
    assert split("http://x/v|1.0") == ("", "http://x/v", "1.0")
    assert split("Nonsense/1")[0] == ""
    assert strip_base("http://me/fhir/Patient/1", ("http://me/fhir",)) == "Patient/1"
    assert strip_base("http://other/fhir/Patient/1", ("http://me/fhir",)) == "http://other/fhir/Patient/1"
