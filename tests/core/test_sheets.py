"""CSV that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from wardbridge.core.sheets import FORMULA, csv_text


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@given(
    st.lists(st.lists(st.text(alphabet=st.characters(exclude_characters="\x00"), max_size=8), min_size=2, max_size=2))
)
def test_no_cell_begins_a_formula_and_nothing_is_lost(rows: list[list[str]]) -> None:
    heads, *told = read(csv_text(("a", "b"), rows))
    assert heads == ["a", "b"]
    assert [[cell.removeprefix("'") if cell[1:].startswith(FORMULA) else cell for cell in row] for row in told] == [
        [cell.removeprefix("'") if cell[:1] == "'" and cell[1:].startswith(FORMULA) else cell for cell in row]
        for row in rows
    ]
    assert not any(cell.startswith(FORMULA) for row in told for cell in row)


def test_numbers_stay_numbers_and_empty_stays_empty() -> None:
    assert csv_text(("a", "b", "c"), [(-1, Decimal("-0.50"), "")]) == "a,b,c\r\n-1,-0.50,\r\n"
