"""The log of one machine after the Medizinproduktebuch of the MPBetreibV: identification, incoming inspection, checks
and their measured values, maintenance, faults, versions, life cycle and sanitisation, with whoever did it.

Nothing in it names a patient: stays are counted, not listed.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from wardbridge.core.clock import to_datetime
from wardbridge.equipment.fleet.life import Life as Told
from wardbridge.equipment.fleet.life import life
from wardbridge.equipment.lifecycle import about as lifecycle
from wardbridge.equipment.reports.inventory import moment
from wardbridge.equipment.reports.pdf import Facts, Report, Section, Table, Text
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work.steps import Result
from wardbridge.equipment.work.store import orders, procedures
from wardbridge.equipment.work.values import Work
from wardbridge.security.principal import Principal


async def device_book(shop: Shop, site: str, zone: ZoneInfo, by: Principal, device_id: str) -> Report:
    """Everything that was done to one machine. Raises NotFound."""
    told = await life(shop, device_id)
    course = await lifecycle.about(shop, device_id, by)
    work = await orders.of_devices(shop.pool, [device_id])
    results = await procedures.history(shop.pool, device_id)
    sections = (
        Section("Identification", (_facts(told, zone),)),
        Section("Life cycle", (Table(("When", "From", "To", "Evidence", "By"), tuple(
            (moment(one.at, zone), one.from_state, one.to_state, "; ".join(one.evidence.values()), one.display)
            for one in course.moves), (1.3, 1, 1, 3, 1.3)),)),
        Section("Incoming inspection", _inspection(course, zone)),
        Section("Maintenance, checks and repairs", (_work(work, zone),)),
        Section("Measured values", (_results(results, zone),)),
        Section("Versions", (Table(("Since", "Component", "Version", "Source"), tuple(
            (moment(one.since, zone), one.component, one.version, one.source) for one in told.software)),)),
        Section("Sanitisation", (Table(("When", "Method", "Technique", "Media", "By", "Verified by", "Result"), tuple(
            (moment(one.done_at, zone), one.method, one.technique,
             ", ".join(f"{medium.kind} {medium.serial}" for medium in one.media), one.done_name, one.verified_name,
             one.result) for one in course.certificates)),)),
        Section("Use", (Text(f"With a patient {len(told.stays)} times; with whom, the clinical record says."),)),
    )  # fmt: skip
    what = f"{told.now.name}, {told.model.manufacturer} {told.model.name}"
    return Report(
        title="Device log",
        subtitle=what,
        site=site,
        made=moment(shop.clock.now(), zone),
        by=by.display,
        sections=sections,
        wide=True,
    )


def _facts(told: Told, zone: ZoneInfo) -> Facts:
    asset, model = told.asset, told.model
    return Facts((
        ("Asset number", asset.tag), ("Kind", model.kind), ("Manufacturer", model.manufacturer), ("Model", model.name),
        ("Serial number", asset.serial), ("Lot", asset.lot), ("UDI", asset.udi or asset.di), ("GMDN", model.gmdn),
        ("UMDNS", model.umdns), ("Firmware", asset.firmware), ("Place", told.now.place),
        ("Department", asset.department), ("Owner", asset.owner), ("Criticality", asset.criticality),
        ("Bought", day(asset.bought, zone)), ("Installed", day(asset.installed, zone)),
        ("Warranty ends", day(asset.warranty_ends, zone)),
        ("State", asset.state),
    ))  # fmt: skip


def _inspection(course: lifecycle.Life, zone: ZoneInfo) -> tuple[Table | Text, ...]:
    parts: list[Table | Text] = [
        Text(f"{one.checklist}: {one.state}, opened {moment(one.opened_at, zone)} by {one.opened_name}"
             + (f", closed {moment(one.closed_at, zone)} by {one.closed_name}" if one.closed_at else ""))
        for one in course.inspections
    ]  # fmt: skip
    rows = tuple(
        (one.item, one.result, "" if one.value is None else str(one.value), one.note or one.deviation, one.by_name)
        for one in course.items
    )
    return (*parts, Table(("Item", "Result", "Value", "Note", "By"), rows, (1.4, 0.8, 0.8, 3, 1.2)))


def _work(work: list[Work], zone: ZoneInfo) -> Table:
    rows = tuple(
        (moment(one.reported_at, zone), one.kind, one.name, one.state, day(one.due, zone),
         moment(one.done_at, zone) if one.done_at else "", one.done_by, one.resolution or one.late_reason)
        for one in work
    )  # fmt: skip
    heads = ("Reported", "Kind", "What", "State", "Due", "Done", "By", "Result")
    return Table(heads, rows, (1.3, 1, 2.2, 0.9, 0.9, 1.3, 1.2, 2.6))


def _results(results: list[Result], zone: ZoneInfo) -> Table:
    rows = tuple(
        (moment(one.at, zone), one.name, f"{one.text} {one.unit}".strip(), _limits(one), one.verdict, one.by)
        for one in results
    )
    return Table(("When", "Step", "Value", "Limits", "Outcome", "By"), rows, (1.3, 2.6, 1, 1, 0.9, 1.3))


def _limits(one: Result) -> str:
    low, high = ("" if one.low is None else str(one.low)), ("" if one.high is None else str(one.high))
    return f"{low} - {high}" if low and high else (f"<= {high}" if high else (f">= {low}" if low else ""))


def day(micros: int | None, zone: ZoneInfo) -> str:
    """``2026-11-22`` in the site's zone, '' for None."""
    return "" if micros is None else f"{to_datetime(micros).astimezone(zone):%Y-%m-%d}"
