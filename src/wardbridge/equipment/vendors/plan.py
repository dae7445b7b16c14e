"""Replacement planning: how urgent it is for every machine, as data (``plan.toml``), and what was decided. The score
is pure; its terms are shown."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from importlib import resources as files

import msgspec

from wardbridge.core.clock import DAY, to_datetime
from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid
from wardbridge.equipment.bench.costs import costs as work_costs
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.store.rows import Source
from wardbridge.equipment.vendors import support
from wardbridge.equipment.vendors.store import plan as store
from wardbridge.equipment.vendors.store.plan import Machine
from wardbridge.equipment.vendors.values import Replacement
from wardbridge.security.principal import Principal

YEAR = 365.25 * DAY


class Full(msgspec.Struct, frozen=True):
    """What counts as 100: repairs a year, and cost of work a year in per cent of the price."""

    failures: float
    cost: float


class Propose(msgspec.Struct, frozen=True):
    """Scores from which a replacement is proposed for this year, the next, the one after."""

    now: float
    next: float
    later: float


class Weights(msgspec.Struct, frozen=True):
    """``plan.toml``."""

    weight: dict[str, float]
    years: dict[str, int]
    support: dict[str, float]
    full: Full
    risk: dict[str, float]
    propose: Propose


@cache
def weights() -> Weights:
    """The weights as delivered."""
    return msgspec.convert(tomllib.loads(files.files(__package__).joinpath("plan.toml").read_text()), Weights)


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A machine with its score (0 to 100), the terms that made it (0 to 100 each; None: not known, left out), its age
    in years, and the year that is proposed or was decided."""

    machine: Machine
    score: float
    terms: dict[str, float | None]
    age: float
    support: support.State
    proposed: int | None


_RANK = ("supported", "open", "unknown", "ends", "ended")


def judge(machine: Machine, now: int, cost: Decimal | None = None, rules: Weights | None = None) -> Judged:
    """The urgency of replacing one machine. ``cost``: what work on it cost in the last year, in its own currency."""
    rules = rules or weights()
    age = max(0.0, (now - machine.since) / YEAR)
    years = machine.expected_years or rules.years[machine.class_]
    stands = max(
        (support.state(machine.support, machine.support_ends, now),
         support.state(machine.security, machine.security_ends, now)),
        key=lambda one: (_RANK.index(one.state), -(one.ends or 0)),
    )  # fmt: skip
    terms: dict[str, float | None] = {
        "age": min(100.0, 100 * age / years),
        "support": rules.support[stands.state],
        "failures": min(100.0, 100 * machine.repairs / rules.full.failures),
        "cost": _cost(machine, cost, rules.full.cost),
        "risk": rules.risk[machine.criticality],
    }
    known = {name: value for name, value in terms.items() if value is not None}
    whole = sum(rules.weight[name] for name in known)
    score = round(sum(rules.weight[name] * value for name, value in known.items()) / whole, 1)
    year = to_datetime(now).year
    proposed = next(
        (year + after for after, least in enumerate((rules.propose.now, rules.propose.next, rules.propose.later))
         if score >= least), None,
    )  # fmt: skip
    shown = {name: None if value is None else round(value, 1) for name, value in terms.items()}
    return Judged(machine=machine, score=score, terms=shown, age=round(age, 1), support=stands,
                  proposed=machine.year or proposed)  # fmt: skip


def _cost(machine: Machine, cost: Decimal | None, full: float) -> float | None:
    if cost is None or not machine.price:
        return None
    return min(100.0, float(cost / machine.price) * 100 * 100 / full)


async def judged(source: Source, now: int, device_ids: Sequence[str] | None = None) -> list[Judged]:
    """Every machine in use (or these), the most urgent first."""
    since = now - 365 * DAY
    spent: dict[tuple[str, str], Decimal] = {}
    for one in await work_costs(source, device_ids, since, now + 1, by="device"):
        spent[one.device_id, one.currency] = one.total
    found = [
        judge(one, now, spent.get((one.device_id, one.currency), Decimal(0)) if one.price else None)
        for one in await store.machines(source, since, device_ids)
    ]
    return sorted(found, key=lambda one: (-one.score, one.machine.device_id))


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What replacements of a year cost, by currency: as decided, else the price once paid. ``unpriced`` have none."""

    year: int
    machines: int
    money: dict[str, Decimal]
    unpriced: int


def budgets(rows: Sequence[Judged]) -> list[Budget]:
    """The years of a plan with their money. Pure."""
    years: dict[int, list[Machine]] = {}
    for one in rows:
        if one.proposed is not None:
            years.setdefault(one.proposed, []).append(one.machine)
    found = []
    for year, machines in sorted(years.items()):
        money: dict[str, Decimal] = {}
        unpriced = 0
        for machine in machines:
            decided = machine.budget is not None
            amount = machine.budget if decided else machine.price
            currency = machine.budget_currency if decided else machine.currency
            if amount is None or not currency:
                unpriced += 1
            else:
                money[currency] = money.get(currency, Decimal(0)) + amount
        found.append(Budget(year=year, machines=len(machines), money=money, unpriced=unpriced))
    return found


async def decide(
    shop: Shop, conn: Connection, device_ids: Sequence[str], year: int | None, by: Principal, *,
    budget: Decimal | None = None, currency: str = "", note: str = "",
) -> None:  # fmt: skip
    """Decide the year in which machines are replaced; None takes the decision back.

    Raises Invalid for a year that is over or far, a budget without a currency, or a machine that is not in use.
    """
    now = shop.clock.now()
    known = {one.device_id for one in await store.machines(conn, now, device_ids)}
    if not device_ids or set(device_ids) - known:
        raise Invalid("choose machines that are in use", "devices")
    if year is None:
        await store.undecide(conn, device_ids)
        return
    this = to_datetime(now).year
    if not this <= year <= this + 30:
        raise Invalid(f"a year from {this} to {this + 30}", "year")
    if budget is not None and not (budget.is_finite() and budget >= 0 and currency.strip()):
        raise Invalid("a budget is 0 or more, in a currency", "budget")
    await store.decide(conn, [
        Replacement(device_id=ident, year=year, budget=budget, currency=currency.strip(), note=note.strip(),
                    by_id=by.id, by_name=by.display, at=now)
        for ident in device_ids
    ])  # fmt: skip


def by_department(rows: Sequence[Judged]) -> Mapping[str, int]:
    """How many replacements are proposed or decided, by department. Pure."""
    found: dict[str, int] = {}
    for one in rows:
        if one.proposed is not None:
            found[one.machine.department or "--"] = found.get(one.machine.department or "--", 0) + 1
    return found
