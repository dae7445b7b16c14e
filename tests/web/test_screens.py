"""The screens in a real browser: silence is shown, verifying is short, alarms are announced, axe is content."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.web.conftest import ROLES, House
from tests.web.screens import in_browser, page_of, violations
from tests.web.server import serving
from wardbridge.security.policy import PAGES as RIGHTS

pytestmark = in_browser

WALK = (
    ("board", "/wards/icu"), ("bed", "/beds/icu-2"), ("patients", "/patients"), ("chart", "/patients/pat-1"),
    ("chart", "/patients/pat-1/enter"), ("chart", "/patients/pat-1/observations/o-spo2-3"),
    ("limits", "/wards/icu/limits"), ("limits", "/patients/pat-1/limits"), ("fleet", "/devices"),
    ("device", "/devices/mon-1"), ("integration", "/integration"), ("integration", "/integration/messages"),
    ("integration", "/integration/messages/in-1"), ("users", "/admin/users"), ("audit", "/admin/audit"),
)  # fmt: skip


@pytest.fixture
async def running(house: House) -> AsyncIterator[House]:
    task = asyncio.create_task(house.hub.run())
    yield house
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("role", ROLES)
async def test_axe_finds_no_serious_violation_on_any_page(role: str, running: House, chromium: Browser) -> None:
    found = []
    async with serving(running.app) as port:
        page = await page_of(chromium, running, port, role, reduced_motion="reduce")
        for right, path in WALK:
            answer = await page.goto(f"http://127.0.0.1:{port}{path}")
            assert answer is not None
            assert answer.status == (200 if role in RIGHTS[right] else 403), path
            found += await violations(page, path)
            assert page.problems == [], path  # type: ignore[attr-defined]
        await page.context.close()
    assert found == []


async def test_a_silent_stream_is_shown_within_three_seconds(running: House, chromium: Browser) -> None:
    async with serving(running.app) as port:
        page = await page_of(chromium, running, port, "nurse")
        await page.goto(f"http://127.0.0.1:{port}/wards/icu")
        await page.wait_for_selector('[data-beat][data-state="live"]')
        assert await page.is_hidden("[data-silence]")
        await page.context.set_offline(True)
    # the server is gone now
    began = asyncio.get_running_loop().time()
    await page.wait_for_selector("[data-silence]:not([hidden])", timeout=6000)
    assert asyncio.get_running_loop().time() - began < 3.5
    assert "No live data" in await page.inner_text("[data-silence]")
    assert await page.evaluate("document.querySelectorAll('.vital:not(.is-stale)').length") == 0
    await page.context.close()


async def test_alarms_are_announced_and_acknowledged(running: House, chromium: Browser) -> None:
    async with serving(running.app) as port:
        page = await page_of(chromium, running, port, "nurse")
        await page.goto(f"http://127.0.0.1:{port}/beds/icu-2")
        await page.wait_for_selector('[data-beat][data-state="live"]')
        announcer = page.locator("[data-announce]")
        assert await announcer.get_attribute("role") == "alert"
        before = running.scene.alarms_of
        new = running.scene.alarm(1, "high", "physiological", "Asystole", "hr", "0")
        running.scene.alarms_of = lambda index: (new, *before(index)) if index == 1 else before(index)  # type: ignore[method-assign]
        await expect(announcer).to_contain_text("Asystole")
        button = page.get_by_role("button", name="Acknowledge: Asystole")
        box = await button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        await button.click()
        await page.wait_for_selector("[data-acknowledge]:disabled")
        assert running.scene.done[-1][0] == "acknowledge"
        await page.context.close()


async def test_all_shown_values_are_verified_with_two_clicks(running: House, chromium: Browser) -> None:
    async with serving(running.app) as port:
        page = await page_of(chromium, running, port, "nurse")
        await page.goto(f"http://127.0.0.1:{port}/patients/pat-1")
        assert await page.is_disabled("[data-verify]")
        await page.click("[data-select-all]")
        await page.click("[data-verify]")
        await page.wait_for_selector(".done")
        assert "Values verified" in await page.inner_text(".done")
        assert len(running.scene.done[0][2]) > 10
        await page.context.close()


async def test_sound_stays_off_until_it_is_allowed(running: House, chromium: Browser) -> None:
    async with serving(running.app) as port:
        page = await page_of(chromium, running, port, "nurse")
        await page.goto(f"http://127.0.0.1:{port}/wards/icu")
        assert await page.get_attribute("[data-sound]", "aria-pressed") == "false"
        await page.click("[data-sound]")
        await page.wait_for_selector('[data-sound][aria-pressed="true"]')
        await page.context.close()


async def test_twelve_beds_fit_one_screen_without_scrolling(running: House, chromium: Browser) -> None:
    async with serving(running.app) as port:
        page = await page_of(chromium, running, port, "nurse")
        await page.set_viewport_size({"width": 1920, "height": 1080})
        await page.goto(f"http://127.0.0.1:{port}/wards/icu")
        assert await page.locator(".tile").count() == 12
        assert await page.evaluate("document.documentElement.scrollHeight <= 1080")
        await page.set_viewport_size({"width": 390, "height": 844})
        assert await page.evaluate("document.documentElement.scrollWidth <= 390"), "nor sideways on a phone"
        await page.context.close()


async def test_eight_tabs_of_one_browser_share_one_stream(running: House, chromium: Browser) -> None:
    async with serving(running.app) as port:
        first = await page_of(chromium, running, port, "nurse")
        pages = [first, *[await first.context.new_page() for _ in range(7)]]
        for page in pages:
            await page.goto(f"http://127.0.0.1:{port}/wards/icu")
            await page.wait_for_selector('[data-beat][data-state="live"]')
        assert len(running.hub._browsers) == 1
        await first.context.close()
