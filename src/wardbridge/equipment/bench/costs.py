"""What work cost, by order, machine or model; and as CSV."""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.core.errors import Invalid
from wardbridge.core.sheets import csv_text
from wardbridge.equipment.bench.store import costs as store
from wardbridge.equipment.bench.values import Cost
from wardbridge.equipment.store.rows import Source

BY = ("work", "device", "model")
COLUMNS = ("work", "device", "model", "currency", "minutes", "labour", "parts", "vendor", "total", "without a price")


async def costs(
    source: Source, device_ids: Sequence[str] | None, since: int, until: int, *, by: str = "work",
    work_ids: Sequence[str] | None = None, limit: int | None = None, skip: int = 0,
) -> list[Cost]:  # fmt: skip
    """What was spent on these machines (all where None) in ``[since, until)``, the dearest first; a row a currency.

    Labour counts at its start, parts at their issue, a vendor at the opening of the call.
    Raises Invalid for another ``by`` than work, device or model.
    """
    if by not in BY:
        raise Invalid(f"costs are by: {', '.join(BY)}", "by")
    return await store.costs(source, device_ids, since, until, by=by, work_ids=work_ids, limit=limit, skip=skip)


def table(rows: Sequence[Cost]) -> str:
    """Costs as CSV."""
    return csv_text(
        COLUMNS,
        [(row.work_id, row.device_id, row.model_id, row.currency, row.minutes, row.labour, row.parts, row.vendor,
          row.total, row.unpriced) for row in rows],
    )  # fmt: skip
