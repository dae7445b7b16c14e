"""Patients as bindings know them: ids by which they are named, ADT events, stays, visits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from wardbridge.core.db import Connection
from wardbridge.devices.intervals import FOREVER, Stay
from wardbridge.devices.stays import Heard


class Person(msgspec.Struct, frozen=True):
    """What a board shows of a patient at a glance; the FHIR Patient is the owner of it."""

    patient_id: str
    family: str = ""
    given: str = ""
    birth_date: str = ""
    sex: str = ""
    mrn: str = ""
    recorded: int = 0
    replaced_by: str = ""


async def named(conn: Connection, keys: Sequence[str]) -> dict[str, str]:
    """Patient by ``authority|value``."""
    rows = await conn.fetch("SELECT key, patient_id FROM patient_key WHERE key = ANY($1::text[])", list(keys))
    return {r["key"]: r["patient_id"] for r in rows}


async def person(conn: Connection, patient_id: str) -> Person | None:
    """One known patient."""
    r = await conn.fetchrow("SELECT * FROM bound_patient WHERE patient_id = $1", patient_id)
    return None if r is None else Person(**dict(r))


async def put_person(conn: Connection, one: Person, keys: Sequence[str]) -> None:
    """Store or refresh a patient and add the keys that are new."""
    await conn.execute(
        """
        INSERT INTO bound_patient (patient_id, family, given, birth_date, sex, mrn, recorded, replaced_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (patient_id) DO UPDATE SET family = $2, given = $3, birth_date = $4, sex = $5, mrn = $6,
            recorded = $7, replaced_by = $8""",
        one.patient_id,
        one.family,
        one.given,
        one.birth_date,
        one.sex,
        one.mrn,
        one.recorded,
        one.replaced_by,
    )
    if keys:
        await conn.execute(
            """
            INSERT INTO patient_key (key, value, patient_id) SELECT *, $3 FROM unnest($1::text[], $2::text[])
            ON CONFLICT (key) DO NOTHING""",
            list(keys),
            [k.rpartition("|")[2] for k in keys],
            one.patient_id,
        )


async def merge(conn: Connection, old: str, survivor: str) -> None:
    """Everything that led to ``old`` leads to ``survivor`` from now on."""
    await conn.execute(
        "UPDATE bound_patient SET replaced_by = $2 WHERE patient_id = $1 OR replaced_by = $1", old, survivor
    )
    await conn.execute("UPDATE patient_key SET patient_id = $2 WHERE patient_id = $1", old, survivor)
    await conn.execute("UPDATE hand SET patient_id = $2 WHERE patient_id = $1", old, survivor)
    await conn.execute("UPDATE hand SET ends_with = $2 WHERE ends_with = $1", old, survivor)
    await conn.execute(
        """
        DELETE FROM adt_event e WHERE patient_id = $1 AND EXISTS (
            SELECT FROM adt_event o WHERE o.patient_id = $2 AND o.kind = e.kind AND o.visit = e.visit
            AND o.occurred = e.occurred AND o.recorded = e.recorded AND o.place_id IS NOT DISTINCT FROM e.place_id)""",
        old,
        survivor,
    )
    await conn.execute("UPDATE adt_event SET patient_id = $2 WHERE patient_id = $1", old, survivor)
    await conn.execute(
        """
        INSERT INTO visit (patient_id, visit, encounter_id)
        SELECT $2, visit, encounter_id FROM visit WHERE patient_id = $1 ON CONFLICT DO NOTHING""",
        old,
        survivor,
    )


async def add_event(conn: Connection, patient_id: str, sequence: int, event: Heard) -> bool:
    """Keep an ADT event; False when the very same event was kept before."""
    done = await conn.execute(
        """
        INSERT INTO adt_event (sequence, kind, patient_id, visit, occurred, recorded, place_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING""",
        sequence,
        event.kind,
        patient_id,
        event.visit,
        event.occurred,
        event.recorded,
        event.place_id or None,
    )
    return bool(done == "INSERT 0 1")


async def events(conn: Connection, patient_id: str) -> list[Heard]:
    """Every ADT event of a patient."""
    rows = await conn.fetch("SELECT * FROM adt_event WHERE patient_id = $1 ORDER BY event_id", patient_id)
    return [
        Heard(r["kind"], r["occurred"], r["recorded"], r["visit"], r["place_id"] or "", r["event_id"]) for r in rows
    ]


async def stays(conn: Connection, patient_id: str) -> list[Stay]:
    """The stored stays of a patient."""
    rows = await conn.fetch("SELECT * FROM patient_place WHERE patient_id = $1 ORDER BY start", patient_id)
    return [
        Stay(patient_id, r["start"], FOREVER if r["stop"] is None else r["stop"], r["place_id"] or "", r["visit"])
        for r in rows
    ]


async def write_stays(conn: Connection, patient_id: str, found: Sequence[Stay]) -> None:
    """Replace the stays of a patient."""
    await conn.execute("DELETE FROM patient_place WHERE patient_id = $1", patient_id)
    if found:
        await conn.execute(
            """
            INSERT INTO patient_place (patient_id, start, stop, place_id, visit)
            SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[])""",
            patient_id,
            [s.start for s in found],
            [None if s.stop == FOREVER else s.stop for s in found],
            [s.place_id or None for s in found],
            [s.visit for s in found],
        )


async def visits(conn: Connection, patient_id: str) -> dict[str, tuple[str, str]]:
    """Visit number to (Encounter id, digest of the Encounter as last written)."""
    rows = await conn.fetch("SELECT * FROM visit WHERE patient_id = $1", patient_id)
    return {r["visit"]: (r["encounter_id"], r["digest"]) for r in rows}


async def put_visit(conn: Connection, patient_id: str, visit: str, encounter_id: str, digest: str) -> None:
    """Remember the Encounter of a visit."""
    await conn.execute(
        """
        INSERT INTO visit VALUES ($1, $2, $3, $4)
        ON CONFLICT (patient_id, visit) DO UPDATE SET encounter_id = $3, digest = $4""",
        patient_id,
        visit,
        encounter_id,
        digest,
    )


async def locations(conn: Connection, place_ids: Sequence[str]) -> Mapping[str, str]:
    """FHIR Location id by place."""
    rows = await conn.fetch("SELECT place_id, location_id FROM place WHERE place_id = ANY($1::text[])", list(place_ids))
    return {r["place_id"]: r["location_id"] for r in rows}


async def refuse(conn: Connection, sequence: int, kind: str, link: str, stage: str, reason: str, now: int) -> None:
    """Name an entry of the intake log that could not be used, and why."""
    await conn.execute(
        "INSERT INTO refused VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        sequence,
        kind,
        link,
        stage,
        reason,
        now,
    )
