"""SQL of AEM cases."""

from __future__ import annotations

from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.work.aem_rules import Case, Rule

Source = Connection | Pool
_JSON = msgspec.json.Encoder()


def _case(row: Any) -> Case:
    fields: dict[str, Any] = {name: row[name] for name in Case.__struct_fields__}
    return Case(**fields | {"documents": tuple(row["documents"])})


async def get(source: Source, case_id: str) -> Case | None:
    """One case."""
    row = await source.fetchrow("SELECT * FROM aem_case WHERE case_id = $1", case_id)
    return _case(row) if row else None


async def locked(conn: Connection, case_id: str) -> Case | None:
    """One case, locked until the transaction ends."""
    row = await conn.fetchrow("SELECT * FROM aem_case WHERE case_id = $1 FOR UPDATE", case_id)
    return _case(row) if row else None


async def every(source: Source) -> list[tuple[Case, str, str, int, int]]:
    """Cases with their model's name and class, its machines, and how many of those are critical."""
    rows = await source.fetch(
        """SELECT c.*, m.manufacturer || ' ' || m.name AS model, m.class,
                  count(a.device_id) AS machines,
                  count(a.device_id) FILTER (WHERE a.criticality IN ('life-support', 'high')) AS critical
           FROM aem_case c JOIN model m USING (model_id)
           LEFT JOIN asset a ON a.model_id = m.model_id AND a.merged_into IS NULL
           GROUP BY c.case_id, m.model_id ORDER BY (c.state IN ('closed-incomplete', 'cancelled')), c.opened DESC"""
    )
    return [(_case(row), row["model"], row["class"], row["machines"], row["critical"]) for row in rows]


async def put(conn: Connection, case: Case) -> None:
    """Insert or replace a case. The database refuses one that breaks the rules (check_violation)."""
    names = Case.__struct_fields__
    sets = ", ".join(f"{name} = excluded.{name}" for name in names if name != "case_id")
    await conn.execute(
        f"""INSERT INTO aem_case ({", ".join(names)})
            SELECT {", ".join(names)} FROM jsonb_populate_record(NULL::aem_case, $1::jsonb)
            ON CONFLICT (case_id) DO UPDATE SET {sets}""",
        _JSON.encode(case).decode(),
    )


async def history(source: Source, model_id: str, at: int) -> tuple[str, int, int | None, Rule] | None:
    """(class, maintenance completed, the first of it, the site's rule) of a model; None where it does not exist."""
    row = await source.fetchrow(
        """SELECT m.class, count(w.work_id) AS done, min(w.done_at) AS first, r.completed, r.months
           FROM model m LEFT JOIN aem_rule r ON true LEFT JOIN asset a ON a.model_id = m.model_id
           LEFT JOIN work w ON w.device_id = a.device_id AND w.kind = 'maintenance' AND w.state = 'resolved'
                AND w.done_at <= $2
           WHERE m.model_id = $1 GROUP BY m.class, r.completed, r.months""",
        model_id,
        at,
    )
    rule = Rule() if row is None or row["completed"] is None else Rule(row["completed"], row["months"])
    return (row["class"], row["done"], row["first"], rule) if row else None


async def forbidden(source: Source, model_id: str, at: int) -> str:
    """The database's own answer, for the test that both agree."""
    return str(await source.fetchval("SELECT aem_forbidden($1, $2)", model_id, at))


async def set_rule(conn: Connection, rule: Rule) -> None:
    """What counts as sufficient history here."""
    await conn.execute(
        """INSERT INTO aem_rule VALUES (true, $1, $2)
           ON CONFLICT (sole) DO UPDATE SET completed = excluded.completed, months = excluded.months""",
        rule.completed,
        rule.months,
    )
