"""Lots, serial numbers and identifiers out of a recall's free text: nothing lost, nothing excluded by mistake."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.equipment.advisories import codes

CODE = st.builds(lambda a, n, b: f"{a}{n}{b}", st.text(string.ascii_uppercase, max_size=3),
                 st.integers(100, 9_999_999), st.sampled_from(["", "", "A", "-01"]))  # fmt: skip
LABELS = {
    "lots": ["Lot Numbers: ", "Lot No. ", "Lots ", "LOT# ", "Batch: ", "Lot/Batch: "],
    "serials": ["Serial Numbers: ", "Serial No. ", "S/N: ", "SN: ", "Serial #"],
}
BETWEEN = st.sampled_from([", ", "; ", "\n", " and ", ",", " , "])


@given(st.data(), st.sampled_from(["lots", "serials"]), st.lists(CODE, min_size=1, max_size=12, unique=True))
def test_a_list_is_found_whole_and_nothing_else(data: st.DataObject, kind: str, listed: list[str]) -> None:
    between = data.draw(BETWEEN)
    text = data.draw(st.sampled_from(LABELS[kind])) + between.join(listed) + data.draw(st.sampled_from(["", "."]))
    found = codes.read(text)
    own, other = (found.lots, found.serials) if kind == "lots" else (found.serials, found.lots)
    spans = found.lot_spans if kind == "lots" else found.serial_spans
    check = codes.lot_in if kind == "lots" else codes.serial_in
    assert found.complete
    assert all(check(one, found) for one in listed)
    assert not other
    assert set(own) == set(listed) or spans
    assert not check("ZZZ77", found)


@given(st.integers(1000, 90_000), st.integers(0, 9000), st.integers(-50, 9050), st.sampled_from(["", "AB", "CN-"]),
       st.sampled_from([" - ", " through ", " to ", " thru ", "–"]))  # fmt: skip
def test_a_span_holds_what_lies_between(start: int, length: int, at: int, letters: str, how: str) -> None:
    found = codes.read(f"Serial numbers {letters}{start}{how}{letters}{start + length}")
    assert found.complete
    assert bool(codes.serial_in(f"{letters}{start + at}", found)) == (0 <= at <= length)
    assert not codes.serial_in(f"X{letters}{start}", found)


@pytest.mark.parametrize(("text", "lots", "serials", "di", "models"), [
    ("Lot #: ABC123 (exp 2020-01-31), ABC124 (Exp. 12/2021)", ("ABC123", "ABC124"), (), (), ()),
    ("UDI (01)10885403123456(17)220131(10)L55, Lots: L56", ("L55", "L56"), (), ("10885403123456",), ()),
    ("Catalog number 1234-56 Lot 55512", ("55512",), (), (), ("1234-56",)),
    ("UDI-DI: 00885403123452; Lot Numbers: 123456", ("123456",), (), ("00885403123452",), ()),
    ("REF 1001, Lots 2101 and 2102. REF 1002, Lot 3101", ("2101", "2102", "3101"), (), (), ("1001", "1002")),
])  # fmt: skip
def test_labels(
    text: str, lots: tuple[str, ...], serials: tuple[str, ...], di: tuple[str, ...], models: tuple[str, ...]
) -> None:
    found = codes.read(text)
    assert (found.lots, found.serials, found.di, found.models) == (lots, serials, di, models)
    assert found.complete


def test_tight_spans_are_of_serial_numbers_only() -> None:
    assert codes.serial_in("1500", codes.read("SN 1000-1999")) == "1000 to 1999"
    assert codes.read("Lot 1000-1999").lots == ("1000-1999",)


@pytest.mark.parametrize("text", ["All lots", "all serial numbers", "All units", "All", "all devices"])
def test_all_units(text: str) -> None:
    found = codes.read(text)
    assert (found.every, found.complete) == (True, True)


@pytest.mark.parametrize("text", [
    "Units distributed between 01/01/2018 and 02/02/2019", "123456, 123457", "Exp 0420 Lot", "made in 2019",
])  # fmt: skip
def test_what_is_not_clear_excludes_nothing(text: str) -> None:
    found = codes.read(text)
    assert not found.complete or not (found.lists_lots or found.lists_serials)
    assert not found.every


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    codes.read(text)
