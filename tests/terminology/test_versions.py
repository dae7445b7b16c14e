"""Versions: order and patterns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.terminology.languages import parse, speaks
from wardbridge.terminology.versions import fits, listed, newest, order, split

ORDERED = ["", "1.0.0-beta", "1.0.0", "1.2.0", "1.10.0", "2"]


def test_order() -> None:
    assert sorted(["1.10.0", "2", "", "1.2.0", "1.0.0", "1.0.0-beta"], key=order) == ORDERED
    assert newest(["2018-08-12", "2024-01-01", "2019-12-31"]) == "2024-01-01"


@pytest.mark.parametrize(
    ("version", "pattern", "expected"),
    [
        ("1.0.0", "1.0.0", True),
        ("1.0.0", "1.0.x", True),
        ("1.2.0", "1.0.x", False),
        ("1.2.0", "1.x.x", True),
        ("1.0.0", "1", False),
        ("1.0.0", "1.*", True),
        ("2.0.0", "1.*", False),
        ("1.0.0", "*", True),
        ("20240101", "2024?", True),
    ],
)
def test_patterns(version: str, pattern: str, expected: bool) -> None:
    assert fits(version, pattern) is expected


@given(st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}(-[a-z]{1,5})?", fullmatch=True))
def test_a_version_fits_itself_and_any(version: str) -> None:
    assert fits(version, version)
    assert fits(version, "*")


def test_listed() -> None:
    assert listed(["1.2.0", "1.0.0", ""]) == "1.0.0 or 1.2.0"
    assert listed(["3", "1", "2"]) == "1, 2 or 3"
    assert listed(["1"]) == "1"


def test_split() -> None:
    assert split("http://a|1") == ("http://a", "1")
    assert split("http://a") == ("http://a", "")


def test_languages_by_weight() -> None:
    found = parse("de;q=0.5, en-AU, *;q=0")
    assert found.ranges == ("en-AU", "de")
    assert found.strict
    assert speaks("de-CH", "de")
    assert speaks("de", "de-CH")
    assert not speaks("de-CH", "de-AT")
