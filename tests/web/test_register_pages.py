"""The register on its pages: a list through its preview, an export, a machine by hand, labels, duplicates; and files
only where a handler takes some."""

from __future__ import annotations

import re

import pytest

from tests.web.conftest import House
from wardbridge.equipment.register import store
from wardbridge.equipment.register.labels import label

LIST = b"""Asset No,Make,Model,Serial,MAC,IP,VLAN
A-1,Acme,Flow 3,S1,00:11:22:00:00:01,10.0.0.1,20
A-2,Acme,Flow 3,S2,x,,
"""
LEASES = b"1767258000 00:11:22:00:00:01 10.0.0.9 pump *\n1767258000 00:11:22:00:00:09 10.0.0.10 printer *\n"
ROLES = {"technician": 200, "operator": 200, "administrator": 200, "nurse": 403, "physician": 403}
START = "/equipment/register"


def token(browser) -> dict[str, str]:
    return {"x-csrf-token": browser.csrf}


async def imported(browser, content: bytes = LIST) -> None:
    sent = await browser.post(f"{START}/import", files={"file": ("list.csv", content)}, headers=token(browser))
    assert sent.status_code == 303, sent.text
    url = sent.headers["location"]
    page = (await browser.get(url)).text
    plan = re.search(r'name="plan" value="(\w+)"', page)
    assert plan
    done = await browser.post(url, data={"plan": plan[1]}, headers=token(browser))
    assert done.headers["location"].startswith(START)


async def test_a_list_goes_through_its_preview(house: House, enter) -> None:
    async with enter("technician") as browser:
        sent = await browser.post(f"{START}/import", files={"file": ("list.csv", LIST)}, headers=token(browser))
        url = sent.headers["location"]
        page = (await browser.get(url)).text
        assert "1 created" in page
        assert "1 refused" in page
        assert "is no MAC address" in page
        assert await store.now(house.room.pool) == []
        assert (await browser.post(url, data={"plan": "another"}, headers=token(browser))).status_code == 409
        plan = re.search(r'name="plan" value="(\w+)"', page)
        assert plan
        assert (await browser.post(url, data={"plan": plan[1]}, headers=token(browser))).status_code == 303
        (machine,) = await store.now(house.room.pool)
        assert machine.tag == "A-1"
        assert (await browser.get(url)).status_code == 410
        csv = await browser.get(f"{START}/export.csv")
        assert b'"A-1"' in csv.content
        book = await browser.get(f"{START}/export.xlsx")
        assert book.content[:2] == b"PK"
    async with enter("operator") as other:
        again = await other.post(f"{START}/import", files={"file": ("b.xlsx", book.content)}, headers=token(other))
        assert "1 unchanged" in (await other.get(again.headers["location"])).text


async def test_a_preview_is_its_sender_s_alone(house: House, enter) -> None:
    async with enter("technician") as browser:
        sent = await browser.post(f"{START}/import", files={"file": ("list.csv", LIST)}, headers=token(browser))
    async with enter("operator") as other:
        assert (await other.get(sent.headers["location"])).status_code == 410


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (b"\x00\x01", "no text has"), (b"a,b\n1,2\n", "no heading"), (b"x" * 20_500_000, "too large"),
     (b"x" * 22_000_000, "too large")],
)  # fmt: skip
async def test_a_file_that_is_no_list_is_answered_clearly(house: House, enter, content: bytes, said: str) -> None:
    async with enter("technician") as browser:
        sent = await browser.post(f"{START}/import", files={"file": ("x.csv", content)}, headers=token(browser))
        assert (sent.status_code, said in sent.text) == (400, True)
        none = await browser.post(f"{START}/import", data={"file": "x"}, headers=token(browser))
        assert none.status_code == 400


async def test_a_form_that_takes_no_file_gets_none(house: House, enter) -> None:
    async with enter("technician") as browser:
        sent = await browser.post("/terms", files={"file": ("x", b"x")}, headers=token(browser))
        assert sent.status_code == 400
        many = {f"file{n}": ("x", b"x") for n in range(3)}
        assert (await browser.post(f"{START}/import", files=many, headers=token(browser))).status_code == 400


async def test_an_export_suggests_and_a_person_decides(house: House, enter) -> None:
    async with enter("operator") as browser:
        await imported(browser)
        sent = await browser.post(f"{START}/discovery", files={"file": ("l", LEASES)}, headers=token(browser))
        assert sent.status_code == 303
        page = (await browser.get(f"{START}/discovery")).text
        assert "network data differ" in page
        assert "like machines of Acme Flow 3" in page
        assert len(await store.now(house.room.pool)) == 1
        rows = {row["kind"]: row["suggestion_id"] for row in await house.room.pool.fetch("SELECT * FROM suggestion")}
        url = f"{START}/discovery/{rows['interface']}"
        assert (await browser.post(url, headers=token(browser))).status_code == 303
        (port,) = await store.interfaces(house.room.pool)
        assert port.ip == "10.0.0.9"
        left = {"suggestion": rows["machine"], "reason": "printer"}
        assert (await browser.post(f"{START}/discovery/ignore", data=left, headers=token(browser))).status_code == 303
        assert "printer" in (await browser.get(f"{START}/discovery?state=ignored")).text


async def test_a_machine_by_hand_with_its_label_scanned(house: House, enter) -> None:
    async with enter("technician") as browser:
        made = await browser.post(
            f"{START}/models/new", headers=token(browser),
            data={"manufacturer": "Acme", "name": "Flow 3", "class": "therapy", "storage": "yes", "gmdn": "13215",
                  "support_ends": "2030-12-31", "di": "09506000117843"},
        )  # fmt: skip
        model = made.headers["location"].split("?")[0].rsplit("/", 1)[1]
        assert "13215" in (await browser.get(f"{START}/models")).text
        scanned = (await browser.get(f"{START}/udi.json?text=(01)09506000117843(17)270531(21)S5")).json()
        assert scanned["fields"] == {"di": "09506000117843", "serial": "S5", "expires": "2027-05-31", "model_id": model}
        data = {"model_id": model, "udi": "(01)09506000117844(21)S5", "tag": "A-5", "criticality": "high"}
        saved = await browser.post(f"{START}/machines/new", data=data, headers=token(browser))
        url = saved.headers["location"]
        page = (await browser.get(url)).text
        assert "check digit" in page
        (machine,) = await store.now(house.room.pool)
        assert (machine.serial, machine.tag) == ("S5", "A-5")
        url = url.split("?")[0]
        wrong = await browser.post(f"{url}/interfaces", data={"mac": "nonsense"}, headers=token(browser))
        assert (wrong.status_code, "is no MAC address" in wrong.text) == (400, True)
        port = {"mac": "00-11-22-00-00-05", "ip": "10.0.0.5", "vlan": "20"}
        assert (await browser.post(f"{url}/interfaces", data=port, headers=token(browser))).status_code == 303
        fitted = {"kind": "battery", "name": "Li-ion", "expires": "2027-01-31"}
        assert (await browser.post(f"{url}/parts", data=fitted, headers=token(browser))).status_code == 303
        page = (await browser.get(url)).text
        assert "00:11:22:00:00:05" in page
        assert "Li-ion" in page
        late = data | {"version": "77"}
        assert (await browser.post(url, data=late, headers=token(browser))).status_code == 409
        loop = data | {"version": "1", "parent": "A-5"}
        assert (await browser.post(url, data=loop, headers=token(browser))).status_code == 400


async def test_labels_and_duplicates(house: House, enter) -> None:
    twins = b"Asset No,Make,Model,Serial\nA-1,Acme,Flow 3,S1\nA1,Acme,Flow 4,S1\n"
    async with enter("technician") as browser:
        await imported(browser, twins)
        one, other = await store.now(house.room.pool)
        data = {"device": [one.device_id, other.device_id], "sheet": "a4-21", "skip": "1"}
        sheet = await browser.post(f"{START}/labels", data=data, headers=token(browser))
        assert sheet.content.startswith(b"%PDF")
        tokens = await label.of(house.room.pool, [one.device_id, other.device_id])
        assert len(tokens) == 2
        assert (await browser.post(f"{START}/labels", data={}, headers=token(browser))).status_code == 400
        page = (await browser.get(f"{START}/duplicates")).text
        assert "same manufacturer and serial number" in page
        merge = {"winner": one.device_id, "loser": other.device_id, "reason": "listed twice"}
        async with enter("operator") as operator:
            denied = await operator.post(f"{START}/duplicates/merge", data=merge, headers=token(operator))
            assert denied.status_code == 403
        done = await browser.post(f"{START}/duplicates/merge", data=merge, headers=token(browser))
        assert done.status_code == 303
        assert await label.device_of(house.room.pool, tokens[other.device_id]) == one.device_id
        assert "No two machines" in (await browser.get(f"{START}/duplicates")).text


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_open_the_register(house: House, enter, role: str) -> None:
    paths = ("", "/import", "/discovery", "/duplicates", "/models", "/models/new", "/machines/new", "/labels",
             "/export.csv", "/udi.json?text=x")  # fmt: skip
    async with enter(role) as browser:
        for path in paths:
            assert (await browser.get(START + path)).status_code == ROLES[role], path


async def test_nonsense_in_addresses_is_answered(house: House, enter) -> None:
    asked = {"/machines/none": 404, "/models/none": 404, "/import/none": 410, "/export.pdf": 400,
             "/discovery?state=x": 400, "/discovery?skip=-1": 200, "/labels?q=%25'": 200}  # fmt: skip
    async with enter("technician") as browser:
        for path, status in asked.items():
            assert (await browser.get(START + path)).status_code == status, path
        assert (await browser.post(f"{START}/discovery/none", headers=token(browser))).status_code == 404
