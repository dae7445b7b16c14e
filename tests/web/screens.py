"""What tests in a real browser share: Chromium, a page that somebody is signed in to, and how it is judged."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from wardbridge.security.http import COOKIE

if TYPE_CHECKING:
    from tests.web.conftest import House

CHROMIUM = shutil.which("chromium")
in_browser = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")]
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
GRAVE = frozenset({"serious", "critical"})
SHOTS = os.environ.get("WARDBRIDGE_SHOTS", "")
"""A folder to keep pictures of pages in, to look at."""


async def page_of(browser: Browser, house: House, port: int, role: str, **more: Any) -> Page:
    """A page of somebody with ``role`` ('': nobody); ``page.problems`` collects what scripts and CSP complain of."""
    context = await browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **more})
    if role:
        cookie, _csrf = await house.cookie(role)
        await context.add_cookies([{"name": COOKIE, "value": cookie, "url": f"http://127.0.0.1:{port}"}])
    page = await context.new_page()
    page.problems = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.problems.append(str(error)))  # type: ignore[attr-defined]
    page.on("console", lambda m: page.problems.append(m.text) if "Content Security Policy" in m.text else None)  # type: ignore[attr-defined]
    return page


async def violations(page: Page, path: str, impacts: frozenset[str] | None = GRAVE) -> list[tuple[str, str, str]]:
    """What axe finds on the page as it is: (path, rule, the first piece of HTML). ``impacts`` None: everything."""
    results = await Axe().run(page)
    return [
        (path, one["id"], one["nodes"][0]["html"][:160])
        for one in results.response["violations"]
        if impacts is None or one["impact"] in impacts
    ]


async def keep(page: Page, name: str) -> None:
    """A picture of the whole page, where somebody wants to look at it."""
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)
