"""SQL of what work cost: labour, parts and vendors of work orders, in one statement."""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.equipment.bench.values import Cost
from wardbridge.equipment.store.rows import Source, value

_BY = {
    "work": "work_id, device_id, model_id",
    "device": "'' AS work_id, device_id, model_id",
    "model": "'' AS work_id, '' AS device_id, model_id",
}


async def costs(
    source: Source, device_ids: Sequence[str] | None, since: int, until: int, *, by: str = "work",
    work_ids: Sequence[str] | None = None, limit: int | None = None, skip: int = 0,
) -> list[Cost]:  # fmt: skip
    """What was spent in ``[since, until)`` (labour by its start, parts by their issue, vendors by their call), by
    work order, machine or model; one row a currency, the dearest first."""
    rows = await source.fetch(
        f"""WITH entry AS (
            SELECT work_id, device_id, currency, minutes + travel AS minutes,
                   coalesce(rate * (minutes + travel) / 60, 0) AS labour, 0::numeric AS parts, 0::numeric AS vendor,
                   (rate IS NULL)::int AS unpriced
            FROM labour WHERE started >= $2 AND started < $3 AND ($1::text[] IS NULL OR device_id = ANY($1))
              AND ($4::text[] IS NULL OR work_id = ANY($4))
            UNION ALL
            SELECT work_id, device_id, currency, 0, 0, coalesce(-quantity * price, 0), 0, (price IS NULL)::int
            FROM stock_movement WHERE kind IN ('issue', 'return') AND work_id IS NOT NULL AND at >= $2 AND at < $3
              AND ($1::text[] IS NULL OR device_id = ANY($1)) AND ($4::text[] IS NULL OR work_id = ANY($4))
            UNION ALL
            SELECT work_id, device_id, currency, 0, 0, 0, coalesce(invoice, 0),
                   (invoice IS NULL AND done IS NOT NULL)::int
            FROM vendor_call WHERE opened >= $2 AND opened < $3 AND ($1::text[] IS NULL OR device_id = ANY($1))
              AND ($4::text[] IS NULL OR work_id = ANY($4))
        ), named AS (
            SELECT e.*, coalesce(a.model_id, '') AS model_id FROM entry e LEFT JOIN asset a USING (device_id)
        ), grouped AS (
            SELECT {_BY[by]}, currency, minutes, labour, parts, vendor, unpriced FROM named
        )
        SELECT work_id, device_id, model_id, currency, sum(minutes)::int AS minutes, round(sum(labour), 2) AS labour,
               round(sum(parts), 2) AS parts, round(sum(vendor), 2) AS vendor, sum(unpriced)::int AS unpriced
        FROM grouped GROUP BY work_id, device_id, model_id, currency
        ORDER BY sum(labour + parts + vendor) DESC, work_id, device_id, model_id, currency LIMIT $5 OFFSET $6""",
        None if device_ids is None else list(device_ids), since, until, None if work_ids is None else list(work_ids),
        limit, skip,
    )  # fmt: skip
    return [value(row, Cost) for row in rows]
