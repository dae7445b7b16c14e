"""Every page under ``/equipment``: each part names its own, as (path, methods, handler, page, feature)."""

from __future__ import annotations

from wardbridge.web.pages.equipment import fleet, home, lifecycle, reports

EQUIPMENT = (*home.PAGES, *fleet.PAGES, *reports.PAGES, *lifecycle.PAGES)
