"""Stock, costs and the list of what is to settle, as people click through them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from tests.equipment.bench_tablet import Place, Tablet, workplace
from tests.web.conftest import House
from wardbridge.equipment.bench.store import operations
from wardbridge.equipment.register import desk as register
from wardbridge.equipment.register.values import Asset, Model
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk
from wardbridge.security.principal import Principal

ME = Principal("person-technician", "Technician Test", "user", frozenset({"technician"}))


@pytest.fixture
def shop(house: House) -> Shop:
    assert house.room.shop is not None
    return house.room.shop


@pytest.fixture
async def place(shop: Shop) -> Place:
    async def stocked(count: int, **fields: Any) -> list[Asset]:
        model = Model(**({"model_id": "pump", "manufacturer": "Acme", "name": "Flow 3"} | fields))
        now = shop.clock.now()
        found = [Asset(device_id=f"{model.model_id}-{at}", model_id=model.model_id, state="in-service", state_since=now,
                       created=now, tag=f"{model.model_id}-A{at}") for at in range(count)]  # fmt: skip
        async with shop.acting(ME) as conn:
            await register.add_models(shop, conn, [model])
            await register.add(shop, conn, found)
        return found

    return await workplace(shop, stocked, machines=2, steps=False)


@pytest.fixture
async def technician(enter: Any, place: Place) -> AsyncIterator[httpx.AsyncClient]:
    async with enter("technician") as browser:
        browser.headers["x-csrf-token"] = browser.csrf
        yield browser


async def done(browser: httpx.AsyncClient, url: str, **fields: str) -> str:
    answer = await browser.post(url, data=fields)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_a_part_is_added_received_counted_ordered(technician: httpx.AsyncClient) -> None:
    where = await done(technician, "/equipment/stock/parts", number="B-9", name="Battery <9>", manufacturer="Acme",
                       price="12,50", currency="eur", unit="piece", kind="part", fits="pump")  # fmt: skip
    url = where.partition("?")[0]
    taken = await technician.post("/equipment/stock/parts", data={"number": "b-9", "name": "x", "manufacturer": "ACME"})
    assert taken.status_code == 409
    await done(technician, f"{url}/receive", store="s", quantity="4", lot="L1", expires="2020-01-01")
    await done(technician, f"{url}/level", store="s", minimum="5", target="10", shelf="A3")
    page = (await technician.get(url)).text
    assert "Battery &lt;9&gt;" in page
    assert "expired" in page
    short = await technician.post(f"{url}/issue", data={"store": "s", "quantity": "1"})
    assert (short.status_code, "of which 4 expired" in short.text) == (409, True)
    assert (await technician.post(f"{url}/count", data={"store": "s", "counted": "-1"})).status_code == 400
    assert (await technician.post(f"{url}/receive", data={"store": "s", "quantity": "many"})).status_code == 400
    assert (await technician.post(f"{url}/juggle", data={"store": "s"})).status_code == 404
    await done(technician, f"{url}/scrap", store="s", quantity="4", lot="L1", reason="expired")
    assert ">10<" in (await technician.get("/equipment/stock/reorder")).text.replace('value="10"', ">10<")
    await done(technician, f"{url}/order", store="s", quantity="10", back="reorder", reference="PO-1")
    page = (await technician.get("/equipment/stock/reorder")).text
    assert "PO-1" in page
    assert "Every store has what it wants." in page
    order = re.search(r'name="order" value="([^"]+)"', page)
    assert order is not None
    await done(technician, f"{url}/receive", store="s", quantity="10", order=order.group(1), back="reorder")
    listed = (await technician.get("/equipment/stock?q=battery")).text
    assert "10 piece" in listed
    assert (await technician.get("/equipment/stock?q=%25&skip=-1&store=none")).status_code == 200
    assert (await technician.get("/equipment/stock/parts/none")).status_code == 404


async def test_what_an_order_took_is_entered_and_summed(technician: httpx.AsyncClient, place: Place) -> None:
    url = f"/equipment/costs/{place.orders[0]}"
    await done(technician, f"{url}/labour", minutes="30", travel="15")
    await done(technician, f"{url}/reserve", part="p", store="s", quantity="3")
    await done(technician, "/equipment/stock/parts/p/issue", store="s", quantity="2", work=place.orders[0])
    await done(technician, f"{url}/call", vendor="Acme Service", contract="c-1")
    page = (await technician.get(url)).text
    assert "Acme Service" in page
    called = re.search(r'name="call" value="([^"]+)"', page)
    moved = re.search(r'name="movement" value="([^"]+)"', page)
    assert called is not None
    assert moved is not None
    await done(technician, f"{url}/call", call=called.group(1), invoice="100", currency="eur", invoice_no="R-1")
    await done(technician, f"{url}/back", movement=moved.group(1), quantity="1", reason="too many")
    await done(technician, f"{url}/down", planned="yes")
    assert (await technician.post(f"{url}/down", data={})).status_code == 409
    await done(technician, f"{url}/up")
    assert (await technician.post(f"{url}/labour", data={"minutes": "0"})).status_code == 400
    assert (await technician.post(f"{url}/call", data={"call": "none"})).status_code == 404
    assert "147.00" in (await technician.get(url)).text
    for by in ("work", "device", "model"):
        answer = await technician.get(f"/equipment/costs?by={by}")
        assert (answer.status_code, "147.00" in answer.text) == (200, True)
    sheet = (await technician.get("/equipment/costs.csv?by=model")).text.splitlines()
    assert sheet[1].startswith(",,pump,EUR,45,45.00,2.00,100.00,147.00")
    assert (await technician.get("/equipment/costs?by=patient")).status_code == 400
    assert (await technician.get("/equipment/costs?since=x")).status_code == 400
    await done(technician, "/equipment/costs/rate", rate="80", currency="eur")


async def test_the_wire_answers_in_json_and_knows_who_is_there(
    technician: httpx.AsyncClient, enter: Any, place: Place, shop: Shop
) -> None:
    me = (await technician.get("/equipment/bench/me")).json()
    assert (me["person"], me["csrf"]) == (ME.id, technician.csrf)  # type: ignore[attr-defined]
    tablet = Tablet(shop, ME)
    tablet.do("note", place.orders[0], text="n")
    body = {"person": ME.id, "tablet": "t", "clock": tablet.ms, "operations": tablet.queue}
    answer = await technician.post("/equipment/bench/sync", content=msgspec.json.encode(body))
    assert [one["state"] for one in answer.json()["answers"]] == ["done"]
    stolen = await technician.post("/equipment/bench/sync", content=msgspec.json.encode(body | {"person": "x"}))
    assert (stolen.status_code, stolen.json()["where"]) == (400, "person")
    for wrong in (b"", b"{", b"x" * 1_100_000):
        assert (await technician.post("/equipment/bench/sync", content=wrong)).status_code == 400
    found = (await technician.get("/equipment/bench/machine?code=pump-A1")).json()["machine"]
    assert found["id"] == "pump-1"
    worker = await technician.get("/equipment/bench/worker.js")
    assert worker.headers["service-worker-allowed"] == "/equipment/bench"
    shell = (await technician.get("/equipment/bench")).text
    assert me["csrf"] not in shell
    assert "Technician Test" not in shell
    technician.headers["x-csrf-token"] = "wrong"
    assert (await technician.post("/equipment/bench/sync", content=msgspec.json.encode(body))).status_code == 400
    async with enter("nurse") as nurse:
        for path in ("", "/me", "/worker.js", "/machine?code=x", "/unsettled"):
            assert (await nurse.get(f"/equipment/bench{path}")).status_code == 403
    async with enter("operator") as operator:
        operator.headers["x-csrf-token"] = operator.csrf
        assert (await operator.get("/equipment/bench/me")).status_code == 403
        assert (await operator.post("/equipment/stock/parts", data={"number": "1", "name": "x"})).status_code == 403
        assert (await operator.get("/equipment/stock")).status_code == 200
    async with enter("") as nobody:
        assert (await nobody.get("/equipment/bench/me")).status_code == 303


async def test_a_conflict_is_shown_to_everybody_and_settled_once(
    technician: httpx.AsyncClient, place: Place, shop: Shop
) -> None:
    async with shop.acting(ME) as conn:
        await desk.resolve(shop, conn, place.orders[0], "done already", ME)
    tablet = Tablet(shop, ME)
    ident = tablet.do("resolve", place.orders[0], text="<b>me too</b>")
    await tablet.send()
    page = (await technician.get("/equipment/bench/unsettled")).text
    assert "&lt;b&gt;me too" in page
    assert "done already" in page
    await done(technician, f"/equipment/bench/unsettled/{ident}", text="fine")
    assert (await technician.post(f"/equipment/bench/unsettled/{ident}", data={"text": "x"})).status_code == 409
    assert (await technician.post("/equipment/bench/unsettled/none", data={"text": "x"})).status_code == 404
    assert await operations.count_unsettled(shop.pool) == 0
