"""A file as rows of texts and rows as a file: CSV of any usual kind, and XLSX. Whatever comes in, bounded.

A cell that a spreadsheet would run as a formula (CWE-1236) is written with an apostrophe before it, which reading
takes away again: both ways lose nothing.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from typing import Any

import msgspec
from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell

from wardbridge.core.errors import Invalid
from wardbridge.core.sheets import FORMULA
from wardbridge.equipment.register.lists.columns import count_known

MOST_ROWS = 50_000
MOST_COLUMNS = 256
MOST_CELL = 32_767
"""Signs in a cell; a spreadsheet holds no more."""
MOST_BYTES = 20_000_000
MOST_UNPACKED = 128_000_000
DELIMITERS = (",", ";", "\t", "|")
_GUARDED = (*FORMULA, "'")
_NO_XML = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_EXACT = 10**15


class Sheet(msgspec.Struct, frozen=True):
    """``rows`` are (number of the row in the file, from 1; its cells), the first of them the headings. ``said`` is how
    it was read, ``notes`` what is odd."""

    rows: tuple[tuple[int, tuple[str, ...]], ...]
    said: str
    notes: tuple[str, ...] = ()


def read(data: bytes) -> Sheet:
    """The rows of a CSV or XLSX file, without empty ones. Raises Invalid for what is neither, or too big."""
    if len(data) > MOST_BYTES:
        raise Invalid(f"the file is larger than {MOST_BYTES // 1_000_000} MB", "file")
    if not data.strip():
        raise Invalid("the file is empty", "file")
    if data[:4] == b"PK\x03\x04":
        found = _xlsx(data)
    elif data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise Invalid("this is an old Excel file (.xls) or one with a password: save it as .xlsx or CSV", "file")
    else:
        found = _csv(data)
    if not found.rows:
        raise Invalid("the file has no rows", "file")
    return found


def unguarded(text: str) -> str:
    """The cell as it was before :func:`guarded`."""
    return text[1:] if text[:1] == "'" and text[1:2] in _GUARDED and len(text) > 1 else text


def guarded(text: str) -> str:
    """A cell that no spreadsheet runs: an apostrophe before what would be a formula."""
    return "'" + text if text.startswith(_GUARDED) else text


# --- CSV -------------------------------------------------------------------------------------------------------------


def _csv(data: bytes) -> Sheet:
    text, encoding, notes = _decoded(data)
    if "\x00" in text:
        raise Invalid("this is no list: it holds bytes that no text has", "file")
    delimiter, text = _delimiter(text)
    rows: list[tuple[int, tuple[str, ...]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    first = 1
    try:
        for cells in reader:
            if len(cells) > MOST_COLUMNS:
                raise Invalid(f"row {first} has more than {MOST_COLUMNS} cells", "file")
            if any(len(cell) > MOST_CELL for cell in cells):
                raise Invalid(f"the row from line {first} on cannot be read: a cell is longer than {MOST_CELL} signs, "
                              "perhaps a quotation mark is not closed", "file")  # fmt: skip
            if any(cell.strip() for cell in cells):
                rows.append((first, tuple(unguarded(cell) for cell in cells)))
            if len(rows) > MOST_ROWS + 1:
                raise Invalid(f"the file has more than {MOST_ROWS} rows: divide it", "file")
            first = reader.line_num + 1
    except csv.Error as error:
        raise Invalid(f"the row from line {first} on cannot be read: {error}", "file") from error
    name = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}[delimiter]
    return Sheet(tuple(rows), f"CSV, {encoding}, divided by {name}", notes)


def _decoded(data: bytes) -> tuple[str, str, tuple[str, ...]]:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return data.decode("utf-16"), "UTF-16", ()
        except UnicodeDecodeError as error:
            raise Invalid("the file begins as UTF-16 and is none", "file") from error
    try:
        return data.decode("utf-8-sig"), "UTF-8", ()
    except UnicodeDecodeError:
        note = "the file is no UTF-8: it was read as Latin 1 (Windows-1252); look at letters with accents"
        try:
            return data.decode("cp1252"), "Latin 1", (note,)
        except UnicodeDecodeError:
            return data.decode("latin-1"), "Latin 1", (note,)


def _delimiter(text: str) -> tuple[str, str]:
    """The delimiter and the text without the line ``sep=;`` that Excel writes."""
    named = re.match(r"\"?sep=([,;\t|])\"?\r?\n", text)
    if named:
        return named[1], text[named.end() :]
    head = text.lstrip("\r\n ")[:20_000]
    best, most = ",", (-1, -1)
    for delimiter in DELIMITERS:
        try:
            cells = next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), [])
        except csv.Error:
            continue
        score = (count_known(cells), len(cells))
        if score > most:
            best, most = delimiter, score
    return best, text


def write_csv(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of CSV (RFC 4180), UTF-8 to be encoded by the caller; every cell in quotes, none that is run."""
    for cells in rows:
        line = io.StringIO(newline="")
        csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow([guarded(cell) for cell in cells])
        yield line.getvalue()


# --- XLSX ------------------------------------------------------------------------------------------------------------


def _xlsx(data: bytes) -> Sheet:
    _bounded(data)
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        page = next((sheet for sheet in book.worksheets if sheet.sheet_state == "visible"), None)
        if page is None:
            raise Invalid("the workbook has no sheet", "file")
        rows, notes = _cells(page)
        others = [sheet.title for sheet in book.worksheets if sheet is not page]
        if others:
            notes.append(f"only the sheet {page.title!r} was read, not: {', '.join(others)}"[:300])
        book.close()
    except Invalid:
        raise
    except Exception as error:
        # openpyxl takes files apart without checking them first: whatever it stumbles over, it is no workbook.
        raise Invalid(f"this is no workbook that can be read ({type(error).__name__})", "file") from error
    return Sheet(tuple(rows), f"XLSX, sheet {page.title!r}", tuple(notes))


def _bounded(data: bytes) -> None:
    """Refuse an archive that unpacks to too much, before anything is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if len(parts) > 2000 or sum(part.file_size for part in parts) > MOST_UNPACKED:
                raise Invalid(f"the workbook unpacks to more than {MOST_UNPACKED // 1_000_000} MB", "file")
            if not any(part.filename == "xl/workbook.xml" for part in parts):
                raise Invalid("this archive is no XLSX workbook", "file")
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as stream:
                        if b"<!DOCTYPE" in stream.read(4096):
                            raise Invalid("the workbook holds document type definitions, which none needs", "file")
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError, RuntimeError, ValueError) as error:
        raise Invalid("this archive is damaged", "file") from error


def _cells(page: Any) -> tuple[list[tuple[int, tuple[str, ...]]], list[str]]:
    page.reset_dimensions()  # what the file says of its own size is not believed
    rows: list[tuple[int, tuple[str, ...]]] = []
    notes: list[str] = []
    far = MOST_ROWS * 2
    for number, cells in enumerate(page.iter_rows(max_row=far, values_only=True), 1):
        if len(cells) > MOST_COLUMNS:
            raise Invalid(f"row {number} has more than {MOST_COLUMNS} cells", "file")
        texts = tuple(_text(cell, number, notes) for cell in cells)
        if any(texts):
            rows.append((number, texts))
        if len(rows) > MOST_ROWS + 1:
            raise Invalid(f"the file has more than {MOST_ROWS} rows: divide it", "file")
    return rows, notes


def _text(cell: Any, number: int, notes: list[str]) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e18:
        cell = int(cell)
    if isinstance(cell, int):
        if abs(cell) >= _EXACT:
            notes.append(f"row {number}: {cell} has more digits than Excel keeps; format the column as text")
        return str(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    return unguarded(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), str(cell)))


def write_xlsx(rows: Iterable[Sequence[str]], title: str) -> bytes:
    """A workbook of one sheet in which every cell is a text."""
    book = Workbook(write_only=True)
    page = book.create_sheet(title)
    page.freeze_panes = "A2"
    for cells in rows:
        line = []
        for text in cells:
            cell = WriteOnlyCell(page, value=_NO_XML.sub(_escape, guarded(text)))
            cell.data_type = "s"
            line.append(cell)
        page.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _escape(found: re.Match[str]) -> str:
    """A character that XML has not, as Office Open XML writes it (ECMA-376 part 1, 22.4.2.4)."""
    return f"_x{ord(found[0]):04X}_"
