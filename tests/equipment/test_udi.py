"""Labels of the three agencies, whole and broken: everything that is there is read, what is odd is said."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.equipment.udi import gs1, hibcc
from wardbridge.equipment.udi.parse import parse
from wardbridge.equipment.udi.values import Udi

SUITE = Path(os.environ.get("WARDBRIDGE_SUITES", "../shared/suites")) / "gudid" / "gudid-5000.ndjson.gz"


TODAY, END = date(2000, 1, 1), date(2070, 12, 31)


def read(text: str) -> Udi:
    return parse(text, 2026)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "(01)09506000117843(11)141231(17)150707(10)12345AB(21)5414321",
            {"issuer": "GS1", "di": "09506000117843", "manufactured": "2014-12-31", "expiration": "2015-07-07",
             "lot": "12345AB", "serial": "5414321"},
        ),
        (
            "]d20109506000117843172607001012(45)AB\x1d21X1",
            {"di": "09506000117843", "expiration": "2026-07-31", "lot": "12(45)AB", "serial": "X1"},
        ),
        ("(01)09506000117843(10)A(21)B(90)in-house", {"lot": "A", "serial": "B"}),
        (
            "+A123BJC5D6E71/$$52001510X3C",
            {"issuer": "HIBCC", "di": "A123BJC5D6E71", "expiration": "2020-01-15", "lot": "10X3"},
        ),
        ("=/A9999XYZ100T0474=,000025=A99971312345600=>014032=}013032&,1000000000000XYZ123",
         {"issuer": "ICCBBA", "di": "A9999XYZ100T0474", "serial": "000025", "donation": "A99971312345600",
          "expiration": "2014-02-01", "manufactured": "2013-02-01", "lot": "000000000000XYZ123"}),
        ("=)1TE123456A&)RZ12345678", {"di": "1TE123456A", "lot": "RZ12345678"}),
        ("09506000117843", {"issuer": "GS1", "di": "09506000117843"}),
    ],
)  # fmt: skip
def test_labels_are_taken_apart(text: str, expected: dict[str, str]) -> None:
    found = read(text)
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.warnings == ()
    assert found.rest == ""


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("$LOT9", {"lot": "LOT9"}),
        ("$+SER9", {"serial": "SER9"}),
        ("$$0527LOT", {"expiration": "2027-05", "lot": "LOT"}),
        ("$$2053127LOT", {"expiration": "2027-05-31", "lot": "LOT"}),
        ("$$3270531LOT", {"expiration": "2027-05-31", "lot": "LOT"}),
        ("$$427053114LOT", {"expiration": "2027-05-31", "lot": "LOT"}),
        ("$$52736514LOT", {"expiration": "2027-12-31", "lot": "14LOT"}),
        ("$$7LOT", {"lot": "LOT"}),
        ("$$+3270531SER", {"expiration": "2027-05-31", "serial": "SER"}),
        ("$$8053270531LOT", {"quantity": "05", "expiration": "2027-05-31", "lot": "LOT"}),
        ("$$3270531LOT/SSER/16D20260102", {"lot": "LOT", "serial": "SER", "manufactured": "2026-01-02"}),
        ("$LOT/14D20280229", {"lot": "LOT", "expiration": "2028-02-29"}),
    ],
)
def test_every_date_form_of_hibc(flags: str, expected: dict[str, str]) -> None:
    body = f"+A999PCN1231/{flags}"
    found = read(body + hibcc.mod43(body))
    assert {name: getattr(found, name) for name in expected} == expected
    assert (found.di, found.warnings) == ("A999PCN1231", ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(01)09506000117844", "check digit"),
        ("(01)0950600011784", "14 digits"),
        ("(01)09506000117843(17)261301", "no date"),
        ("(10)ABC", "no device identifier"),
        ("(01)09506000117843(10)" + "A" * 21, "at most 20"),
        ("0109506000117843QQ", "no known application identifier"),
        ("+A123BJC5D6E71", "no check character"),
        ("+A123BJC5D6E71/$$52036710X3", "not understood"),
        ("=/A9999XYZ100T0474#", "rest was not read"),
        ("hello", "no label"),
        ("", "no label"),
    ],
)
def test_what_is_odd_is_said_and_nothing_is_lost(text: str, said: str) -> None:
    found = read(text)
    assert any(said in one for one in found.warnings), found.warnings
    assert found.text == text


def test_hibcc_is_found_with_and_without_its_check_character() -> None:
    body = "B066000325011"
    check = hibcc.mod43("+" + body)
    assert {read(text).di for text in (body, body + check, "+" + body + check)} == {body}


@given(st.text(max_size=60) | st.from_regex(r"[\x1d\]()=+&/$0-9A-Z]{0,60}", fullmatch=True))
def test_no_text_breaks_it(text: str) -> None:
    assert read(text).text == text


_ALNUM = st.from_regex(r"[A-Z0-9]{1,20}", fullmatch=True)


@given(st.from_regex(r"[0-9]{13}", fullmatch=True), _ALNUM, _ALNUM, st.dates(TODAY, END), st.booleans())
def test_a_label_that_was_made_parses_back(gtin: str, lot: str, serial: str, day: date, printed: bool) -> None:
    di = next(gtin + d for d in "0123456789" if gs1.mod10(gtin + d))
    short = day.strftime("%y%m%d")
    text = f"(01){di}(17){short}(10){lot}(21){serial}" if printed else f"01{di}17{short}10{lot}\x1d21{serial}"
    found = read(text)
    assert (found.di, found.lot, found.serial, found.expiration) == (di, lot, serial, day.isoformat())
    assert found.warnings == ()


@pytest.mark.suite
def test_every_identifier_of_the_gudid_sample_is_classified_as_it_says() -> None:
    if not SUITE.exists():
        pytest.skip(f"{SUITE} is absent")
    says = {"mod10-ok": "", "mod10-fail": "check digit", "no-mod43-char": "no check character",
            "mod43-last-char-matches": "", "length-13": "14 digits"}  # fmt: skip
    seen: Counter[str] = Counter()
    with gzip.open(SUITE, "rt", encoding="utf-8") as lines:
        for line in lines:
            for one in json.loads(line)["identifiers"]:
                found = parse(one["id"], 2026, one["agency"])
                seen[one["check"]] += 1
                assert found.issuer == one["agency"], one
                expected = says[one["check"]]
                assert bool(found.warnings) is bool(expected), one
                assert not expected or expected in found.warnings[0], one
    assert sum(seen.values()) == 7270
