"""The bench in a real browser without a network: an hour of work arrives once, whatever the network does."""

from __future__ import annotations

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, expect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.equipment.bench_tablet import Place, Tablet, workplace
from tests.web.conftest import House
from tests.web.screens import in_browser
from tests.web.server import serving
from wardbridge.equipment.bench.store import operations
from wardbridge.equipment.register import desk as register
from wardbridge.equipment.register.labels import label
from wardbridge.equipment.register.values import Asset, Model
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk, steps
from wardbridge.equipment.work.store import orders, procedures
from wardbridge.security.http import COOKIE
from wardbridge.security.principal import Principal

pytestmark = in_browser
ME = Principal("person-technician", "Technician Test", "user", frozenset({"technician"}))
OTHER = Principal("person-administrator", "Administrator Test", "user", frozenset({"administrator"}))
WAITING = "[data-waiting]"


class Network:
    """Between browser and server: can let an answer of a synchronisation break off after the server has done it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._armed = False
        self.lost = asyncio.Event()

    def lose_next(self) -> None:
        self._armed = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._armed or scope.get("path") != "/equipment/bench/sync":
            return await self._app(scope, receive, send)
        self._armed = False

        async def swallow(message: Message) -> None:
            if message["type"] == "http.response.start":
                assert message["status"] == 200

        await self._app(scope, receive, swallow)
        self.lost.set()
        head = [(b"content-type", b"application/json"), (b"content-length", b"100000")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b'{"answers": [', "more_body": True})
        raise ConnectionResetError


@pytest.fixture
async def place(house: House) -> Place:
    """Twelve machines, each with an inspection that is this technician's."""
    shop = house.room.shop
    assert shop is not None

    async def stocked(count: int, **fields: Any) -> list[Asset]:
        model = Model(**({"model_id": "pump", "manufacturer": "Acme", "name": "Flow 3"} | fields))
        now = shop.clock.now()
        found = [Asset(device_id=f"{model.model_id}-{at}", model_id=model.model_id, state="in-service", state_since=now,
                       created=now, tag=f"{model.model_id}-A{at}", serial=f"{model.model_id}-S{at}")
                 for at in range(count)]  # fmt: skip
        async with shop.acting(ME) as conn:
            await register.add_models(shop, conn, [model])
            await register.add(shop, conn, found)
        return found

    made = await workplace(shop, stocked, machines=12)
    async with shop.acting(ME) as conn:
        await desk.assign(shop, conn, made.orders, ME, person_id=ME.id, person=ME.display)
        await label.make(shop, conn, ["pump-11"], lambda: "Label-Code_1")
    return made


async def tablet(house: House, chromium: Browser, port: int, role: str = "technician") -> Page:
    """A phone with a session, the bench open, its worker in charge."""
    context = await chromium.new_context(viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    await enter(house, context, port, role)
    page = await context.new_page()
    page.problems = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.problems.append(str(error)))  # type: ignore[attr-defined]
    page.on("console", lambda m: page.problems.append(m.text) if "Content Security Policy" in m.text else None)  # type: ignore[attr-defined]
    await page.goto(f"http://127.0.0.1:{port}/equipment/bench")
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    await page.wait_for_selector("body[data-ready]")
    return page


async def enter(house: House, context: BrowserContext, port: int, role: str) -> None:
    cookie, _csrf = await house.cookie(role)
    await context.add_cookies([{"name": COOKIE, "value": cookie, "url": f"http://127.0.0.1:{port}"}])


async def counted(page: Page, count: int) -> None:
    await expect(page.locator(WAITING)).to_have_attribute("data-count", str(count), timeout=15_000)


async def open_order(page: Page, work_id: str) -> None:
    await page.evaluate(f"location.hash = '#/order/{work_id}'")
    await expect(page.locator("h1")).to_contain_text("Yearly check")


async def inspect(page: Page, work_id: str, value: str, before: int) -> int:
    """Six operations on one order as a person does them."""
    await open_order(page, work_id)
    await page.get_by_label("Test equipment").select_option(index=1)
    first = page.locator(".bench-steps > li").first
    await first.get_by_role("radio", name="Pass").click()
    await counted(page, before + 1)
    box = page.locator('.bench-steps input[name="value"]')
    await box.fill(value)
    await page.locator(".bench-value").get_by_role("button", name="Keep").click()
    await counted(page, before + 2)
    await page.get_by_label("New note").fill(f"note on {work_id}")
    await page.get_by_role("button", name="Keep the note").click()
    await counted(page, before + 3)
    await page.get_by_label("Part", exact=True).select_option(index=1)
    await page.get_by_label("Quantity").fill("2")
    await page.get_by_role("button", name="Use the part").click()
    await counted(page, before + 4)
    await page.get_by_label("Minutes worked").fill("20")
    await page.get_by_role("button", name="Book the time").click()
    await counted(page, before + 5)
    await page.get_by_label("What was done").fill(f"checked {work_id}")
    await page.get_by_role("button", name="Finish the order").click()
    await counted(page, before + 6)
    return before + 6


async def test_an_hour_without_a_network_arrives_once(house: House, chromium: Browser, place: Place) -> None:
    shop = house.room.shop
    assert shop is not None
    network = Network(house.app)
    async with serving(network) as port:
        page = await tablet(house, chromium, port)
        context = page.context
        await expect(page.locator(".bench-list > li")).to_have_count(12)
        await context.set_offline(True)
        count = 0
        for work_id in place.orders[:4]:
            count = await inspect(page, work_id, "0.2", count)
        await page.reload()
        await page.wait_for_selector("body[data-ready]")
        await expect(page.locator("[data-status]")).to_have_attribute("data-state", "offline")
        await counted(page, 24)
        await expect(page.locator(".bench-list > li")).to_have_count(8)
        for work_id in place.orders[4:10]:
            count = await inspect(page, work_id, "0,4" if work_id == place.orders[9] else "0.3", count)
        await page.get_by_role("link", name="Find a machine").click()
        await page.get_by_label("Asset or serial number, or scan").fill("http://ward.test/equipment/q/Label-Code_1")
        await page.get_by_role("button", name="Find", exact=True).click()
        await page.get_by_label("What is wrong").fill("Wheel is loose")
        await page.get_by_label("It is out of use").check()
        await page.get_by_role("button", name="Open a fault and take it").click()
        await counted(page, 61)
        await page.get_by_label("New note").fill("screw ordered")
        await page.get_by_role("button", name="Keep the note").click()
        await counted(page, 62)
        assert await operations.count_unsettled(shop.pool) == 0
        assert await shop.pool.fetchval("SELECT count(*) FROM bench_operation") == 0

        network.lose_next()
        await context.set_offline(False)
        await asyncio.wait_for(network.lost.wait(), 90)
        await counted(page, 62)
        await expect(page.locator("[data-status]")).to_have_attribute("data-state", "offline")
        assert await shop.pool.fetchval("SELECT count(*) FROM bench_operation") == 50
        await page.get_by_role("button", name="Synchronise").click()
        await expect(page.locator("[data-status]")).to_have_attribute("data-state", "online")
        await counted(page, 0)
        assert page.problems == []  # type: ignore[attr-defined]
        await context.close()
    await check(shop, place)


async def check(shop: Shop, place: Place) -> None:
    rows = await shop.pool.fetch("SELECT operation_id, state, counter, kind FROM bench_operation ORDER BY counter")
    assert [row["state"] for row in rows] == ["done"] * 62
    assert [row["counter"] for row in rows] == list(range(1, 63))
    assert Counter(row["kind"] for row in rows) == {"step": 20, "note": 11, "part": 10, "labour": 10, "resolve": 10,
                                                   "fault": 1}  # fmt: skip
    found = await orders.get(shop.pool, place.orders)
    assert [work.state for work in found] == ["resolved"] * 10 + ["open"] * 2
    assert [work.resolution for work in found[:10]] == [f"checked {ident}" for ident in place.orders[:10]]
    notes = await orders.notes(shop.pool, place.orders)
    assert sorted(note.text for note in notes) == sorted(f"note on {ident}" for ident in place.orders[:10])
    results = await procedures.results(shop.pool, place.orders, every=True)
    assert Counter(one.verdict for one in results) == {"pass": 19, "fail": 1}
    assert await shop.pool.fetchval("SELECT sum(quantity) FROM stock_movement") == 80
    assert await shop.pool.fetchval("SELECT sum(minutes) FROM labour") == 200
    faults = await shop.pool.fetch("SELECT text, device_id, taken_by FROM work WHERE source_id LIKE 'bench/%'")
    assert [tuple(row) for row in faults] == [("Wheel is loose", "pump-11", ME.display)]
    repair = await shop.pool.fetchval("SELECT count(*) FROM work WHERE source_id LIKE 'failed/%'")
    assert repair == 1


async def test_who_was_second_sees_it_and_settles_it(house: House, chromium: Browser, place: Place) -> None:
    shop = house.room.shop
    assert shop is not None
    async with serving(house.app) as port:
        page = await tablet(house, chromium, port)
        await page.context.set_offline(True)
        await inspect(page, place.orders[0], "0.1", 0)
        other = Tablet(shop, OTHER)
        other.do("step", place.orders[0], step="look", value="pass")
        other.do("step", place.orders[0], step="earth", value="0.1", instrument=place.instrument)
        other.do("resolve", place.orders[0], text="I was faster")
        assert [one.state for one in await other.send()] == ["done"] * 3
        await page.context.set_offline(False)
        await counted(page, 0)
        await page.get_by_role("link", name="1 to settle").click()
        await expect(page.locator(".bench-list")).to_contain_text("I was faster")
        results = await Axe().run(page)
        assert [one["id"] for one in results.response["violations"] if one["impact"] in {"serious", "critical"}] == []
        await page.get_by_label("How it was settled").fill("We agree")
        await page.get_by_role("button", name="Settled").click()
        await expect(page.locator("[data-empty]")).to_be_visible()
        assert await operations.count_unsettled(shop.pool) == 0
        await page.context.close()


async def test_a_queue_is_sent_only_as_the_person_who_made_it(house: House, chromium: Browser, place: Place) -> None:
    shop = house.room.shop
    assert shop is not None
    async with serving(house.app) as port:
        page = await tablet(house, chromium, port)
        context = page.context
        await context.set_offline(True)
        await open_order(page, place.orders[0])
        await page.get_by_label("New note").fill("from the technician")
        await page.get_by_role("button", name="Keep the note").click()
        await counted(page, 1)
        await context.clear_cookies()
        await context.set_offline(False)
        await page.get_by_role("button", name="Synchronise").click()
        await expect(page.locator("[data-notice]")).to_contain_text("Your session has ended")
        await counted(page, 1)
        await enter(house, context, port, "administrator")
        await page.get_by_role("button", name="Synchronise").click()
        await expect(page.locator("[data-person]")).to_have_text("Administrator Test")
        await page.get_by_role("link", name="My work").click()
        await expect(page.locator("[data-foreign] b")).to_have_text("1")
        assert await shop.pool.fetchval("SELECT count(*) FROM bench_operation") == 0
        await enter(house, context, port, "technician")
        await page.get_by_role("button", name="Synchronise").click()
        await expect(page.locator("[data-person]")).to_have_text("Technician Test")
        await counted(page, 0)
        assert await shop.pool.fetchval("SELECT person_id FROM bench_operation") == ME.id
        await context.close()


async def test_the_device_judges_as_the_server_does(house: House, chromium: Browser, place: Place) -> None:
    said = ["0.3", "0.30", "0.300000000000000001", "-0.1", "-.5", "+1", "1,5", ".", "", "1e5", "abc", "-", "5.", "100"]
    limits = [("0.3", None), (None, "0.3"), ("-0.1", "1.5"), (None, None), ("100", "100.0")]
    cases = [(low, high, text) for low, high in limits for text in said]
    async with serving(house.app) as port:
        page = await tablet(house, chromium, port)
        found = await page.evaluate(
            """async (cases) => { const { judge } = await import("/static/js/bench-judge.js");
               return cases.map(([low, high, text]) => judge({ kind: "value", low, high }, text)); }""",
            cases,
        )
        await page.context.close()
    for (low, high, text), verdict in zip(cases, found, strict=True):
        step = steps.Step(step="s", kind="value", text="v", unit="1", low=None if low is None else Decimal(low),
                          high=None if high is None else Decimal(high))  # fmt: skip
        try:
            wanted = steps.judge(step, text)[1]
        except Exception:
            wanted = None
        if text != "1e5":  # nobody types it; the server takes it
            assert verdict == wanted, (low, high, text)
