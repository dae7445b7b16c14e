"""The hospital's equipment in figures: fleet, maintenance, reliability, security, money."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from wardbridge.core.clock import DAY
from wardbridge.equipment.bench.costs import costs
from wardbridge.equipment.bench.values import Cost
from wardbridge.equipment.cyber.exposure import Line, named, overview
from wardbridge.equipment.fleet import store as fleet
from wardbridge.equipment.fleet.today import Today, today
from wardbridge.equipment.lifecycle import moves
from wardbridge.equipment.register import store as register
from wardbridge.equipment.reports.inventory import moment
from wardbridge.equipment.reports.maintenance import share
from wardbridge.equipment.reports.pdf import Facts, Report, Section, Table
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.vendors.plan import Budget, budgets, judged
from wardbridge.equipment.vendors.promise import Warning, warnings
from wardbridge.equipment.vendors.store import firms
from wardbridge.equipment.work.figures import Age, Month, Reliability
from wardbridge.equipment.work.store import figures
from wardbridge.security.principal import Principal

YEAR = 365 * DAY
TOP = 10


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """Planned work of one month over all criticalities, and of life-support machines alone."""

    month: str
    due: int
    on_time: int
    high_due: int
    high_on_time: int


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """``worth``: (currency, machines with a price, sum of prices); ``exploited``: open vulnerabilities in KEV;
    ``disagreeing``: (device id, state, admission) of machines that the wire treats otherwise than the register."""

    today: Today
    worth: tuple[tuple[str, int, Decimal], ...]
    completion: tuple[Completion, ...]
    ages: tuple[Age, ...]
    reliability: tuple[Reliability, ...]
    costs: tuple[tuple[str, Cost], ...]
    open_flaws: int
    exploited: int
    flaws: tuple[Line, ...]
    budgets: tuple[Budget, ...]
    contracts: tuple[tuple[str, Warning], ...]
    disagreeing: tuple[tuple[str, str, str], ...]


async def figures_of(shop: Shop, zone: ZoneInfo) -> Overview:
    """The last twelve months and this moment."""
    now = shop.clock.now()
    pool = shop.pool
    lines = [line for line in await overview(pool, now) if line.open]
    contracts = await firms.contracts(pool)
    names = {one.contract_id: one.title for one in contracts}
    models = {one.model_id: f"{one.manufacturer} {one.name}" for one in await register.models(pool)}
    spent = await costs(pool, None, now - YEAR, now + 1, by="model", limit=TOP)
    return Overview(
        today=await today(shop),
        worth=tuple(await fleet.worth(pool)),
        completion=completion(await figures.completion(pool, now - YEAR, now, zone.key)),
        ages=tuple(await figures.ages(pool, now)),
        reliability=tuple(one for one in await figures.reliability(pool, now - YEAR, now, TOP) if one.failures),
        costs=tuple((models.get(one.model_id, "--"), one) for one in spent),
        open_flaws=len(lines),
        exploited=sum(line.fact.kev for line in lines),
        flaws=tuple(await named(pool, lines[:TOP])),
        budgets=tuple(budgets(await judged(pool, now))),
        contracts=tuple((names[one.contract_id], one) for one in warnings(contracts, now)),
        disagreeing=tuple(await moves.disagreeing(pool)),
    )


def completion(months: list[Month]) -> tuple[Completion, ...]:
    """Months over all criticalities. Pure."""
    found: dict[str, list[Month]] = {}
    for one in months:
        found.setdefault(one.month, []).append(one)
    return tuple(
        Completion(
            month=month,
            due=sum(one.due - one.cancelled for one in rows),
            on_time=sum(one.on_time for one in rows),
            high_due=sum(one.due - one.cancelled for one in rows if one.criticality == "life-support"),
            high_on_time=sum(one.on_time for one in rows if one.criticality == "life-support"),
        )
        for month, rows in sorted(found.items())
    )


async def report(shop: Shop, site: str, zone: ZoneInfo, by: Principal) -> Report:
    """The overview on paper."""
    seen = await figures_of(shop, zone)
    now = seen.today
    sections = (
        Section("Today", (Facts((
            ("Machines", str(now.machines)), ("With a patient", str(now.in_use)), ("Orders overdue", str(now.overdue)),
            ("Open faults", f"{now.faults}, {now.urgent} urgent"),
            ("Open campaigns", f"{now.campaigns} over {now.campaign_machines} machines, {now.on_patients} on patients"),
            ("Vulnerabilities open", f"{seen.open_flaws}, {seen.exploited} known to be exploited"),
            *((f"Bought for ({currency})", f"{total:,.2f} ({n} machines)") for currency, n, total in seen.worth),
        )),)),
        Section("Planned maintenance", (Table(("Month", "Due", "In time", "Completion", "Life-support"), tuple(
            (one.month, str(one.due), str(one.on_time), share(one.on_time, one.due),
             share(one.high_on_time, one.high_due)) for one in seen.completion)),)),
        Section("Models that fail most", (Table(
            ("Model", "Machines", "Failures", "Repeats", "MTBF (h)", "MTTR (h)", "Availability"), tuple(
                (one.model, str(one.machines), str(one.failures), str(one.repeats), _number(one.mtbf),
                 _number(one.mttr), "--" if one.availability is None else f"{one.availability:.2%}")
                for one in seen.reliability), (2.4, 1, 1, 1, 1, 1, 1)),)),
        Section("Models that cost most", (Table(("Model", "Labour", "Parts", "Vendor", "Total"), tuple(
            (name, f"{one.labour:,.2f}", f"{one.parts:,.2f}", f"{one.vendor:,.2f}", f"{one.total:,.2f} {one.currency}")
            for name, one in seen.costs), (2.4, 1, 1, 1, 1.2)),)),
        Section("Vulnerabilities that matter most", (Table(("CVE", "Models", "Machines", "In use", "KEV"), tuple(
            (one.fact.cve, ", ".join(one.models), str(one.devices), str(one.in_use), "yes" if one.fact.kev else "")
            for one in seen.flaws), (1.2, 3, 0.8, 0.8, 0.5)),)),
        Section("Replacement", (Table(("Year", "Machines", "Budget", "Without a price"), tuple(
            (str(one.year), str(one.machines), ", ".join(f"{sum_:,.2f} {c}" for c, sum_ in sorted(one.money.items())),
             str(one.unpriced)) for one in seen.budgets)),)),
        Section("Contracts that need somebody", (Table(("Contract", "Why", "Date"), tuple(
            (name, one.what, moment(one.at, zone)) for name, one in seen.contracts)),)),
    )  # fmt: skip
    return Report(title="Equipment overview", subtitle=site, site=site, made=moment(shop.clock.now(), zone),
                  by=by.display, sections=sections)  # fmt: skip


def _number(value: float | None) -> str:
    return "--" if value is None else f"{value:,.1f}"
