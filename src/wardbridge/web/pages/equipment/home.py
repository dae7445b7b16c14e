"""``/equipment``: the start of biomed and IT: what needs somebody today, and the way to every part."""

from __future__ import annotations

from starlette.responses import Response

from wardbridge.equipment.fleet.today import today
from wardbridge.web.call import Call, Pages
from wardbridge.web.words import _

PARTS = (
    (_("Machines"), (
        ("/equipment/devices", "equipment", _("Fleet"), _("every machine, as a list or by ward")),
        ("/equipment/register", "register", _("Register"), _("import, models, labels, duplicates, discovery")),
        ("/equipment/needs", "equipment", _("Needs"), _("what is wanted, assessed together, ordered")),
        ("/equipment/vendors", "vendors", _("Vendors"), _("contracts, remote access, replacement")),
    )),
    (_("Work"), (
        ("/equipment/work", "maintenance", _("Work orders"), _("faults, maintenance, requests")),
        ("/equipment/planning", "maintenance", _("Planning board"), _("who does what, in which week")),
        ("/equipment/bench", "maintenance", _("My bench"), _("work on the way, without network too")),
        ("/equipment/stock", "maintenance", _("Parts"), _("stock, receipts, reorders")),
        ("/equipment/kpi", "maintenance", _("Measures"), _("completion, MTBF, MTTR, uptime")),
    )),
    (_("Safety and security"), (
        ("/equipment/advisories", "campaign", _("Advisories"), _("recalls, hazards, CSAF, KEV")),
        ("/equipment/campaigns", "campaign", _("Campaigns"), _("every machine to its end, with proof")),
        ("/equipment/cyber", "cyber", _("Vulnerabilities"), _("SBOM, CVE, VEX, zones")),
        ("/equipment/changes", "risk", _("Changes"), _("one risk file, both signatures, patch windows")),
        ("/equipment/risks", "risk", _("Risks"), _("the register, with what is done about each")),
        ("/equipment/network", "risk", _("Network"), _("who talks to whom, and what a failing switch means")),
    )),
    (_("People and knowledge"), (
        ("/equipment/knowledge", "knowledge", _("Knowledge"), _("concepts, procedures, lessons of all departments")),
        ("/equipment/learning", "knowledge", _("Learning"), _("onboarding, training, competence")),
        ("/equipment/runbooks", "knowledge", _("Runbooks"), _("what both sides do, step by step")),
        ("/equipment/oncall", "equipment", _("On call"), _("who is there now, and the hand-over")),
        ("/equipment/load", "crew", _("Load"), _("before it is too much")),
        ("/equipment/executive", "executive", _("Overview"), _("the hospital's equipment in figures")),
        ("/equipment/reports", "executive", _("Reports"), _("for surveyors, authorities and the board")),
    )),
)  # fmt: skip
"""Headings with (path, page, name, what is there)."""


async def home(call: Call) -> Response:
    """What needs somebody today, and links to every part that this person may open."""
    served = {getattr(route, "path", "") for route in call.request.app.routes}
    parts = [
        (title, [(path, name, text) for path, page, name, text in links if path in served and call.may_open(page)])
        for title, links in PARTS
    ]
    return call.page("equipment/home.html", parts=[part for part in parts if part[1]], today=await today(call.shop))


PAGES: Pages = (("/equipment", ["GET"], home, "equipment", ""),)
