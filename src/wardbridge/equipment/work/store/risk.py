"""SQL of risk scores: schemes, scores, and how often machines of a model fail."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from wardbridge.core.clock import DAY
from wardbridge.core.db import Connection, Pool
from wardbridge.security.principal import Principal

Source = Connection | Pool
MONTH_DAYS = 30.4375


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``risk_score`` with its model; ``terms`` as JSON."""

    score_id: str
    model_id: str
    model: str
    class_: str
    machines: int
    scheme: str
    scheme_version: str
    terms: str
    total: Decimal
    months: int | None
    included: bool
    at: int
    by: str


async def schemes(source: Source) -> list[str]:
    """The newest version of each scheme of the site, as JSON."""
    rows = await source.fetch(
        "SELECT DISTINCT ON (scheme) body FROM risk_scheme ORDER BY scheme, at DESC, version DESC"
    )
    return [row["body"] for row in rows]


async def add_scheme(conn: Connection, scheme: str, version: str, body: str, at: int) -> bool:
    """Keep a version; False where it exists."""
    return bool(
        await conn.fetchval(
            "INSERT INTO risk_scheme VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING 1",
            scheme, version, body, at,
        )
    )  # fmt: skip


async def incidents(source: Source, model_id: str, at: int) -> Decimal | None:
    """Mean months between faults of one machine of a model: machine-months since each was installed (else known),
    by the number of faults. None where the model does not exist; very many where nothing failed."""
    row = await source.fetchrow(
        """SELECT coalesce((SELECT sum(greatest($2 - coalesce(a.installed, a.created), 0)) FROM asset a
                            WHERE a.model_id = m.model_id AND a.merged_into IS NULL), 0) AS time,
                  (SELECT count(*) FROM work w JOIN asset a USING (device_id)
                   WHERE a.model_id = m.model_id AND w.kind = 'fault' AND w.state <> 'cancelled'
                     AND w.reported_at <= $2) AS faults
           FROM model m WHERE m.model_id = $1""",
        model_id,
        at,
    )
    if row is None:
        return None
    months = Decimal(int(row["time"])) / Decimal(str(MONTH_DAYS * DAY))
    return months / row["faults"] if row["faults"] else Decimal(10**6)


async def add(
    conn: Connection, score_id: str, model_id: str, scheme: str, version: str, terms: str, total: Decimal,
    months: int | None, included: bool, at: int, by: Principal,
) -> None:  # fmt: skip
    """Append a score."""
    await conn.execute(
        "INSERT INTO risk_score VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        score_id, model_id, scheme, version, terms, total, months, included, at, by.id, by.display,
    )  # fmt: skip


async def latest(source: Source, model_id: str | None = None, scheme: str | None = None) -> list[Kept]:
    """The newest score of each model and scheme, the highest first."""
    rows = await source.fetch(
        """SELECT s.*, m.manufacturer || ' ' || m.name AS model, m.class AS class_,
                  (SELECT count(*) FROM asset a WHERE a.model_id = m.model_id AND a.merged_into IS NULL) AS machines
           FROM (SELECT DISTINCT ON (model_id, scheme) * FROM risk_score
                 WHERE ($1::text IS NULL OR model_id = $1) AND ($2::text IS NULL OR scheme = $2)
                 ORDER BY model_id, scheme, at DESC, score_id DESC) s JOIN model m USING (model_id)
           ORDER BY s.total DESC, model""",
        model_id,
        scheme,
    )
    return [Kept(**{name: row[name] for name in Kept.__struct_fields__}) for row in rows]
