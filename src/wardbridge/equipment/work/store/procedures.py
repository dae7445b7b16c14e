"""SQL of procedures, test equipment and results."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.work.steps import Procedure, Result, Step

Source = Connection | Pool
_JSON = msgspec.json.Encoder(decimal_format="number")
_STEPS = msgspec.json.Decoder(tuple[Step, ...])


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``instrument`` with its name. ``due`` is when its calibration ends (µs), None for never calibrated."""

    device_id: str
    measures: str
    calibrated: int | None = None
    due: int | None = None
    certificate: str = ""
    name: str = ""


def _procedure(row: Any) -> Procedure:
    return Procedure(
        procedure_id=row["procedure_id"], version=row["version"], name=row["name"], kind=row["kind"],
        model_id=row["model_id"], class_=row["class"], minutes=row["minutes"], tools=tuple(row["tools"]),
        steps=_STEPS.decode(row["steps"]), retired=row["retired"], by_id=row["by_id"], by=row["by"], at=row["at"],
    )  # fmt: skip


async def add(conn: Connection, procedure: Procedure) -> None:
    """Append a version."""
    await conn.execute(
        """INSERT INTO procedure (procedure_id, version, name, kind, model_id, class, minutes, tools, steps, retired,
                                  by_id, by, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)""",
        procedure.procedure_id, procedure.version, procedure.name, procedure.kind, procedure.model_id,
        procedure.class_, procedure.minutes, list(procedure.tools), _JSON.encode(procedure.steps).decode(),
        procedure.retired, procedure.by_id, procedure.by, procedure.at,
    )  # fmt: skip


async def current(source: Source, ids: Sequence[str] | None = None, *, retired: bool = False) -> list[Procedure]:
    """The version in force of each procedure, by name; all where ``ids`` is None."""
    rows = await source.fetch(
        """SELECT * FROM (SELECT DISTINCT ON (procedure_id) * FROM procedure
                          WHERE $1::text[] IS NULL OR procedure_id = ANY($1) ORDER BY procedure_id, version DESC) p
           WHERE $2 OR NOT retired ORDER BY lower(name), procedure_id""",
        None if ids is None else list(ids),
        retired,
    )
    return [_procedure(row) for row in rows]


async def version(source: Source, procedure_id: str, number: int) -> Procedure | None:
    """One version of a procedure."""
    row = await source.fetchrow(
        "SELECT * FROM procedure WHERE procedure_id = $1 AND version = $2", procedure_id, number
    )
    return _procedure(row) if row else None


async def versions(source: Source, procedure_id: str) -> list[Procedure]:
    """All versions, newest first."""
    rows = await source.fetch("SELECT * FROM procedure WHERE procedure_id = $1 ORDER BY version DESC", procedure_id)
    return [_procedure(row) for row in rows]


async def fitting(source: Source, device_id: str) -> list[Procedure]:
    """Procedures in force for this machine: its model's first, then its class's, then those for any."""
    rows = await source.fetch(
        """SELECT p.* FROM (SELECT DISTINCT ON (procedure_id) * FROM procedure ORDER BY procedure_id, version DESC) p
           LEFT JOIN (SELECT a.model_id, m.class FROM asset a JOIN model m USING (model_id)
                      WHERE a.device_id = $1) x ON true
           WHERE NOT p.retired AND (p.model_id = '' OR p.model_id = x.model_id) AND (p.class = '' OR p.class = x.class)
           ORDER BY (p.model_id = ''), (p.class = ''), lower(p.name)""",
        device_id,
    )
    return [_procedure(row) for row in rows]


async def add_results(conn: Connection, results: Sequence[Result]) -> None:
    """Append results."""
    names = ", ".join(Result.__struct_fields__)
    await conn.execute(
        f"INSERT INTO measurement ({names}) SELECT {names} FROM jsonb_populate_recordset(NULL::measurement, $1::jsonb)",
        _JSON.encode(results).decode(),
    )


async def results(source: Source, work_ids: Sequence[str], *, every: bool = False) -> list[Result]:
    """The result that counts of each step (the newest), or every one, in order of time."""
    pick = "*" if every else "DISTINCT ON (work_id, step) *"
    order = "at, measurement_id" if every else "work_id, step, at DESC, measurement_id DESC"
    rows = await source.fetch(
        f"SELECT {pick} FROM measurement WHERE work_id = ANY($1) ORDER BY {order}", list(work_ids)
    )
    return sorted((_result(row) for row in rows), key=lambda one: (one.at, one.measurement_id))


def _result(row: Any) -> Result:
    return Result(**dict(row))


async def history(source: Source, device_id: str, codes: Sequence[str] | None = None) -> list[Result]:
    """Measured values of a machine over time, oldest first; corrections of a step in the same work count alone."""
    rows = await source.fetch(
        """SELECT * FROM (SELECT DISTINCT ON (work_id, step) * FROM measurement
                          WHERE device_id = $1 AND code <> '' AND number IS NOT NULL
                            AND ($2::text[] IS NULL OR code = ANY($2))
                          ORDER BY work_id, step, at DESC, measurement_id DESC) m ORDER BY at, measurement_id""",
        device_id,
        None if codes is None else list(codes),
    )
    return [_result(row) for row in rows]


async def put_instrument(conn: Connection, one: Instrument) -> None:
    """Make a machine an instrument, or change what is known of it."""
    await conn.execute(
        """INSERT INTO instrument VALUES ($1, $2, $3, $4, $5) ON CONFLICT (device_id) DO UPDATE
           SET measures = $2, calibrated = $3, due = $4, certificate = $5""",
        one.device_id, one.measures, one.calibrated, one.due, one.certificate,
    )  # fmt: skip


async def calibrated(conn: Connection, device_id: str, at: int, due: int | None) -> None:
    """A calibration of this machine was done; nothing happens where it is no instrument. Without a next date it
    holds as long as the last one did, a year where there was none."""
    await conn.execute(
        """UPDATE instrument SET calibrated = $2,
               due = coalesce($3, $2 + coalesce(nullif(greatest(due - calibrated, 0), 0), 31557600000000))
           WHERE device_id = $1""",
        device_id, at, due,
    )  # fmt: skip


async def instruments(source: Source, ids: Sequence[str] | None = None) -> list[Instrument]:
    """Test equipment by name, all where ``ids`` is None."""
    rows = await source.fetch(
        """SELECT i.*, coalesce(nullif(a.label, ''),
                                concat_ws(' ', m.name, coalesce(nullif(a.tag, ''), a.serial))) AS name
           FROM instrument i JOIN asset a USING (device_id) JOIN model m USING (model_id)
           WHERE $1::text[] IS NULL OR i.device_id = ANY($1) ORDER BY name, i.device_id""",
        None if ids is None else list(ids),
    )
    return [Instrument(**dict(row)) for row in rows]


async def protection(source: Source, device_id: str) -> tuple[str, str, str] | None:
    """(class, applied part, cord) of a machine's model."""
    row = await source.fetchrow(
        "SELECT p.class, p.part, p.cord FROM protection p JOIN asset a USING (model_id) WHERE a.device_id = $1",
        device_id,
    )
    return (row["class"], row["part"], row["cord"]) if row else None


async def put_protection(conn: Connection, model_id: str, class_: str, part: str, cord: str) -> None:
    """How a model protects against electric shock."""
    await conn.execute(
        """INSERT INTO protection VALUES ($1, $2, $3, $4) ON CONFLICT (model_id)
           DO UPDATE SET class = $2, part = $3, cord = $4""",
        model_id, class_, part, cord,
    )  # fmt: skip


async def site_limits(source: Source) -> list[tuple[str, str, str, Decimal | None, Decimal | None, str, str]]:
    """A site's own limits: (test, class, part, low, high, unit, source)."""
    rows = await source.fetch("SELECT test, class, part, low, high, unit, source FROM safety_limit ORDER BY 1, 2, 3")
    return [tuple(row) for row in rows]


async def put_limit(
    conn: Connection,
    test: str,
    class_: str,
    part: str,
    low: Decimal | None,
    high: Decimal | None,
    unit: str,
    source: str,
) -> None:
    """Set a site's own limit of a test."""
    await conn.execute(
        """INSERT INTO safety_limit VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (test, class, part)
           DO UPDATE SET low = $4, high = $5, unit = $6, source = $7""",
        test, class_, part, low, high, unit, source,
    )  # fmt: skip
