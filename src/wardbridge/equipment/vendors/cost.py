"""Total cost of ownership of a machine or a model: purchase, contracts' share, work, what was entered; a year and an
hour of use. Money of different currencies is never added."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from wardbridge.core.clock import DAY
from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.bench.costs import costs as bench_costs
from wardbridge.equipment.bench.values import Cost
from wardbridge.equipment.register.store import assets
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.store.rows import Source
from wardbridge.equipment.vendors.store import firms
from wardbridge.equipment.vendors.store import plan as store
from wardbridge.equipment.vendors.store.plan import Share
from wardbridge.equipment.vendors.values import COST_KINDS, CostEntry
from wardbridge.security.principal import Principal

YEAR = Decimal("365.25") * DAY
CENT = Decimal("0.01")


class Costs(Protocol):
    """What work on machines cost in ``[since, until)``: the workshop's :func:`bench.costs.costs`."""

    async def __call__(
        self, source: Source, device_ids: Sequence[str] | None, since: int, until: int, *, by: str
    ) -> list[Cost]: ...


class Line(msgspec.Struct, frozen=True):
    """One kind of cost in one currency; ``text`` names the contract or what was entered."""

    kind: str
    text: str
    amount: Decimal
    currency: str


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """The whole cost of machines in ``[since, until)``. ``down`` and ``hours`` are hours out of and in use; an hour
    of use is priced where it is measured."""

    since: int
    until: int
    machines: int
    lines: tuple[Line, ...]
    sums: dict[str, Decimal]
    a_year: dict[str, Decimal]
    an_hour: dict[str, Decimal]
    down: float
    hours: float
    unpriced: int


def overlap(since: int, until: int, start: int, stop: int | None) -> int:
    """µs that ``[start, stop)`` lies within ``[since, until)``."""
    return max(0, min(until, stop if stop is not None else until) - max(since, start))


def contract_lines(shares: Iterable[Share], since: int, until: int) -> list[Line]:
    """Contracts' prices for the time in question, shared evenly among the machines that they cover. Pure."""
    return [
        Line("contract", one.title,
             (one.price_year * overlap(since, until, one.starts, one.stops) / YEAR * one.mine / one.machines)
             .quantize(CENT), one.currency)
        for one in shares if overlap(since, until, one.starts, one.stops) and one.machines
    ]  # fmt: skip


def entered_lines(entries: Iterable[CostEntry], since: int, until: int) -> list[Line]:
    """Entered costs, as much of them as falls into the time in question. Pure."""
    found = []
    for one in entries:
        part = overlap(since, until, one.since, one.until)
        if part:
            amount = (one.amount * part / (one.until - one.since)).quantize(CENT)
            found.append(Line(one.kind, one.note, amount, one.currency))
    return found


def work_lines(costs: Iterable[Cost]) -> list[Line]:
    """Labour, parts and invoices of work. Pure."""
    return [
        Line(kind, "", amount, one.currency)
        for one in costs for kind, amount in (("labour", one.labour), ("parts", one.parts), ("vendor", one.vendor))
        if amount
    ]  # fmt: skip


def total(
    lines: Sequence[Line], since: int, until: int, *, machines: int, down: float = 0.0, hours: float = 0.0,
    unpriced: int = 0,
) -> Total:  # fmt: skip
    """Sums by currency, a year and an hour of use. Pure."""
    sums: dict[str, Decimal] = {}
    for one in lines:
        sums[one.currency] = sums.get(one.currency, Decimal(0)) + one.amount
    years = Decimal(max(until - since, 1)) / YEAR
    return Total(
        since=since, until=until, machines=machines, lines=tuple(lines), sums=sums,
        a_year={currency: (amount / years).quantize(CENT) for currency, amount in sums.items()},
        an_hour={currency: (amount / Decimal(hours)).quantize(CENT) for currency, amount in sums.items()}
        if hours >= 1 else {},
        down=round(down, 1), hours=round(hours, 1), unpriced=unpriced,
    )  # fmt: skip


async def ownership(
    source: Source, device_ids: Sequence[str], now: int, *, since: int | None = None, costs: Costs = bench_costs
) -> Total:
    """The whole cost of these machines since ``since`` (the day the first was bought or written down) until now.

    A purchase counts where it lies in that time; hours of use are known for the whole time only.
    Raises NotFound where the register knows none of them.
    """
    found = [one for one in await assets(source, list(device_ids)) if one.merged_into is None]
    if not found:
        raise NotFound("there is no such machine in the register", "device")
    ids = [one.device_id for one in found]
    start = min(one.bought or one.created for one in found) if since is None else since
    lines = [
        Line("purchase", "", one.price, one.currency)
        for one in found if one.price is not None and start <= (one.bought or one.created) <= now
    ]  # fmt: skip
    work = await costs(source, ids, start, now + 1, by="model")
    lines += contract_lines(await store.shares(source, ids), start, now)
    lines += work_lines(work) + entered_lines(await store.entered(source, ids), start, now)
    return total(
        lines, start, now, machines=len(found), down=await firms.down_hours(source, ids, start, now),
        hours=await store.use_hours(source, ids) if since is None else 0.0, unpriced=sum(one.unpriced for one in work)
        + sum(one.price is None for one in found),
    )  # fmt: skip


async def enter(
    shop: Shop, conn: Connection, device_id: str, by: Principal, *, kind: str, amount: Decimal, currency: str,
    since: int, until: int, note: str = "",
) -> CostEntry:  # fmt: skip
    """Enter a cost of a machine for a time. Raises NotFound, Invalid."""
    if not await assets(conn, [device_id]):
        raise NotFound("there is no such machine in the register", f"Device/{device_id}")
    if kind not in COST_KINDS:
        raise Invalid(f"a cost is one of: {', '.join(COST_KINDS)}", "kind")
    if not (amount.is_finite() and amount >= 0) or not currency.strip():
        raise Invalid("an amount is 0 or more, in a currency", "amount")
    if until <= since:
        raise Invalid("a time ends after it begins", "until")
    entry = CostEntry(
        entry_id=shop.ids(), device_id=device_id, kind=kind, amount=amount, currency=currency.strip(), since=since,
        until=until, note=note.strip(), by_id=by.id, by_name=by.display,
    )  # fmt: skip
    await store.add_cost(conn, entry)
    return entry
