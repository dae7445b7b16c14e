"""A filled-in form from a workbook (XLSX), CSV or JSON: rows of question, answer, note; every wrong row is named."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable

import msgspec
import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber.mds2 import form
from wardbridge.equipment.cyber.sbom.limits import text
from wardbridge.equipment.cyber.sbom.read import parsed
from wardbridge.equipment.cyber.values import Refused

SIZE = 16 * 1024 * 1024
_ROWS = 5000
_NAMES = {"id": "id", "question": "id", "question id": "id", "no": "id", "no.": "id", "answer": "answer",
          "response": "answer", "note": "note", "notes": "note", "see note": "note", "comment": "note"}  # fmt: skip


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """``answers``: question -> (answer, note), in the order of the form."""

    answers: dict[str, tuple[str, str]]
    refused: tuple[Refused, ...]


def read(sent: bytes) -> Answers:
    """Raises Invalid for a file in which no question of the form is answered."""
    if len(sent) > SIZE:
        raise Invalid(f"a form has at most {SIZE // 1024 // 1024} MiB", "document")
    if sent.startswith(b"PK"):
        found = _rows(_workbook(sent))
    elif sent.lstrip()[:1] in (b"{", b"["):
        found = _json(sent)
    else:
        found = _rows(enumerate(csv.reader(io.StringIO(sent.decode("utf-8-sig", "replace"), newline="")), 1))
    if not found.answers:
        raise Invalid("no question of the form is answered in this file", "document")
    return found


def _workbook(sent: bytes) -> Iterable[tuple[int, list[str]]]:
    try:
        book = openpyxl.load_workbook(io.BytesIO(sent), read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise Invalid("this is no workbook that can be read", "document") from error
    number = 0
    for sheet in book.worksheets:
        for row in sheet.iter_rows(max_row=_ROWS, max_col=12, values_only=True):
            number += 1
            yield number, ["" if value is None else str(value) for value in row]
    book.close()


def _rows(rows: Iterable[tuple[int, list[str]]]) -> Answers:
    """Rows below a heading that names the columns; without one: the cell that is an id, the answer, then a note."""
    answers: dict[str, tuple[str, str]] = {}
    refused: list[Refused] = []
    columns: dict[str, int] = {}
    for number, row in rows:
        names = {_NAMES[cell.strip().lower()]: at for at, cell in reversed(list(enumerate(row)))
                 if cell.strip().lower() in _NAMES}  # fmt: skip
        if {"id", "answer"} <= set(names):
            columns = names
            continue
        at = next((n for n, cell in enumerate(row) if form.question(cell)), None)
        if at is None:
            continue
        if columns:
            said, note = (row[columns[key]] if key in columns and columns[key] < len(row) else ""
                          for key in ("answer", "note"))  # fmt: skip
        else:
            place = next((n for n in range(at + 1, len(row)) if form.answer(row[n])), len(row))
            said = row[place] if place < len(row) else ""
            note = " ".join(cell for cell in row[place + 1 :] if cell.strip())
        _take(answers, refused, row[at], said, note, f"row {number}")
    return Answers(answers=answers, refused=tuple(refused))


def _take(
    answers: dict[str, tuple[str, str]], refused: list[Refused], name: str, said: str, note: str, where: str
) -> None:
    key = form.question(name)
    if not key:
        refused.append(Refused(where, f"{name[:60]!r} is no question of the form"))
        return
    if not said.strip() and not note.strip():
        return
    found = form.answer(said)
    if not found:
        refused.append(Refused(where, f"{key}: {said[:60]!r} is none of {', '.join(form.ANSWERS)}; kept as a note"))
        found, note = "See Notes", f"{said} {note}".strip()
    if key in answers and answers[key][0] != found:
        refused.append(Refused(where, f"{key} is answered twice; the first answer stands"))
        return
    answers.setdefault(key, (found, text(note, 2000)))


def _json(sent: bytes) -> Answers:
    answers: dict[str, tuple[str, str]] = {}
    refused: list[Refused] = []
    document = parsed(b'{"answers":' + sent + b"}" if sent.lstrip().startswith(b"[") else sent)
    listed = document.get("answers", document)
    if isinstance(listed, dict):
        listed = [{"id": key, **(value if isinstance(value, dict) else {"answer": value})}
                  for key, value in listed.items()]  # fmt: skip
    for at, one in enumerate(listed if isinstance(listed, list) else []):
        where = f"answers[{at}]"
        if not isinstance(one, dict):
            refused.append(Refused(where, "an answer is an object with id, answer and note"))
            continue
        _take(answers, refused, text(one.get("id")), text(one.get("answer")), text(one.get("note"), 2000), where)
    return Answers(answers=answers, refused=tuple(refused))
