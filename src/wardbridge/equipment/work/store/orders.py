"""SQL of orders: one row of ``work`` each; lists come a page at a time with their machines in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.work.values import Line, Note, Work

Source = Connection | Pool
FIELDS = Work.__struct_fields__
COLUMNS = ", ".join(FIELDS)
_OWN = [name for name in FIELDS if name != "number"]
_JSON = msgspec.json.Encoder()
OPEN = "state NOT IN ('resolved', 'cancelled')"


def work_of(row: Any) -> Work:
    """A row as a value."""
    return Work(**{name: row[name] for name in FIELDS})


async def insert(conn: Connection, works: Sequence[Work]) -> list[Work]:
    """Insert orders in one statement; those that stood already (same source, code or plan) are left out."""
    names = ", ".join(_OWN)
    rows = await conn.fetch(
        f"""INSERT INTO work ({names}) SELECT {names} FROM jsonb_populate_recordset(NULL::work, $1::jsonb)
            ON CONFLICT DO NOTHING RETURNING {COLUMNS}""",
        _JSON.encode(works).decode(),
    )
    return [work_of(row) for row in rows]


async def update(conn: Connection, works: Sequence[Work]) -> None:
    """Replace rows by ``work_id``, in one statement."""
    sets = ", ".join(f"{name} = n.{name}" for name in _OWN if name != "work_id")
    await conn.execute(
        f"""UPDATE work w SET {sets} FROM jsonb_populate_recordset(NULL::work, $1::jsonb) n
            WHERE n.work_id = w.work_id""",
        _JSON.encode(works).decode(),
    )


async def of_sources(conn: Connection, wanted: Sequence[tuple[str, str, str]]) -> list[Work]:
    """Orders by (source, source id, device), ended ones too."""
    rows = await conn.fetch(
        f"""SELECT {", ".join(f"w.{name}" for name in FIELDS)} FROM work w
            JOIN unnest($1::text[], $2::text[], $3::text[]) AS n (source, source_id, device_id)
            USING (source, source_id, device_id) WHERE w.source_id <> ''""",
        *[[one[at] for one in wanted] for at in range(3)],
    )
    return [work_of(row) for row in rows]


async def locked(conn: Connection, work_ids: Sequence[str]) -> list[Work]:
    """Orders, locked until the transaction ends."""
    rows = await conn.fetch(
        f"SELECT {COLUMNS} FROM work WHERE work_id = ANY($1) ORDER BY work_id FOR UPDATE", list(work_ids)
    )
    return [work_of(row) for row in rows]


async def get(source: Source, work_ids: Sequence[str]) -> list[Work]:
    """Orders by id."""
    rows = await source.fetch(f"SELECT {COLUMNS} FROM work WHERE work_id = ANY($1) ORDER BY number", list(work_ids))
    return [work_of(row) for row in rows]


async def children(source: Source, work_id: str) -> list[Work]:
    """What was ordered because of this one."""
    rows = await source.fetch(f"SELECT {COLUMNS} FROM work WHERE parent_id = $1 ORDER BY number", work_id)
    return [work_of(row) for row in rows]


async def of_devices(source: Source, device_ids: Sequence[str] | None = None, *, open_only: bool = False) -> list[Work]:
    """Work on these devices (all where None), newest report first."""
    rows = await source.fetch(
        f"""SELECT {COLUMNS} FROM work WHERE {"device_id = ANY($1)" if device_ids is not None else "$1::text[] IS NULL"}
            AND {OPEN if open_only else "true"} ORDER BY reported_at DESC, work_id""",
        None if device_ids is None else list(device_ids),
    )
    return [work_of(row) for row in rows]


async def open_fault(conn: Connection, device_id: str, code: str) -> Work | None:
    """The open fault that a device reported under this code."""
    row = await conn.fetchrow(
        f"""SELECT {COLUMNS} FROM work WHERE kind = 'fault' AND device_id = $1 AND code = $2 AND {OPEN}
            FOR UPDATE""",
        device_id,
        code,
    )
    return work_of(row) if row else None


async def add_notes(conn: Connection, notes: Sequence[Note]) -> None:
    """Append notes."""
    names = ", ".join(Note.__struct_fields__)
    await conn.execute(
        f"INSERT INTO work_note ({names}) SELECT {names} FROM jsonb_populate_recordset(NULL::work_note, $1::jsonb)",
        _JSON.encode(notes).decode(),
    )


async def notes(source: Source, work_ids: Sequence[str]) -> list[Note]:
    """The notes of these orders, oldest first."""
    rows = await source.fetch("SELECT * FROM work_note WHERE work_id = ANY($1) ORDER BY at, note_id", list(work_ids))
    return [Note(**dict(row)) for row in rows]


async def notes_of_device(source: Source, device_id: str) -> list[Note]:
    """The notes of all work on one machine, newest first."""
    rows = await source.fetch("SELECT * FROM work_note WHERE device_id = $1 ORDER BY at DESC, note_id", device_id)
    return [Note(**dict(row)) for row in rows]


async def locations(source: Source, place_ids: Iterable[str]) -> dict[str, str]:
    """The FHIR Location of each place."""
    rows = await source.fetch("SELECT place_id, location_id FROM place WHERE place_id = ANY($1)", list(place_ids))
    return {row["place_id"]: row["location_id"] for row in rows}


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders a list shows; empty fields do not restrict. ``state`` also knows ``unfinished`` and ``overdue``
    (unfinished and due before ``now``), ``person_id`` also ``none``: nobody's."""

    state: str = ""
    kind: str = ""
    side: str = ""
    source: str = ""
    priority: str = ""
    ward: str = ""
    team: str = ""
    person_id: str = ""
    device_id: str = ""
    text: str = ""
    due_before: int | None = None
    due_after: int | None = None
    unplanned: bool = False
    sort: str = "due"


_SORTS = {
    "due": "w.due NULLS LAST, w.reported_at, w.work_id",
    "newest": "w.reported_at DESC, w.work_id",
    "priority": "array_position(ARRAY['stat', 'asap', 'urgent', 'routine'], w.priority), w.due NULLS LAST, w.work_id",
}
SORTS = tuple(_SORTS)


def _where(chosen: Filter, now: int) -> tuple[str, list[Any]]:
    parts: list[str] = []
    given: list[Any] = []

    def add(condition: str, value: Any) -> None:
        given.append(value)
        parts.append(condition.replace("?", f"${len(given)}"))

    if chosen.state in ("unfinished", "overdue"):
        parts.append(f"w.{OPEN}")
    elif chosen.state:
        add("w.state = ?", chosen.state)
    if chosen.person_id == "none":
        parts.append("w.person_id = '' AND w.team = ''")
    if chosen.unplanned:
        parts.append("w.planned IS NULL")
    ward = "EXISTS (SELECT FROM asset_now n WHERE n.device_id = w.device_id AND n.ward = ?)"
    asked: list[tuple[str, Any]] = [
        *((f"w.{name} = ?", getattr(chosen, name))
          for name in ("kind", "side", "source", "priority", "team", "device_id")),
        ("w.person_id = ?", "" if chosen.person_id == "none" else chosen.person_id),
        ("w.due < ?", now if chosen.state == "overdue" else None),
        ("w.due < ?", chosen.due_before),
        ("w.due >= ?", chosen.due_after),
        (ward, chosen.ward),
    ]  # fmt: skip
    for condition, value in asked:
        if value not in ("", None):
            add(condition, value)
    text = chosen.text.strip()
    if text.lstrip("#").isdecimal() and len(text) < 12:
        add("w.number = ?", int(text.lstrip("#")))
    elif text:
        add(_TEXT, f"%{_literal(text)}%")
    return " AND ".join(parts) or "true", given


_TEXT = """(w.name ILIKE ? OR w.device_id IN (SELECT a.device_id FROM asset a
            WHERE a.tag ILIKE ? OR a.serial ILIKE ? OR a.label ILIKE ?))"""


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def find(source: Source, chosen: Filter, now: int, *, limit: int = 50, skip: int = 0) -> tuple[list[Line], int]:
    """A page of orders with their machines, and how many there are in all. ``now`` in µs."""
    where, given = _where(chosen, now)
    order = _SORTS.get(chosen.sort, _SORTS["due"])
    total = await source.fetchval(f"SELECT count(*) FROM work w WHERE {where}", *given)
    rows = await source.fetch(
        f"""WITH page AS (SELECT w.* FROM work w WHERE {where} ORDER BY {order} LIMIT {int(limit)} OFFSET {int(skip)})
            SELECT {", ".join(f"w.{name}" for name in FIELDS)}, {_MACHINE} FROM page w {_JOINS} ORDER BY {order}""",
        *given,
    )
    return [line_of(row) for row in rows], int(total)


_MACHINE = """coalesce(nullif(n.label, ''), concat_ws(' ', n.model, coalesce(nullif(n.tag, ''), n.serial)), d.label,
        w.device_id) AS shown, coalesce(n.model, '') AS model, coalesce(n.criticality, '') AS criticality,
    coalesce(n.ward, p.ward, '') AS ward, coalesce(n.bed, '') AS bed,
    coalesce(n.place_label, p.label, '') AS place, coalesce(n.in_use, false) AS in_use, coalesce(n.state, '') AS life"""
_JOINS = """LEFT JOIN asset_now n ON n.device_id = w.device_id AND w.device_id <> ''
    LEFT JOIN device d ON d.device_id = w.device_id LEFT JOIN place p ON p.place_id = w.place_id"""


def line_of(row: Any) -> Line:
    """A row of a list as a value."""
    return Line(
        work=work_of(row), device=row["shown"].strip() or row["place"], model=row["model"],
        criticality=row["criticality"], ward=row["ward"], bed=row["bed"], place=row["place"], in_use=row["in_use"],
        asset_state=row["life"],
    )  # fmt: skip


async def lines(source: Source, work_ids: Sequence[str]) -> list[Line]:
    """Orders by id with their machines."""
    rows = await source.fetch(
        f"""SELECT {", ".join(f"w.{name}" for name in FIELDS)}, {_MACHINE} FROM work w {_JOINS}
            WHERE w.work_id = ANY($1) ORDER BY w.number""",
        list(work_ids),
    )
    return [line_of(row) for row in rows]


async def teams(source: Source) -> list[str]:
    """Teams that orders name."""
    rows = await source.fetch("SELECT DISTINCT team FROM work WHERE team <> '' ORDER BY team LIMIT 200")
    return [row["team"] for row in rows]


async def people(source: Source, roles: Sequence[str]) -> list[tuple[str, str, str]]:
    """Who may be given work: (id, name, role of the ones asked for)."""
    rows = await source.fetch(
        "SELECT person_id, display, roles FROM person WHERE roles && $1::text[] ORDER BY display", list(roles)
    )
    return [(row["person_id"], row["display"], next(r for r in row["roles"] if r in roles)) for row in rows]


async def machine_named(source: Source, name: str) -> list[str]:
    """Machines of the register by id, asset number or serial number (two at most: enough to see that it is unclear)."""
    rows = await source.fetch(
        """SELECT device_id FROM asset WHERE merged_into IS NULL AND (device_id = $1 OR tag = $1 OR serial = $1)
           ORDER BY (device_id = $1) DESC, (tag = $1) DESC LIMIT 2""",
        name,
    )
    ids = [row["device_id"] for row in rows]
    return ids[:1] if name in ids else ids
