"""Planned maintenance as a survey asks for it (TJC EC.02.04.03): what fell due, what was done in time, and the reason
of everything that was not, life-support machines apart."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from wardbridge.core.clock import DAY
from wardbridge.equipment.reports.device_book import day
from wardbridge.equipment.reports.inventory import moment
from wardbridge.equipment.reports.pdf import Facts, Report, Section, Table
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work.store import aem, figures, orders
from wardbridge.security.principal import Principal

YEAR = 365 * DAY
LIMIT = 2000


async def maintenance(shop: Shop, site: str, zone: ZoneInfo, by: Principal) -> Report:
    """The last twelve months, what is overdue now, and the alternate equipment maintenance programme."""
    now = shop.clock.now()
    months = await figures.completion(shop.pool, now - YEAR, now, zone.key)
    overdue, total = await orders.find(shop.pool, orders.Filter(state="overdue"), now, limit=LIMIT)
    high = [one for one in months if one.criticality == "life-support"]
    wanted, done = sum(one.due - one.cancelled for one in months), sum(one.on_time for one in months)
    high_wanted, high_done = sum(one.due - one.cancelled for one in high), sum(one.on_time for one in high)
    cases = await aem.every(shop.pool)
    sections = (
        Section("", (Facts((
            ("Due in the last 12 months", str(wanted)), ("Done in time", f"{done} ({share(done, wanted)})"),
            ("Life-support: due", str(high_wanted)),
            ("Life-support: done in time", f"{high_done} ({share(high_done, high_wanted)})"),
            ("Overdue now", str(total)),
        )),)),
        Section("By month and criticality", (Table(
            ("Month", "Criticality", "Due", "In time", "Late", "Open", "Cancelled", "Completion"),
            tuple((one.month, one.criticality, str(one.due), str(one.on_time), str(one.late), str(one.open),
                   str(one.cancelled), share(one.on_time, one.due - one.cancelled)) for one in months),
        ),)),
        Section("Overdue now", (Table(
            ("Due", "What", "Machine", "Criticality", "Place", "Reason"),
            tuple((day(line.work.due, zone), line.work.name, line.device, line.criticality, line.place,
                   line.work.late_reason or line.work.waiting_for) for line in overdue), (0.9, 2.4, 2, 1, 1.4, 1),
        ),)),
        Section("Alternate equipment maintenance (42 CFR 482.41(d)(2))", (Table(
            ("Model", "State", "Assessor", "Since", "Next evaluation"),
            tuple((model, case.state, case.assessor, day(case.since, zone), day(case.evaluate_due, zone))
                  for case, model, _, _, _ in cases),
        ),)),
    )  # fmt: skip
    return Report(title="Planned maintenance", subtitle=f"{site}, the twelve months to {day(now, zone)}", site=site,
                  made=moment(now, zone), by=by.display, sections=sections, wide=True)  # fmt: skip


def share(part: int, whole: int) -> str:
    """``93.5%``, ``--`` of nothing."""
    return f"{part / whole:.1%}" if whole else "--"
