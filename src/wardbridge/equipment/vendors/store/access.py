"""Remote access sessions, their machines and what was done in them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wardbridge.core.db import Connection
from wardbridge.equipment.store.rows import Source, append, put, value
from wardbridge.equipment.vendors.values import Entry, Reached, Session


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A session in the list."""

    session: Session
    vendor: str
    machines: int


async def save(conn: Connection, session: Session) -> None:
    """Insert or replace a session."""
    await put(conn, "access_session", ("access_id",), [session])


async def reach(conn: Connection, access_id: str, device_ids: Sequence[str]) -> None:
    """The machines of a session."""
    await conn.execute(
        "INSERT INTO access_device (access_id, device_id) SELECT $1, unnest($2::text[])", access_id, list(device_ids)
    )


async def confirm(
    conn: Connection, access_id: str, device_id: str, by_id: str, by_name: str, at: int, note: str
) -> bool:
    """Somebody agrees although the machine is on a patient; False where it is not of this session."""
    found = await conn.fetchval(
        """UPDATE access_device SET confirmed_by = $3, confirmed_name = $4, confirmed_at = $5, confirmed_note = $6
           WHERE access_id = $1 AND device_id = $2 RETURNING 1""",
        access_id, device_id, by_id, by_name, at, note,
    )  # fmt: skip
    return found is not None


async def get(source: Source, access_id: str, *, lock: bool = False) -> Session | None:
    """One session."""
    row = await source.fetchrow(
        f"SELECT * FROM access_session WHERE access_id = $1 {'FOR UPDATE' if lock else ''}", access_id
    )
    return value(row, Session) if row else None


async def reached(source: Source, access_id: str) -> list[Reached]:
    """The machines of a session as they are now."""
    rows = await source.fetch(
        """SELECT d.*, coalesce(nullif(n.label, ''), trim(n.model || ' ' || coalesce(nullif(n.tag, ''), n.serial)))
                  AS name, coalesce(n.place_label, '') AS place, n.in_use, coalesce(n.bound_since, 0) AS bound_since
           FROM access_device d JOIN asset_now n USING (device_id) WHERE d.access_id = $1 ORDER BY d.device_id""",
        access_id,
    )
    return [value(row, Reached) for row in rows]


async def sessions(source: Source, *, vendor_id: str = "", device_id: str = "", limit: int = 200) -> list[Row]:
    """Sessions, the latest window first."""
    rows = await source.fetch(
        """SELECT s.*, v.name AS vendor,
               (SELECT count(*) FROM access_device d WHERE d.access_id = s.access_id) AS machines
           FROM access_session s JOIN vendor v USING (vendor_id) WHERE ($1 = '' OR vendor_id = $1)
           AND ($2 = '' OR EXISTS (SELECT FROM access_device d WHERE d.access_id = s.access_id AND d.device_id = $2))
           ORDER BY s.stops DESC, s.access_id LIMIT $3""",
        vendor_id, device_id, limit,
    )  # fmt: skip
    return [Row(session=value(row, Session), vendor=row["vendor"], machines=row["machines"]) for row in rows]


async def running(source: Source, now: int) -> list[Session]:
    """Sessions that were started, not ended, and whose window is not over."""
    rows = await source.fetch(
        """SELECT * FROM access_session WHERE started_at IS NOT NULL AND ended_at IS NULL AND stops > $1
           ORDER BY stops""",
        now,
    )
    return [value(row, Session) for row in rows]


async def note(conn: Connection, entry: Entry) -> None:
    """Append an entry."""
    await append(conn, "access_entry", [entry])


async def entries(source: Source, access_id: str) -> list[Entry]:
    """What was done in a session, oldest first."""
    rows = await source.fetch("SELECT * FROM access_entry WHERE access_id = $1 ORDER BY at, entry_id", access_id)
    return [value(row, Entry) for row in rows]


async def remote_hints(source: Source, device_ids: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """What manufacturers say of remote access in their MDS2 forms (section RMOT): (model, question, answer, note)."""
    rows = await source.fetch(
        """SELECT DISTINCT m.manufacturer || ' ' || m.name AS model, q.key AS question, coalesce(q.value ->> 0, '')
                  AS answer, coalesce(q.value ->> 1, '') AS note
           FROM asset a JOIN model m USING (model_id) JOIN mds2 f USING (model_id), jsonb_each(f.answers) q
           WHERE a.device_id = ANY($1) AND f.superseded_by IS NULL AND q.key LIKE 'RMOT%' ORDER BY 1, 2""",
        list(device_ids),
    )
    return [tuple(row) for row in rows]


async def closed(source: Source, since: int, until: int) -> list[Session]:
    """Sessions whose window closed in ``[since, until]`` without anybody ending them."""
    rows = await source.fetch(
        "SELECT * FROM access_session WHERE ended_at IS NULL AND stops BETWEEN $1 AND $2 ORDER BY stops", since, until
    )
    return [value(row, Session) for row in rows]
