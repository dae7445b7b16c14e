"""SQL of the on-call rota, its exceptions and swaps, calendar secrets and hand-over notes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.crew.rota import Exchange, Rota

Source = Connection | Pool


class Swap(msgspec.Struct, frozen=True, kw_only=True):
    """``asked_by`` asks ``asked_of`` to be on call from ``start`` to ``stop``, and may offer to take ``back_…``.

    Times in µs, 0 for none; state asked, agreed, refused or withdrawn."""

    swap_id: str
    rota_id: str
    asked_by: str
    asked_of: str
    start: int
    stop: int
    state: str
    asked_at: int
    back_start: int = 0
    back_stop: int = 0
    answered_at: int = 0
    note: str = ""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a shift leaves: how much is open, and the lines that matter. Machines are named, patients never."""

    open_work: int = 0
    urgent: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    quarantined: tuple[str, ...] = ()


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """A shift's word to the next one; ``accepted_at`` 0 until somebody else has read it."""

    handover_id: str
    side: str
    from_id: str
    from_display: str
    at: int
    content: Content
    remarks: str = ""
    to_id: str = ""
    to_display: str = ""
    accepted_by: str = ""
    accepted_display: str = ""
    accepted_at: int = 0
    answer: str = ""


_CONTENT = msgspec.json.Decoder(Content)


def _rota(row: Any) -> Rota:
    given = {name: row[name] for name in Rota.__struct_fields__ if name not in ("days", "people")}
    return Rota(**given, days=tuple(row["days"]), people=tuple(row["people"]))


async def rotas(source: Source, *, side: str = "", since: int = 0) -> list[Rota]:
    """Rotas that have not ended before ``since`` (µs), by side, level and rank."""
    rows = await source.fetch(
        """SELECT * FROM rota WHERE ($1 = '' OR side = $1)
           AND (last IS NULL OR last >= to_timestamp($2 / 1e6)::date - 2) ORDER BY side, level, rank, rota_id""",
        side, since,
    )  # fmt: skip
    return [_rota(row) for row in rows]


async def rota(source: Source, rota_id: str, *, lock: bool = False) -> Rota | None:
    """One rota."""
    row = await source.fetchrow(f"SELECT * FROM rota WHERE rota_id = $1 {'FOR UPDATE' if lock else ''}", rota_id)
    return _rota(row) if row else None


async def put_rota(conn: Connection, one: Rota) -> None:
    """Insert or replace."""
    names = Rota.__struct_fields__
    values = [list(v) if isinstance(v, tuple) else v for v in (getattr(one, name) for name in names)]
    sets = ", ".join(f"{name} = excluded.{name}" for name in names if name not in ("rota_id", "created"))
    await conn.execute(
        f"""INSERT INTO rota ({", ".join(names)}) VALUES ({", ".join(f"${n}" for n in range(1, len(names) + 1))})
            ON CONFLICT (rota_id) DO UPDATE SET {sets}""",
        *values,
    )  # fmt: skip


async def end_rota(conn: Connection, rota_id: str, last: date) -> None:
    """The rota's last day; one that has not begun ends on its first."""
    await conn.execute("UPDATE rota SET last = greatest(first, $2) WHERE rota_id = $1", rota_id, last)


async def exchanges(source: Source, rota_ids: Sequence[str], start: int, stop: int) -> list[Exchange]:
    """Exceptions of these rotas that touch [start, stop)."""
    rows = await source.fetch(
        """SELECT exception_id, rota_id, start, stop, person_id, reason, created FROM rota_exception
           WHERE rota_id = ANY($1) AND stop > $2 AND start < $3 ORDER BY created, exception_id""",
        list(rota_ids), start, stop,
    )  # fmt: skip
    return [Exchange(**dict(row)) for row in rows]


async def add_exchange(conn: Connection, one: Exchange) -> None:
    """Append an exception."""
    await conn.execute(
        """INSERT INTO rota_exception (exception_id, rota_id, start, stop, person_id, reason, created)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        *[getattr(one, name) for name in Exchange.__struct_fields__],
    )  # fmt: skip


def _swap(row: Any) -> Swap:
    times = {name: row[name] or 0 for name in ("back_start", "back_stop", "answered_at")}
    return Swap(**{**{name: row[name] for name in Swap.__struct_fields__}, **times})


async def put_swap(conn: Connection, one: Swap) -> None:
    """Insert a swap, or change its answer."""
    await conn.execute(
        """INSERT INTO rota_swap (swap_id, rota_id, asked_by, asked_of, start, stop, state, asked_at, back_start,
                                  back_stop, answered_at, note)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9::bigint, 0), nullif($10::bigint, 0),
                   nullif($11::bigint, 0), $12)
           ON CONFLICT (swap_id) DO UPDATE SET state = excluded.state, answered_at = excluded.answered_at""",
        *[getattr(one, name) for name in Swap.__struct_fields__],
    )  # fmt: skip


async def swap(conn: Connection, swap_id: str) -> Swap | None:
    """One swap, locked until the transaction ends."""
    row = await conn.fetchrow("SELECT * FROM rota_swap WHERE swap_id = $1 FOR UPDATE", swap_id)
    return _swap(row) if row else None


async def open_swaps(source: Source, person_id: str, now: int) -> list[Swap]:
    """Swaps without an answer that somebody asked or was asked for, of duties that are not over."""
    rows = await source.fetch(
        """SELECT * FROM rota_swap WHERE state = 'asked' AND (asked_by = $1 OR asked_of = $1) AND stop > $2
           ORDER BY start, swap_id""", person_id, now,
    )  # fmt: skip
    return [_swap(row) for row in rows]


async def slots(source: Source, since: int) -> list[tuple[str, str, str, int, int]]:
    """(slot, rota, person, start, stop) of the duties in the record that end after ``since``."""
    rows = await source.fetch(
        "SELECT slot_id, rota_id, person_id, start, stop FROM rota_slot WHERE stop > $1 ORDER BY slot_id", since
    )
    return [tuple(row) for row in rows]


async def change_slots(conn: Connection, gone: Sequence[str], come: Sequence[tuple[str, str, str, int, int]]) -> None:
    """Forget slots and keep new ones, in one statement each."""
    await conn.execute("DELETE FROM rota_slot WHERE slot_id = ANY($1)", list(gone))
    await conn.execute(
        "INSERT INTO rota_slot SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])",
        *[[one[n] for one in come] for n in range(5)],
    )


async def people(source: Source) -> dict[str, tuple[str, frozenset[str]]]:
    """Person -> (display, roles) of everybody who may sign in."""
    rows = await source.fetch("SELECT person_id, display, roles FROM person WHERE enabled ORDER BY lower(display)")
    return {row["person_id"]: (row["display"], frozenset(row["roles"])) for row in rows}


async def alone(conn: Connection) -> None:
    """Until this transaction ends nobody else brings duties into the record."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtext('rota_slot'))")


async def put_token(conn: Connection, person_id: str, digest: str, now: int) -> None:
    """A person's calendar secret; an earlier one no longer opens anything."""
    await conn.execute(
        """INSERT INTO calendar_token (person_id, digest, created) VALUES ($1, $2, $3)
           ON CONFLICT (person_id) DO UPDATE SET digest = excluded.digest, created = excluded.created""",
        person_id, digest, now,
    )  # fmt: skip


async def drop_token(conn: Connection, person_id: str) -> None:
    """No calendar address any more."""
    await conn.execute("DELETE FROM calendar_token WHERE person_id = $1", person_id)


async def token_of(source: Source, digest: str) -> tuple[str, str] | None:
    """(person_id, display) whose calendar this secret opens."""
    row = await source.fetchrow(
        "SELECT p.person_id, p.display FROM calendar_token t JOIN person p USING (person_id) "
        "WHERE t.digest = $1 AND p.enabled",
        digest,
    )
    return (row["person_id"], row["display"]) if row else None


async def has_token(source: Source, person_id: str) -> bool:
    """Whether a person has a calendar address."""
    return bool(await source.fetchval("SELECT true FROM calendar_token WHERE person_id = $1", person_id))


async def content(source: Source, side: str) -> Content:
    """What a shift of a side leaves, from the tables as they stand: one statement."""
    row = await source.fetchrow(
        """WITH mine AS (
               SELECT w.number, w.name, w.priority, w.reported_at, w.device_id FROM work w
               WHERE w.state NOT IN ('resolved', 'cancelled') AND w.side IN ($1, 'both'))
           SELECT (SELECT count(*) FROM mine) AS open_work,
                  ARRAY(SELECT 'WO-' || number || ' ' || name || coalesce(' (' || nullif(n.place_label, '') || ')', '')
                        FROM mine LEFT JOIN asset_now n USING (device_id)
                        WHERE priority IN ('urgent', 'asap', 'stat') ORDER BY reported_at LIMIT 40) AS urgent,
                  ARRAY(SELECT title || ': ' || target FROM runbook_run WHERE state = 'running'
                        ORDER BY started LIMIT 40) AS runs,
                  ARRAY(SELECT title FROM joint_change WHERE state = 'running' ORDER BY state_at LIMIT 40) AS changes,
                  ARRAY(SELECT model || ' ' || coalesce(nullif(tag, ''), serial) FROM asset_now
                        WHERE state = 'quarantined' OR admission = 'quarantined'
                        ORDER BY 1 LIMIT 40) AS quarantined""",
        side,
    )  # fmt: skip
    return Content(open_work=row["open_work"], urgent=tuple(row["urgent"]), runs=tuple(row["runs"]),
                   changes=tuple(row["changes"]), quarantined=tuple(row["quarantined"]))  # fmt: skip


async def put_handover(conn: Connection, one: Handover) -> None:
    """Insert a hand-over, or change its answer."""
    values = [getattr(one, name) for name in Handover.__struct_fields__ if name != "content"]
    names = [name for name in Handover.__struct_fields__ if name != "content"]
    marks = ", ".join(
        f"nullif(${n}::bigint, 0)" if name == "accepted_at" else f"${n}" for n, name in enumerate(names, 1)
    )
    await conn.execute(
        f"""INSERT INTO handover ({", ".join(names)}, content) VALUES ({marks}, ${len(names) + 1}::text::jsonb)
            ON CONFLICT (handover_id) DO UPDATE SET accepted_by = excluded.accepted_by,
                accepted_display = excluded.accepted_display, accepted_at = excluded.accepted_at,
                answer = excluded.answer""",
        *values, msgspec.json.encode(one.content).decode(),
    )  # fmt: skip


_HANDOVER = """handover_id, side, from_id, from_display, at, content::text AS content, remarks, to_id, to_display,
               accepted_by, accepted_display, coalesce(accepted_at, 0) AS accepted_at, answer"""


def _handover(row: Any) -> Handover:
    return Handover(**{**dict(row), "content": _CONTENT.decode(row["content"])})


async def handover(conn: Connection, handover_id: str) -> Handover | None:
    """One hand-over, locked until the transaction ends."""
    row = await conn.fetchrow(f"SELECT {_HANDOVER} FROM handover WHERE handover_id = $1 FOR UPDATE", handover_id)
    return _handover(row) if row else None


async def handovers(source: Source, *, side: str = "", waiting: bool = False, limit: int = 20) -> list[Handover]:
    """Hand-overs, those that nobody has accepted first, then the newest."""
    rows = await source.fetch(
        f"""SELECT {_HANDOVER} FROM handover WHERE ($1 = '' OR side = $1) AND (NOT $2 OR accepted_at IS NULL)
            ORDER BY accepted_at IS NOT NULL, at DESC, handover_id LIMIT $3""",
        side, waiting, limit,
    )  # fmt: skip
    return [_handover(row) for row in rows]
