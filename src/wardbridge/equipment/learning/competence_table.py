"""Competence records as CSV: out for other systems, in from old lists, with an answer for each row.

Columns: ``login`` (of the account), ``code``, ``date`` (YYYY-MM-DD), ``assessor`` (a name), ``evidence``; ``expires``
is optional and replaces what the competence's months give.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime

import msgspec

from wardbridge.core.clock import from_datetime, to_datetime
from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid
from wardbridge.core.sheets import csv_text
from wardbridge.equipment.learning.competence import proof
from wardbridge.equipment.learning.dates import months_on
from wardbridge.equipment.learning.store import competence as store
from wardbridge.equipment.learning.store.competence import Competence, Record
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

COLUMNS = ("login", "code", "date", "expires", "assessor", "evidence")
MOST = 10_000


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one line of the file: ``problem`` '' when it is in."""

    number: int
    problem: str = ""


def decoded(content: bytes) -> str:
    """The text of a file: UTF-8 (with or without a mark), else Windows-1252, as spreadsheets write it.

    Raises Invalid for what is no text.
    """
    for name in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(name)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise Invalid("this is no text file (CSV)", "file")


def _day(text: str, what: str) -> int:
    try:
        day = date.fromisoformat(text.strip())
        return from_datetime(datetime(day.year, day.month, day.day, tzinfo=UTC))
    except ValueError:
        raise Invalid(f"{what} {text!r} is not a date (YYYY-MM-DD)", what) from None


def read(
    text: str, people: dict[str, tuple[str, str]], competences: dict[str, Competence], now: int, ids: Sequence[str],
    by: Principal,
) -> tuple[list[Record], list[Line]]:  # fmt: skip
    """Records of a file and what is wrong with the lines that are none; pure. ``people``: login -> (id, name).

    Raises Invalid where the file as a whole cannot be read: no header, a column missing, too long.
    """
    table = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), delimiter=";" if ";" in text.split("\n", 1)[0] else ",")
    names = [name.strip().lower() for name in table.fieldnames or ()]
    missing = [name for name in ("login", "code", "date") if name not in names]
    if missing:
        raise Invalid(f"the first line names the columns; missing: {', '.join(missing)}", "file")
    table.fieldnames = names
    records: list[Record] = []
    lines: list[Line] = []
    for number, row in enumerate(table, 2):
        if number > MOST + 1:
            raise Invalid(f"at most {MOST} lines at a time", "file")
        cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
        try:
            records.append(_record(cells, people, competences, now, ids[len(records)], by))
            lines.append(Line(number=number))
        except Invalid as error:
            lines.append(Line(number=number, problem=error.message))
    return records, lines


def _record(
    cells: dict[str, str], people: dict[str, tuple[str, str]], competences: dict[str, Competence], now: int,
    record_id: str, by: Principal,
) -> Record:  # fmt: skip
    known = people.get(cells["login"].lower())
    if known is None:
        raise Invalid(f"nobody has the login {cells['login']!r}", "login")
    competence = competences.get(cells["code"])
    if competence is None:
        raise Invalid(f"there is no competence {cells['code']!r}", "code")
    if known[0] == by.id:
        raise Invalid("nobody enters their own competence", "login")
    at = _day(cells["date"], "date")
    if at > now:
        raise Invalid(f"{cells['date']} lies in the future", "date")
    expires = months_on(at, competence.months) if competence.months else 0
    if cells["expires"]:
        expires = _day(cells["expires"], "expires")
        if expires <= at:
            raise Invalid("it expires before it begins", "expires")
    return Record(record_id=record_id, person_id=known[0], display=known[1], code=competence.code, assessed_by=by.id,
                  assessor=cells["assessor"] or by.display, at=at, expires=expires,
                  evidence=cells["evidence"] or "imported list")  # fmt: skip


async def load(shop: Shop, conn: Connection, text: str, *, by: Principal) -> list[Line]:
    """Take a list in; every line gets an answer, good ones are kept, known ones are left as they are.

    Raises Invalid where the file as a whole cannot be read.
    """
    people = {login.lower(): (ident, display) for ident, login, display, _ in await store.people(conn)}
    competences = {one.code: one for one in await store.competences(conn)}
    ids = [shop.ids() for _ in range(min(text.count("\n") + 1, MOST))]
    records, lines = read(text, people, competences, shop.clock.now(), ids, by)
    added = await store.add(conn, records)
    await shop.record.put(conn, [proof(one, competences[one.code].title) for one in records if one.record_id in added])
    return lines


def write(records: Sequence[Record], logins: dict[str, str]) -> str:
    """Records that hold (not taken back) as CSV. ``logins``: person id -> login."""
    return csv_text(
        COLUMNS,
        [(logins.get(one.person_id, one.person_id), one.code, _date(one.at), _date(one.expires), one.assessor,
          one.evidence) for one in records if not one.revoked],
    )  # fmt: skip


def _date(at: int) -> str:
    return to_datetime(at).date().isoformat() if at else ""
