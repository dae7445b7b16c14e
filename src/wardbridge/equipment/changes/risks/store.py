"""SQL of the risk register."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.changes.risks.values import Risk
from wardbridge.equipment.changes.store import as_json

Source = Connection | Pool
_INSIDE = ("cause", "effect", "inherent", "residual", "measures", "owner")
_SELECT = """SELECT r.*, (SELECT coalesce(jsonb_agg(jsonb_build_array(l.kind, l.target) ORDER BY l.kind, l.target),
                                          '[]') FROM risk_link l WHERE l.risk_id = r.risk_id) AS links FROM risk r"""


def _risk(row: Any) -> Risk:
    fields = dict(row)
    content = msgspec.json.decode(fields.pop("content"))
    links = msgspec.json.decode(fields.pop("links"))
    return msgspec.convert({**fields, **content, "links": links}, Risk)


async def put(conn: Connection, risk: Risk) -> None:
    """Insert or replace a risk and what it is about."""
    await conn.execute(
        """INSERT INTO risk
               (risk_id, title, property, state, content, review_due, reviewed_at, version, author, created)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
           ON CONFLICT (risk_id) DO UPDATE SET title = $2, property = $3, state = $4, content = $5, review_due = $6,
               reviewed_at = $7, version = $8""",
        risk.risk_id, risk.title, risk.property, risk.state, as_json({name: getattr(risk, name) for name in _INSIDE}),
        risk.review_due, risk.reviewed_at, risk.version, risk.author, risk.created,
    )  # fmt: skip
    kinds, targets = [kind for kind, _ in risk.links], [target for _, target in risk.links]
    await conn.execute(
        """WITH new AS (SELECT * FROM unnest($2::text[], $3::text[]) AS n (kind, target)),
                gone AS (DELETE FROM risk_link l WHERE risk_id = $1 AND NOT EXISTS (
                         SELECT 1 FROM new n WHERE n.kind = l.kind AND n.target = l.target))
           INSERT INTO risk_link SELECT $1, kind, target FROM new ON CONFLICT DO NOTHING""",
        risk.risk_id, kinds, targets,
    )  # fmt: skip


async def get(source: Source, risk_id: str, *, lock: bool = False) -> Risk | None:
    """A risk by id."""
    row = await source.fetchrow(f"{_SELECT} WHERE r.risk_id = $1 {'FOR UPDATE OF r' if lock else ''}", risk_id)
    return _risk(row) if row else None


async def find(
    source: Source, *, states: Sequence[str] = (), due_before: int | None = None, link: tuple[str, str] | None = None,
    text: str = "", limit: int = 1000,
) -> list[Risk]:  # fmt: skip
    """Risks, the next review first. ``link``: those about this (kind, target)."""
    rows = await source.fetch(
        f"""{_SELECT} WHERE ($1::text[] = '{{}}' OR r.state = ANY($1)) AND ($2::bigint IS NULL OR r.review_due < $2)
            AND ($3 = '' OR EXISTS (SELECT 1 FROM risk_link l
                                    WHERE l.risk_id = r.risk_id AND l.kind = $3 AND l.target = $4))
            AND ($5 = '' OR r.title ILIKE '%' || $5 || '%')
            ORDER BY (r.state = 'closed'), r.review_due, r.risk_id LIMIT $6""",
        list(states), due_before, link[0] if link else "", link[1] if link else "",
        text.replace("%", r"\%").replace("_", r"\_"), limit,
    )  # fmt: skip
    return [_risk(row) for row in rows]


async def missing(source: Source, links: Sequence[tuple[str, str]]) -> list[str]:
    """Machines, models, changes and findings that are named and do not exist."""
    rows = await source.fetch(
        """SELECT kind || ' ' || target AS name FROM unnest($1::text[], $2::text[]) AS n (kind, target)
           WHERE CASE kind WHEN 'device' THEN NOT EXISTS (SELECT 1 FROM asset WHERE device_id = target)
                           WHEN 'model' THEN NOT EXISTS (SELECT 1 FROM model WHERE model_id = target)
                           WHEN 'change' THEN NOT EXISTS (SELECT 1 FROM joint_change WHERE change_id = target)
                           WHEN 'unexpected' THEN NOT EXISTS (SELECT 1 FROM unexpected WHERE unexpected_id = target)
                           ELSE false END ORDER BY 1""",
        [kind for kind, _ in links], [target for _, target in links],
    )  # fmt: skip
    return [row["name"] for row in rows]


async def of_device(source: Source, device_id: str) -> list[Risk]:
    """Risks that are about a machine, its model or its zones, and not closed."""
    rows = await source.fetch(
        f"""{_SELECT} WHERE r.state <> 'closed' AND EXISTS (
                SELECT 1 FROM risk_link l, asset a WHERE l.risk_id = r.risk_id AND a.device_id = $1
                AND ((l.kind = 'device' AND l.target = $1) OR (l.kind = 'model' AND l.target = a.model_id)
                     OR (l.kind = 'zone' AND EXISTS (SELECT 1 FROM interface i
                                                     WHERE i.device_id = $1 AND i.zone = l.target))))
            ORDER BY r.review_due, r.risk_id""",
        device_id,
    )
    return [_risk(row) for row in rows]
