"""``/equipment/reports``: what surveyors, authorities and the board ask for, as PDF."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from wardbridge.core.errors import NotFound
from wardbridge.equipment.fleet import store
from wardbridge.equipment.reports import overview
from wardbridge.equipment.reports.certificate import certificate
from wardbridge.equipment.reports.device_book import device_book
from wardbridge.equipment.reports.inventory import inventory
from wardbridge.equipment.reports.maintenance import maintenance
from wardbridge.equipment.reports.pdf import Report, render
from wardbridge.web.call import Call, Pages
from wardbridge.web.words import _


async def _inventory(call: Call) -> Report:
    return await inventory(call.shop, call.room.site, call.room.zone, call.who, ward=call.query("ward"))


async def _maintenance(call: Call) -> Report:
    return await maintenance(call.shop, call.room.site, call.room.zone, call.who)


async def _overview(call: Call) -> Report:
    return await overview.report(call.shop, call.room.site, call.room.zone, call.who)


OFFERED: dict[str, tuple[str, str, Callable[[Call], Awaitable[Report]]]] = {
    "inventory": (
        _("Inventory"),
        _("Every machine with number, place and department; life-support apart (MPBetreibV, TJC EC.02.04.01)."),
        _inventory,
    ),
    "maintenance": (
        _("Planned maintenance"),
        _("Twelve months: due, in time, late, and why; the AEM programme (TJC EC.02.04.03, 42 CFR 482.41)."),
        _maintenance,
    ),
    "overview": (
        _("Overview"),
        _("Fleet, maintenance, reliability, security and money, for those who answer for it."),
        _overview,
    ),
}
"""Name in the path: (title, what is in it, who makes it)."""


async def reports(call: Call) -> Response:
    """The list."""
    choices = await store.choices(call.shop.pool)
    return call.page("equipment/reports.html", offered=OFFERED, wards=choices["ward"])


async def report(call: Call) -> Response:
    """One report. Raises NotFound."""
    name = call.path("report")
    if name not in OFFERED:
        raise NotFound(_("There is no such report."))
    return pdf(await OFFERED[name][2](call), name)


async def executive(call: Call) -> Response:
    """``/equipment/executive``: the same figures as a page."""
    return call.page("equipment/executive.html", seen=await overview.figures_of(call.shop, call.room.zone))


async def book(call: Call) -> Response:
    """The log of one machine."""
    device_id = call.path("device")
    found = await device_book(call.shop, call.room.site, call.room.zone, call.who, device_id)
    return pdf(found, f"device-{device_id}")


async def sanitised(call: Call) -> Response:
    """A certificate of sanitisation."""
    ident = call.path("certificate")
    return pdf(await certificate(call.shop, call.room.site, call.room.zone, call.who, ident), f"certificate-{ident}")


def pdf(made: Report, name: str) -> Response:
    """A report as a file for the browser."""
    headers = {"content-disposition": f'inline; filename="{name}.pdf"', "cache-control": "no-store"}
    return Response(render(made), media_type="application/pdf", headers=headers)


PAGES: Pages = (
    ("/equipment/reports", ["GET"], reports, "executive", ""),
    ("/equipment/reports/{report}.pdf", ["GET"], report, "executive", ""),
    ("/equipment/executive", ["GET"], executive, "executive", ""),
    ("/equipment/certificates/{certificate}.pdf", ["GET"], sanitised, "register", ""),
    ("/equipment/devices/{device}/book.pdf", ["GET"], book, "maintenance", ""),
)
