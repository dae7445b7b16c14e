"""Every page under ``/equipment``: each part names its own, as (path, methods, handler, page, feature)."""

from __future__ import annotations

from wardbridge.web.pages.equipment import (
    bench,
    crew,
    cyber,
    fleet,
    home,
    knowledge,
    learning,
    lifecycle,
    register,
    reports,
    runbooks,
)

EQUIPMENT = (*home.PAGES, *bench.PAGES, *fleet.PAGES, *cyber.PAGES, *reports.PAGES, *lifecycle.PAGES, *knowledge.PAGES,
             *learning.PAGES, *runbooks.PAGES, *crew.PAGES, *register.PAGES)  # fmt: skip
OPEN = (*crew.OPEN,)
"""Pages without a session: (path, methods, handler of a room and a request)."""
