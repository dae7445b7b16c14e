"""Every page under ``/equipment``: each part names its own, as (path, methods, handler, page, feature)."""

from __future__ import annotations

from wardbridge.web.pages.equipment import (
    bench,
    campaigns,
    changes,
    costs,
    crew,
    cyber,
    fleet,
    home,
    knowledge,
    learning,
    lifecycle,
    machine,
    network,
    planning,
    register,
    reports,
    requests,
    risk,
    runbooks,
    stock,
    upkeep,
    vendor_access,
    vendor_costs,
    vendors,
    work,
)

_PARTS = (
    home, reports, fleet, machine, register, lifecycle, vendors, vendor_access, vendor_costs, work, planning, upkeep,
    requests, bench, stock, costs, campaigns, cyber, changes, risk, network, knowledge, learning, runbooks, crew,
)  # fmt: skip
EQUIPMENT = tuple(page for part in _PARTS for page in part.PAGES)
OPEN = (*crew.OPEN, *requests.OPEN)
"""Pages without a session: (path, methods, handler of a room and a request)."""
