"""What the screens ask of the device room."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.devices.store.people import Person
from wardbridge.devices.store.places import Place


class Interval(msgspec.Struct, frozen=True):
    """A device on a patient (or on nobody: ``patient_id`` empty and ``reason`` says why), [start, stop).

    ``stop`` is None while it runs. ``source`` is adt, pid or hand; ``conflict`` as in
    :mod:`wardbridge.devices.intervals`, ``others`` the patients it is about; ``count`` the charted values
    (or, unbound, those that wait to be claimed).
    """

    binding_id: int
    device_id: str
    start: int
    stop: int | None = None
    patient_id: str = ""
    place_id: str = ""
    source: str = ""
    by: str = ""
    reason: str = ""
    conflict: str = ""
    others: tuple[str, ...] = ()
    count: int = 0


class Lying(msgspec.Struct, frozen=True):
    """A patient in a place now, since when, in which visit."""

    place_id: str
    person: Person
    start: int
    visit: str
    encounter_id: str


_INTERVAL = """
    SELECT b.*, (SELECT count(*) FROM chart_point p WHERE p.device_id = b.device_id AND p.time >= b.start
                 AND (b.stop IS NULL OR p.time < b.stop) AND NOT p.withdrawn) AS count
    FROM binding b"""


def _interval(r: object) -> Interval:
    row: dict[str, object] = dict(r)  # type: ignore[call-overload]
    values = {name: row[name] for name in Interval.__struct_fields__}
    values |= {"patient_id": row["patient_id"] or "", "place_id": row["place_id"] or "", "others": tuple(row["others"])}  # type: ignore[arg-type]
    return Interval(**values)  # type: ignore[arg-type]


async def intervals(
    pool: Pool | Connection, *, device_id: str = "", patient_id: str = "", limit: int = 200
) -> list[Interval]:
    """Bound intervals of a device or of a patient, newest first."""
    rows = await pool.fetch(
        _INTERVAL
        + """
        WHERE b.patient_id IS NOT NULL AND ($1 = '' OR b.device_id = $1) AND ($2 = '' OR b.patient_id = $2)
        ORDER BY b.start DESC LIMIT $3""",
        device_id,
        patient_id,
        limit,
    )
    return [_interval(r) for r in rows]


async def unbound(pool: Pool | Connection, *, device_id: str = "", limit: int = 200) -> list[Interval]:
    """Intervals in which a device gave values that would have been charted and nobody was on it, newest first."""
    rows = await pool.fetch(
        """
        SELECT b.*, w.count FROM (
            SELECT b.binding_id, count(*) AS count FROM chart_point p
            JOIN binding b ON b.device_id = p.device_id AND b.start <= p.time AND (b.stop IS NULL OR b.stop > p.time)
            WHERE p.patient_id IS NULL AND NOT p.withdrawn AND b.patient_id IS NULL
              AND ($1 = '' OR p.device_id = $1)
              AND b.reason NOT IN ('unknown', 'quarantined', 'workshop', 'retired')
            GROUP BY b.binding_id) w
        JOIN binding b USING (binding_id) ORDER BY b.start DESC LIMIT $2""",
        device_id,
        limit,
    )
    return [_interval(r) for r in rows]


async def conflicts(pool: Pool | Connection, *, running: bool = True, limit: int = 200) -> list[Interval]:
    """Intervals in which facts contradict each other, newest first; only those that run unless told otherwise."""
    rows = await pool.fetch(
        _INTERVAL
        + """
        WHERE b.conflict <> '' AND (b.stop IS NULL OR NOT $1) ORDER BY b.start DESC LIMIT $2""",
        running,
        limit,
    )
    return [_interval(r) for r in rows]


async def lying(pool: Pool | Connection, place_ids: Sequence[str] | None = None) -> list[Lying]:
    """Who lies where now."""
    rows = await pool.fetch(
        """
        SELECT s.place_id, s.start, s.visit, coalesce(v.encounter_id, '') AS encounter_id, p.*
        FROM patient_place s JOIN bound_patient p USING (patient_id)
        LEFT JOIN visit v ON v.patient_id = s.patient_id AND v.visit = s.visit
        WHERE s.stop IS NULL AND s.place_id IS NOT NULL AND ($1::text[] IS NULL OR s.place_id = ANY($1))
        ORDER BY s.place_id, s.start""",
        None if place_ids is None else list(place_ids),
    )
    return [
        Lying(
            r["place_id"],
            Person(**{f: r[f] for f in Person.__struct_fields__}),
            r["start"],
            r["visit"],
            r["encounter_id"],
        )
        for r in rows
    ]


async def people(pool: Pool | Connection, patient_ids: Sequence[str]) -> dict[str, Person]:
    """Known patients by id."""
    rows = await pool.fetch("SELECT * FROM bound_patient WHERE patient_id = ANY($1::text[])", list(patient_ids))
    return {r["patient_id"]: Person(**dict(r)) for r in rows}


async def find(pool: Pool | Connection, text: str, limit: int = 20) -> list[Person]:
    """Patients whose name starts with ``text``, or whose number is it, and who were not merged away."""
    rows = await pool.fetch(
        """
        SELECT p.* FROM bound_patient p WHERE replaced_by = '' AND (
            lower(family) LIKE $1 OR lower(given) LIKE $1 OR lower(family || ' ' || given) LIKE $1
            OR EXISTS (SELECT FROM patient_key k WHERE k.patient_id = p.patient_id AND k.value = $2))
        ORDER BY lower(family), lower(given) LIMIT $3""",
        text.lower().replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%",
        text,
        limit,
    )
    return [Person(**dict(r)) for r in rows]


async def wards(pool: Pool | Connection) -> list[tuple[str, int, int]]:
    """(ward, beds, beds with a patient) by name."""
    rows = await pool.fetch("""
        SELECT p.ward, count(DISTINCT p.place_id) AS beds, count(DISTINCT s.place_id) AS used
        FROM place p LEFT JOIN patient_place s ON s.place_id = p.place_id AND s.stop IS NULL
        WHERE p.bed <> '' OR p.room <> '' GROUP BY p.ward ORDER BY p.ward""")
    return [(r["ward"], r["beds"], r["used"]) for r in rows]


async def standing(pool: Pool | Connection, place_ids: Sequence[str]) -> list[str]:
    """Machines whose place now is one of these."""
    rows = await pool.fetch(
        """
        SELECT b.device_id FROM binding b JOIN device d USING (device_id)
        WHERE b.stop IS NULL AND b.place_id = ANY($1::text[]) AND d.parent_id IS NULL
          AND d.state NOT IN ('retired', 'quarantined')""",
        list(place_ids),
    )
    return [r["device_id"] for r in rows]


async def place(pool: Pool | Connection, place_id: str) -> Place | None:
    """One place."""
    r = await pool.fetchrow("SELECT * FROM place WHERE place_id = $1", place_id)
    return None if r is None else Place(**dict(r))
