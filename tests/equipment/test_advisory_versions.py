"""Versions have an order, statements a range: by hand for the words of advisories, by property for the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.equipment.advisories import order, ranges

VERSIONS = st.text(st.sampled_from("0123456789..abrcv- "), max_size=14)
NUMBERS = st.lists(st.integers(0, 99), min_size=1, max_size=4)


def dotted(numbers: list[int]) -> str:
    return ".".join(map(str, numbers))


@given(VERSIONS, VERSIONS, VERSIONS)
def test_the_order_is_total_and_consistent(a: str, b: str, c: str) -> None:
    one, two, three = order.key(a), order.key(b), order.key(c)
    assert (one < two) + (one == two) + (one > two) == 1
    if one <= two <= three:
        assert one <= three
    if order.alike(a, b) and order.alike(b, c):
        assert order.alike(a, c)


@given(NUMBERS, NUMBERS)
def test_numbers_are_ordered_as_numbers_whatever_their_spelling(a: list[int], b: list[int]) -> None:
    long = max(len(a), len(b))
    expected = (a + [0] * (long - len(a))) < (b + [0] * (long - len(b)))
    assert (order.key("v" + dotted(a)) < order.key("Version " + dotted(b))) == expected


@pytest.mark.parametrize(("older", "newer"), [
    ("2.9", "2.10"), ("2.1", "2.1A"), ("2.1A", "2.1B"), ("2.1", "2.1.1"), ("3.0-rc1", "3.0"), ("3.0-beta", "3.0-rc1"),
    ("1.8.4", "1.8.4 Service Pack 01"), ("A.01", "B.12"), ("BT02", "BT06"), ("20D29", "22D24"),
    ("1.1.3 Build 10", "1.1.4"),
])  # fmt: skip
def test_older_and_newer(older: str, newer: str) -> None:
    assert order.key(older) < order.key(newer)


def test_different_schemes_are_not_compared() -> None:
    assert order.alike("2.1", "10.4.3")
    assert order.alike("BT02", "bt06")
    for one, other in (("BT05", "2.1"), ("24950", "2.1"), ("S4 A.07", "3.0"), ("", "1.0"), ("MMT-1710", "VS30")):
        assert not order.alike(one, other)


@pytest.mark.parametrize(("text", "inside", "outside"), [
    ("< 2.1", ["2.0", "1.9.9", "0"], ["2.1", "2.1.0", "3"]),
    ("<=2.1", ["2.1", "2.1.0", "1"], ["2.1.1", "2.2"]),
    ("prior to 2.1", ["2.0"], ["2.1"]),
    ("All versions prior to 4.0", ["3.9"], ["4.0"]),
    ("versions before V5.09", ["5.08"], ["5.09"]),
    ("2.1 and earlier", ["2.1", "1.0"], ["2.2"]),
    ("v3.1 and prior versions", ["3.1", "1.0"], ["3.2"]),
    ("up to and including 3.2", ["3.2"], ["3.3"]),
    ("1.0 through 1.6", ["1.0", "1.3.4", "1.6"], ["0.9", "1.7"]),
    ("versions 1.0 to 1.6", ["1.0", "1.6"], ["1.6.1"]),
    ("between 1.0 and 1.6", ["1.0", "1.2"], ["2"]),
    ("from 1.0 until 1.6", ["1.0"], ["2"]),
    (">= 1.0 | <= 1.6", ["1.0", "1.6"], ["0.9", "1.7"]),
    (">1.0, <2.0", ["1.1"], ["1.0", "2.0"]),
    ("2.x", ["2.0", "2.99.1", "2"], ["1.9", "3.0", "20.1"]),
    ("<= 12.2.x.x", ["12.2.9.9", "12.1", "3"], ["12.3", "13"]),
    ("1.1 | 1.2 | 1.4", ["1.1", "1.4.0"], ["1.3", "1.40"]),
    ("1.1, 1.2, and 1.4", ["1.2"], ["1.3"]),
    ("2.0 and 2.1", ["2.0", "2.1"], ["2.0.5", "2.2"]),
    ("2.1 or later", ["2.1", "3"], ["2.0"]),
    ("10+", ["10", "11.2"], ["9.9"]),
    ("BT02 | BT03", ["bt02"], ["BT05"]),
    ("Rev B-M", ["Rev C", "m"], ["Rev A", "N"]),
    ("< 1.8.4 Service Pack 01", ["1.8.4", "1.8.3"], ["1.8.4 SP1", "1.8.5"]),
    ("vers:generic/>=1.0|<2.0", ["1.0", "1.9"], ["2.0", "0.9"]),
    ("vers:generic/>=1.0|!=1.5|<2.0", ["1.4"], ["1.5", "2.0"]),
    ("all versions", ["1", "anything"], []), ("*", ["7"], []), ("vers:all/*", ["7"], []),
])  # fmt: skip
def test_statements_in_words(text: str, inside: list[str], outside: list[str]) -> None:
    said = ranges.parse(text)
    assert not said.problem
    assert [ranges.within(one, said) for one in inside] == [True] * len(inside)
    assert [ranges.within(one, said) for one in outside] == [False] * len(outside)


@pytest.mark.parametrize("text", [
    "Windows 10 Professional, U.S. release", "< july 1 2017", "<May 2018", "with wireless option (shipped 2016)",
    "base units (BU)|handheld base units", "CoaguChek XS Plus", "see the letter", "-", "x" * 5000,
])  # fmt: skip
def test_what_cannot_be_read_says_so_and_excludes_nothing(text: str) -> None:
    said = ranges.parse(text)
    assert said.problem
    assert ranges.within("1.0", said) is None


def test_a_version_of_nothing_is_no_version_of_everything() -> None:
    for text in ("", "-"):
        assert ranges.within("1.0", ranges.parse(text)) is None
    assert ranges.within("", ranges.parse("< 2.0")) is None


def test_what_stands_beside_a_statement_is_its_condition() -> None:
    said = ranges.parse("<=11.2 on Windows 8.1 with IIS 7.5")
    assert (said.intervals[0].high, said.condition) == ("11.2", "on windows 8.1 with iis 7.5")
    assert ranges.parse("6.x (with battery module 35700)").condition == "with battery module 35700"


@given(NUMBERS, NUMBERS, st.booleans(), st.booleans())
def test_bounds_hold_for_every_version(low: list[int], high: list[int], low_in: bool, high_in: bool) -> None:
    if order.key(dotted(low)) > order.key(dotted(high)):
        low, high = high, low
    text = f">{'=' * low_in} {dotted(low)} | <{'=' * high_in} {dotted(high)}"
    said = ranges.parse(text)
    if not order.alike(dotted(low), dotted(high)):
        return
    middle = dotted([*low, 1]) if order.key(dotted([*low, 1])) < order.key(dotted(high)) else ""
    equal = order.key(dotted(low)) == order.key(dotted(high))
    assert ranges.within(dotted(low), said) is (low_in and (not equal or high_in))
    assert ranges.within(dotted(high), said) is (high_in and (not equal or low_in))
    assert not middle or ranges.within(middle, said) is True
    assert ranges.within(dotted([high[0] + 1, *high[1:]]), said) in (False, None)


@given(st.text(max_size=60))
def test_any_text_gives_a_range_and_an_answer(text: str) -> None:
    said = ranges.parse(text)
    assert ranges.within(text, said) in (True, False, None)
    assert isinstance(ranges.text(said), str)
