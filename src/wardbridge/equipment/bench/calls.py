"""A vendor called to a work order: opened, promised, arrived, done, invoiced."""

from __future__ import annotations

from typing import Any

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.bench import resources
from wardbridge.equipment.bench.store import time as store
from wardbridge.equipment.bench.store import work as orders
from wardbridge.equipment.bench.values import Call
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.store.rows import Source
from wardbridge.security.principal import Principal

FIELDS = frozenset({"vendor", "contract_id", "reference", "promised", "arrived", "done", "invoice", "currency",
                    "invoice_no", "note"})  # fmt: skip
"""What :func:`change` may be given."""


async def open_call(
    shop: Shop, conn: Connection, work_id: str, vendor: str, by: Principal, *, contract_id: str = "",
    reference: str = "", opened: int | None = None, promised: int | None = None, note: str = "",
) -> Call:  # fmt: skip
    """Call a vendor to an order. Raises NotFound, Conflict for work that has ended, Invalid (see :func:`change`)."""
    order = await orders.of(conn, work_id)
    if order is None:
        raise NotFound("there is no such work", "work")
    if order.ended:
        raise Conflict("this work has ended", "work")
    call = Call(
        call_id=shop.ids(), work_id=work_id, device_id=order.device_id, vendor=vendor.strip(),
        contract_id=contract_id.strip(), reference=reference.strip(),
        opened=shop.clock.now() if opened is None else opened, promised=promised, note=note.strip(), by=by.display,
    )  # fmt: skip
    return await _save(shop, conn, call, order.request_id)


async def change(shop: Shop, conn: Connection, call_id: str, **fields: Any) -> Call:
    """Change a call: the vendor promised, arrived, is done, sent an invoice.

    Raises NotFound, and Invalid for moments that contradict each other or an invoice without a currency.
    """
    if not fields.keys() <= FIELDS:
        raise Invalid(f"of a call only these change: {', '.join(sorted(FIELDS))}", "call")
    call = await store.call(conn, call_id)
    order = await orders.of(conn, call.work_id) if call else None
    if call is None or order is None:
        raise NotFound("there is no such call", "call")
    return await _save(shop, conn, msgspec.structs.replace(call, **fields), order.request_id)


async def _save(shop: Shop, conn: Connection, call: Call, request_id: str) -> Call:
    if not call.vendor:
        raise Invalid("say which vendor", "vendor")
    now = shop.clock.now()
    for name in ("opened", "arrived", "done"):
        at = getattr(call, name)
        if at is not None and (at > now or at < call.opened):
            raise Invalid(f"{name} is not before the call was opened, and not in the future", name)
    if call.arrived is not None and call.done is not None and call.done < call.arrived:
        raise Invalid("the vendor was done after they arrived", "done")
    if call.invoice is not None and (not call.invoice.is_finite() or call.invoice < 0 or not call.currency):
        raise Invalid("an invoice is 0 or more, in a currency", "invoice")
    await store.put_calls(conn, [call])
    await shop.record.put(conn, [resources.call(call, request_id)])
    return call


async def vendor_calls(source: Source, since: int, until: int) -> list[Call]:
    """Calls that were opened in ``[since, until)``, oldest first: what a contract's response is measured from."""
    return await store.calls(source, since, until)
