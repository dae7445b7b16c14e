"""What replacement planning and whole cost start from: one row a machine, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from wardbridge.core.db import Connection
from wardbridge.equipment.store.rows import Source, append, put, value
from wardbridge.equipment.vendors.values import CostEntry, Replacement


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """A machine with what its replacement is judged by; ``since``: bought, else installed, made or written down;
    ``repairs``: moves to repair since the moment that was asked for."""

    device_id: str
    name: str
    model_id: str
    model: str
    class_: str = msgspec.field(name="class")
    department: str
    criticality: str
    since: int
    expected_years: int | None
    price: Decimal | None
    currency: str
    support_ends: int | None
    security_ends: int | None
    support: str
    security: str
    repairs: int
    year: int | None
    budget: Decimal | None
    budget_currency: str


async def machines(source: Source, since: int, device_ids: Sequence[str] | None = None) -> list[Machine]:
    """Machines that are used (all where None); ``repairs`` count from ``since`` (µs)."""
    rows = await source.fetch(
        """SELECT a.device_id,
                  coalesce(nullif(a.label, ''), trim(m.name || ' ' || coalesce(nullif(a.tag, ''), a.serial))) AS name,
                  a.model_id, m.manufacturer || ' ' || m.name AS model, m.class, a.department, a.criticality,
                  coalesce(a.bought, a.installed, a.manufactured, a.created) AS since, m.expected_years, a.price,
                  a.currency, m.support_ends, m.security_ends, coalesce(s.support, 'unknown') AS support,
                  coalesce(s.security, 'unknown') AS security, coalesce(r.repairs, 0) AS repairs, p.year, p.budget,
                  coalesce(p.currency, '') AS budget_currency
           FROM asset a JOIN model m USING (model_id) LEFT JOIN model_support s USING (model_id)
           LEFT JOIN (SELECT device_id, count(*) AS repairs FROM move WHERE to_state = 'in-repair' AND at >= $1
                      GROUP BY device_id) r ON r.device_id = a.device_id
           LEFT JOIN replacement p ON p.device_id = a.device_id
           WHERE a.merged_into IS NULL AND a.parent_id IS NULL AND a.state NOT IN ('retired', 'sanitised', 'disposed')
             AND ($2::text[] IS NULL OR a.device_id = ANY($2)) ORDER BY a.device_id""",
        since,
        None if device_ids is None else list(device_ids),
    )
    return [value(row, Machine) for row in rows]


async def support(source: Source, model_id: str) -> Any:
    """The row of ``model_support``."""
    return await source.fetchrow("SELECT * FROM model_support WHERE model_id = $1", model_id)


async def decide(conn: Connection, rows: Sequence[Replacement]) -> None:
    """Insert or replace decisions."""
    await put(conn, "replacement", ("device_id",), rows)


async def undecide(conn: Connection, device_ids: Sequence[str]) -> None:
    """Take decisions back."""
    await conn.execute("DELETE FROM replacement WHERE device_id = ANY($1)", list(device_ids))


async def add_cost(conn: Connection, entry: CostEntry) -> None:
    """Append a cost."""
    await append(conn, "cost_entry", [entry])


async def entered(source: Source, device_ids: Sequence[str]) -> list[CostEntry]:
    """Costs that were entered for machines."""
    rows = await source.fetch("SELECT * FROM cost_entry WHERE device_id = ANY($1) ORDER BY since, entry_id",
                              list(device_ids))  # fmt: skip
    return [value(row, CostEntry) for row in rows]


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A contract's price a year, shared among ``machines``, and how many of the asked ones it covers."""

    contract_id: str
    title: str
    price_year: Decimal
    currency: str
    starts: int
    stops: int | None
    machines: int
    mine: int


async def shares(source: Source, device_ids: Sequence[str]) -> list[Share]:
    """Contracts with a price that cover these machines."""
    rows = await source.fetch(
        """WITH mine AS (SELECT DISTINCT c.contract_id, a.device_id FROM contract_cover c
                         JOIN asset a ON a.device_id = c.device_id OR a.model_id = c.model_id
                         WHERE a.device_id = ANY($1)),
                whole AS (SELECT c.contract_id, count(DISTINCT a.device_id) AS machines FROM contract_cover c
                          JOIN asset a ON a.device_id = c.device_id OR a.model_id = c.model_id
                          WHERE a.merged_into IS NULL AND c.contract_id IN (SELECT contract_id FROM mine) GROUP BY 1)
           SELECT c.contract_id, c.title, c.price_year, c.currency, c.starts, least(c.ends, c.cancelled) AS stops,
                  w.machines, (SELECT count(*) FROM mine m WHERE m.contract_id = c.contract_id) AS mine
           FROM contract c JOIN whole w USING (contract_id) WHERE c.price_year IS NOT NULL ORDER BY c.contract_id""",
        list(device_ids),
    )
    return [value(row, Share) for row in rows]


async def use_hours(source: Source, device_ids: Sequence[str]) -> float:
    """Hours of use from the wire of these machines."""
    found = await source.fetchval("SELECT sum(use_us) FROM use_time WHERE device_id = ANY($1)", list(device_ids))
    return float(found or 0) / 3_600_000_000
