"""Reading the facts that bindings follow from, and writing what was derived."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection
from wardbridge.devices.intervals import FOREVER, Facts, Hand, Mode, Seat, Span, Stay, Subject, match

LOCK = 0x42494E44
"""One advisory lock orders every change of bindings against the charting of new values: whoever holds it
sees all points, and no point is charted meanwhile under an interval that is about to change."""


class Row(msgspec.Struct, frozen=True):
    """A stored span with its id."""

    binding_id: int
    device_id: str
    span: Span


async def lock(conn: Connection) -> None:
    """Hold the lock of bindings until this transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock($1)", LOCK)


async def touch(conn: Connection, device_ids: Iterable[str]) -> None:
    """Tell every process that keeps these devices in memory to read them again."""
    await conn.execute(
        """
        WITH next AS (UPDATE device_epoch SET epoch = epoch + 1 RETURNING epoch)
        UPDATE device SET epoch = next.epoch FROM next WHERE device_id = ANY($1::text[])""",
        list(device_ids),
    )


async def epoch(conn: Connection) -> int:
    """The number of the last change."""
    return int(await conn.fetchval("SELECT epoch FROM device_epoch"))


async def touched(conn: Connection, after: int) -> list[str]:
    """Keys of devices changed after epoch ``after``."""
    return [r["key"] for r in await conn.fetch("SELECT key FROM device WHERE epoch > $1", after)]


async def spans(conn: Connection, device_ids: Sequence[str], since: int | None = None) -> list[Row]:
    """Stored spans that reach beyond ``since`` (all when None), in order."""
    rows = await conn.fetch(
        """
        SELECT * FROM binding WHERE device_id = ANY($1::text[]) AND ($2::bigint IS NULL OR stop IS NULL OR stop > $2)
        ORDER BY device_id, start""",
        list(device_ids),
        since,
    )
    return [Row(r["binding_id"], r["device_id"], _span(r)) for r in rows]


def _span(row: Mapping[str, Any]) -> Span:
    return Span(
        row["start"],
        FOREVER if row["stop"] is None else row["stop"],
        row["patient_id"] or "",
        row["visit"],
        row["place_id"] or "",
        row["source"],
        row["by"],
        row["reason"],
        row["conflict"],
        tuple(row["others"]),
    )


async def load(conn: Connection, since: Mapping[str, int]) -> dict[str, Facts]:
    """The facts of devices that matter from their own ``since`` on."""
    devices, froms = list(since), list(since.values())
    modes, seats, subjects, hands = await _own_facts(conn, devices, froms)
    places = {seat.place_id for found in seats.values() for seat in found if seat.place_id}
    known, values = await _keys(conn, {i for found in subjects.values() for s in found for i in s.ids})
    named = {
        device: [msgspec.structs.replace(s, patients=match(s.ids, known, values)) for s in found]
        for device, found in subjects.items()
    }
    patients = {p for found in hands.values() for h in found for p in (h.patient_id, h.ends_with) if p}
    patients |= {p for found in named.values() for s in found for p in s.patients}
    stays, bindable = await _stays(conn, places, patients, min(froms, default=0))
    return {
        device: Facts(
            modes[device],
            seats[device],
            named.get(device, []),
            hands[device],
            _relevant(stays, seats[device], named.get(device, []), hands[device]),
            bindable,
        )
        for device in devices
    }


def _relevant(
    stays: Sequence[Stay], seats: Sequence[Seat], subjects: Sequence[Subject], hands: Sequence[Hand]
) -> list[Stay]:
    places = {seat.place_id for seat in seats}
    patients = {p for h in hands for p in (h.patient_id, h.ends_with)} | {p for s in subjects for p in s.patients}
    direct = [s for s in stays if (s.place_id and s.place_id in places)]
    patients |= {s.patient_id for s in direct}
    return [s for s in stays if s.patient_id in patients]


async def _own_facts(
    conn: Connection, devices: list[str], froms: list[int]
) -> tuple[dict[str, list[Mode]], dict[str, list[Seat]], dict[str, list[Subject]], dict[str, list[Hand]]]:
    """Changes from the last one before each ``from`` on: that one is still in force there."""

    def changes(table: str, columns: str) -> str:
        return f"""
            SELECT t.device_id, t.start, {columns} FROM unnest($1::text[], $2::bigint[]) AS w(device_id, since)
            JOIN {table} t ON t.device_id = w.device_id AND t.start >= coalesce(
                (SELECT max(start) FROM {table} p WHERE p.device_id = w.device_id AND p.start <= w.since), w.since)
            ORDER BY t.device_id, t.start"""

    modes: dict[str, list[Mode]] = defaultdict(list)
    seats: dict[str, list[Seat]] = defaultdict(list)
    subjects: dict[str, list[Subject]] = defaultdict(list)
    hands: dict[str, list[Hand]] = defaultdict(list)
    for r in await conn.fetch(changes("device_mode", "t.state"), devices, froms):
        modes[r["device_id"]].append(Mode(r["start"], r["state"]))
    for r in await conn.fetch(changes("device_place", "t.place_id"), devices, froms):
        seats[r["device_id"]].append(Seat(r["start"], r["place_id"] or ""))
    for r in await conn.fetch(changes("device_subject", "t.ids"), devices, froms):
        subjects[r["device_id"]].append(Subject(r["start"], tuple(r["ids"])))
    rows = await conn.fetch(
        """
        SELECT h.* FROM unnest($1::text[], $2::bigint[]) AS w(device_id, since)
        JOIN hand h ON h.device_id = w.device_id AND (h.stop IS NULL OR h.stop > w.since)
        ORDER BY h.hand_id""",
        devices,
        froms,
    )
    for r in rows:
        hands[r["device_id"]].append(
            Hand(
                r["hand_id"],
                r["start"],
                FOREVER if r["stop"] is None else r["stop"],
                r["patient_id"] or "",
                r["ends_with"] or "",
                r["release"],
                r["by"],
            )
        )
    return modes, seats, subjects, hands


async def _keys(conn: Connection, ids: set[str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    if not ids:
        return {}, {}
    rows = await conn.fetch(
        "SELECT key, value, patient_id FROM patient_key WHERE key = ANY($1::text[]) OR value = ANY($2::text[])",
        list(ids),
        [i.rpartition("|")[2] for i in ids],
    )
    values: dict[str, list[str]] = defaultdict(list)
    for r in rows:
        values[r["value"]].append(r["patient_id"])
    return {r["key"]: r["patient_id"] for r in rows}, values


async def _stays(
    conn: Connection, places: set[str], patients: set[str], since: int
) -> tuple[list[Stay], frozenset[str]]:
    """Stays in the places, and every stay of a patient whom another fact names (a visit, an end)."""
    rows = await conn.fetch(
        """
        WITH here AS (SELECT DISTINCT patient_id FROM patient_place
                      WHERE place_id = ANY($1::text[]) AND (stop IS NULL OR stop > $3))
        SELECT s.* FROM patient_place s
        WHERE s.patient_id = ANY($2::text[])
           OR (s.patient_id IN (SELECT patient_id FROM here) AND (s.stop IS NULL OR s.stop > $3))
        ORDER BY s.patient_id, s.start""",
        list(places),
        list(patients),
        since,
    )
    beds = await conn.fetch(
        "SELECT place_id FROM place WHERE place_id = ANY($1::text[]) AND (bed <> '' OR room <> '')", list(places)
    )
    return (
        [
            Stay(
                r["patient_id"],
                r["start"],
                FOREVER if r["stop"] is None else r["stop"],
                r["place_id"] or "",
                r["visit"],
            )
            for r in rows
        ],
        frozenset(r["place_id"] for r in beds),
    )


async def write_spans(
    conn: Connection, gone: Sequence[int], changed: Sequence[Row], new: Sequence[tuple[str, Span]]
) -> None:
    """Store a new derivation: rows of the same start keep their id."""
    if gone:
        await conn.execute("DELETE FROM binding WHERE binding_id = ANY($1::bigint[])", list(gone))
    if changed:
        await conn.execute(
            f"""
            UPDATE binding b SET stop = u.stop, patient_id = u.patient_id, visit = u.visit, place_id = u.place_id,
                source = u.source, by = u.by, reason = u.reason, conflict = u.conflict,
                others = string_to_array(u.others, E'\\x1f')
            FROM unnest($1::bigint[], {_SPAN_COLUMNS}) AS u(binding_id, {_SPAN_NAMES})
            WHERE b.binding_id = u.binding_id""",
            [row.binding_id for row in changed],
            *_columns([row.span for row in changed]),
        )
    if new:
        await conn.execute(
            f"""
            INSERT INTO binding (device_id, start, stop, patient_id, visit, place_id, source, by, reason, conflict,
                                 others)
            SELECT u.device_id, u.start, u.stop, u.patient_id, u.visit, u.place_id, u.source, u.by, u.reason,
                   u.conflict, string_to_array(u.others, E'\\x1f')
            FROM unnest($1::text[], {_SPAN_COLUMNS}) AS u(device_id, {_SPAN_NAMES})""",
            [device for device, _ in new],
            *_columns([span for _, span in new]),
        )


_SPAN_NAMES = "start, stop, patient_id, visit, place_id, source, by, reason, conflict, others"
_SPAN_COLUMNS = (
    "$2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], "
    "$9::text[], $10::text[], $11::text[]"
)


def _columns(found: Sequence[Span]) -> list[list[object]]:
    return [
        [s.start for s in found],
        [None if s.stop == FOREVER else s.stop for s in found],
        [s.patient_id or None for s in found],
        [s.visit for s in found],
        [s.place_id or None for s in found],
        [s.source for s in found],
        [s.by for s in found],
        [s.reason for s in found],
        [s.conflict for s in found],
        ["\x1f".join(s.others) for s in found],
    ]


async def add_hand(conn: Connection, device_id: str, decision: Hand, reason: str, at: int) -> None:
    """Record a person's decision (its order is given here)."""
    await conn.execute(
        """
        INSERT INTO hand (device_id, start, stop, patient_id, ends_with, release, by, reason, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        device_id,
        decision.start,
        None if decision.stop == FOREVER else decision.stop,
        decision.patient_id or None,
        decision.ends_with or None,
        decision.release,
        decision.by,
        reason,
        at,
    )


async def binding(conn: Connection, binding_id: int) -> Row | None:
    """One stored span."""
    r = await conn.fetchrow("SELECT * FROM binding WHERE binding_id = $1", binding_id)
    return None if r is None else Row(r["binding_id"], r["device_id"], _span(r))


async def span_at(conn: Connection, device_id: str, time: int) -> Span | None:
    """The stored span of a device that holds ``time``."""
    r = await conn.fetchrow(
        """
        SELECT * FROM binding WHERE device_id = $1 AND start <= $2 AND (stop IS NULL OR stop > $2)
        ORDER BY start DESC LIMIT 1""",
        device_id,
        time,
    )
    return None if r is None else _span(r)


async def state(conn: Connection, device_id: str) -> str | None:
    """The admission of a device now, None where there is no such device."""
    found: str | None = await conn.fetchval("SELECT state FROM device WHERE device_id = $1", device_id)
    return found


async def add_mode(conn: Connection, device_id: str, start: int, state: str, by: str, at: int) -> None:
    """The device's admission from ``start`` on; a later decision replaces one of the same moment."""
    await conn.execute(
        """
        INSERT INTO device_mode VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (device_id, start) DO UPDATE SET state = $3, by = $4, at = $5""",
        device_id,
        start,
        state,
        by,
        at,
    )


async def let_in(conn: Connection, device_id: str, start: int, by: str, at: int) -> None:
    """Accepted from ``at`` on, and from ``start`` on where the device was only not known yet."""
    before = await conn.fetchval(
        "SELECT state FROM device_mode WHERE device_id = $1 AND start <= $2 ORDER BY start DESC LIMIT 1",
        device_id,
        start,
    )
    await conn.execute(
        "DELETE FROM device_mode WHERE device_id = $1 AND start >= $2 AND state = 'unknown'", device_id, start
    )
    if before in (None, "unknown", "accepted"):
        await add_mode(conn, device_id, start, "accepted", by, at)
    last = await conn.fetchval(
        "SELECT state FROM device_mode WHERE device_id = $1 ORDER BY start DESC LIMIT 1", device_id
    )
    if last != "accepted":
        await add_mode(conn, device_id, max(start, at), "accepted", by, at)


async def add_seat(
    conn: Connection, device_id: str, start: int, place_id: str | None, source: str, by: str, at: int
) -> None:
    """The device's place from ``start`` on."""
    await conn.execute(
        """
        INSERT INTO device_place VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (device_id, start) DO UPDATE SET place_id = $3, source = $4, by = $5, at = $6""",
        device_id,
        start,
        place_id,
        source,
        by,
        at,
    )


async def add_subject(conn: Connection, device_id: str, start: int, ids: Sequence[str]) -> None:
    """The ids that the device names from ``start`` on."""
    await conn.execute(
        """
        INSERT INTO device_subject VALUES ($1, $2, $3)
        ON CONFLICT (device_id, start) DO UPDATE SET ids = $3""",
        device_id,
        start,
        list(ids),
    )


async def subject_at(conn: Connection, device_id: str, time: int) -> tuple[str, ...] | None:
    """What the device last said at ``time``; None when it never said anything before."""
    row = await conn.fetchrow(
        "SELECT ids FROM device_subject WHERE device_id = $1 AND start <= $2 ORDER BY start DESC LIMIT 1",
        device_id,
        time,
    )
    return None if row is None else tuple(row["ids"])


async def subject_now(conn: Connection, device_id: str) -> tuple[int, tuple[str, ...]] | None:
    """(since, ids) of what the device names now; None when it never named anybody."""
    row = await conn.fetchrow(
        "SELECT start, ids FROM device_subject WHERE device_id = $1 ORDER BY start DESC LIMIT 1", device_id
    )
    return None if row is None else (row["start"], tuple(row["ids"]))


async def seat_now(conn: Connection, device_id: str) -> tuple[str, str, int]:
    """(place, source, start) of the device's last known place; empty strings when there is none."""
    row = await conn.fetchrow(
        "SELECT place_id, source, start FROM device_place WHERE device_id = $1 ORDER BY start DESC LIMIT 1", device_id
    )
    return ("", "", 0) if row is None else (row["place_id"] or "", row["source"], row["start"])


async def devices_of_places(conn: Connection, places: Iterable[str], patients: Iterable[str]) -> list[str]:
    """Devices whose bindings may change when these patients' stays in these places do."""
    rows = await conn.fetch(
        """
        SELECT device_id FROM device_place WHERE place_id = ANY($1::text[])
        UNION SELECT device_id FROM hand WHERE patient_id = ANY($2::text[]) OR ends_with = ANY($2::text[])
        UNION SELECT s.device_id FROM device_subject s WHERE s.ids && ARRAY(
            SELECT key FROM patient_key WHERE patient_id = ANY($2::text[])
            UNION SELECT value FROM patient_key WHERE patient_id = ANY($2::text[])
            UNION SELECT '|' || value FROM patient_key WHERE patient_id = ANY($2::text[]))
        ORDER BY 1""",
        list(places),
        list(patients),
    )
    return [r["device_id"] for r in rows]
