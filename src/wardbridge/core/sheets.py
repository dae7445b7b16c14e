"""Lists for spreadsheets: CSV (RFC 4180) in which no cell is run as a formula (CWE-1236)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""What a cell begins with that a spreadsheet would run."""


def guarded(text: str) -> str:
    """The text with an apostrophe before what would be a formula."""
    return "'" + text if text.startswith(FORMULA) else text


def csv_text(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV; texts are guarded, numbers stay as they are."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(heads)
    table.writerows([guarded(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return out.getvalue()
