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

EQUIPMENT = (*home.PAGES, *changes.PAGES, *risk.PAGES, *network.PAGES,
             *bench.PAGES, *stock.PAGES, *costs.PAGES, *campaigns.PAGES, *fleet.PAGES, *cyber.PAGES,
             *reports.PAGES, *lifecycle.PAGES, *vendors.PAGES,
             *vendor_access.PAGES, *vendor_costs.PAGES, *knowledge.PAGES,
             *learning.PAGES, *runbooks.PAGES, *crew.PAGES, *register.PAGES,
             *work.PAGES, *planning.PAGES, *upkeep.PAGES, *requests.PAGES)  # fmt: skip
OPEN = (*crew.OPEN, *requests.OPEN)
"""Pages without a session: (path, methods, handler of a room and a request)."""
