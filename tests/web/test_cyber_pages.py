"""The pages of cyber: what is wrong, with which machines, judged and signed, by those who may."""

from __future__ import annotations

import json

import pytest

from tests.web.test_equipment_pages import PATIENT, pump  # noqa: F401 - a fixture
from wardbridge.core.clock import DAY
from wardbridge.equipment.cyber import desk, load
from wardbridge.security.principal import SYSTEM

CVE = "CVE-2024-10001"
BOM = {
    "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
    "metadata": {"component": {"type": "firmware", "name": "Flow <3>", "version": "2.1", "bom-ref": "top"}},
    "components": [{"type": "library", "bom-ref": "lib", "name": "parser", "group": "org.example", "version": "1.4.0",
                    "purl": "pkg:maven/org.example/parser@1.4.0"}, {"type": "library"}],
}  # fmt: skip
FLAW = {
    "id": "GHSA-x", "aliases": [CVE], "modified": "2024-05-01T00:00:00Z", "summary": "Parser <script> trouble",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "affected": [{"package": {"ecosystem": "Maven", "name": "org.example:parser"},
                  "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.4.2"}]}]}],
}  # fmt: skip


async def post(browser, url, data=None):
    """A form with its token."""
    return await browser.post(url, data=(data or {}) | {"csrf": browser.csrf})


@pytest.fixture
async def exposed(house, pump):  # noqa: F811
    """The pump, with a part that is vulnerable."""
    shop = house.room.shop
    async with shop.acting(SYSTEM) as conn:
        await desk.add_sbom(shop, conn, "pump", json.dumps(BOM).encode(), SYSTEM)
    await load.load_flaws(shop, [("x.json", json.dumps(FLAW).encode())], SYSTEM)
    return shop


async def test_from_the_list_to_the_machine_without_a_name(house, enter, exposed) -> None:
    async with enter("technician") as browser:
        listed = await browser.get("/equipment/cyber?only=in-use&q=parser")
        assert listed.status_code == 200
        assert f"/equipment/cyber/{CVE}" in listed.text
        assert "&lt;script&gt;" in listed.text
        page = await browser.get(f"/equipment/cyber/{CVE}")
        for text in ("/equipment/devices/pump-1", "in use", "fixed in", "1.4.2", "pkg:maven/org.example/parser"):
            assert text in page.text
        assert PATIENT not in page.text
        assert "pat-z" not in page.text
        assert (await browser.get("/equipment/cyber?only=nonsense")).status_code == 400
        assert (await browser.get("/equipment/cyber/CVE-1999-1")).status_code == 404
        model = await browser.get("/equipment/models/pump/security?q=parser")
        assert model.status_code == 200
        assert "components[1].name" in model.text
        assert (await browser.get("/equipment/models/none/security")).status_code == 404


async def test_a_risk_is_accepted_by_two_people(house, enter, exposed) -> None:
    form = {"model": "pump", "family": "org.example/parser", "state": "accepted", "note": "behind a firewall"}
    async with enter("operator") as browser:
        refused = await post(browser, f"/equipment/cyber/{CVE}/judge", data=form)
        assert refused.status_code == 400
        done = await post(browser, f"/equipment/cyber/{CVE}/judge", data=form | {"until": "2099-01-01T00:00"})
        assert done.status_code == 303
        page = await browser.get(f"/equipment/cyber/{CVE}")
        assert "waits for the signature of" in page.text
    one = await exposed.pool.fetchval("SELECT triage_id FROM triage")
    async with enter("technician") as browser:
        signed = await post(browser, f"/equipment/cyber/{CVE}/sign/{one}", data={"side": "biomed"})
        assert signed.status_code == 303
        listed = await browser.get("/equipment/cyber")
        assert f"/equipment/cyber/{CVE}" not in listed.text
        assert f"/equipment/cyber/{CVE}" in (await browser.get("/equipment/cyber?only=closed")).text


async def test_zones_conduits_and_controls(house, enter, exposed) -> None:
    async with enter("operator") as browser:
        for name, level in (("infusion", "3"), ("servers", "2")):
            answer = await post(
                browser, "/equipment/zones", data={"zone": name, "level": level, "exposure": "clinical"}
            )
            assert answer.status_code == 303
        way = {"source": "infusion", "target": "servers", "service": "tcp/2575", "purpose": "charting", "level": "2"}
        assert (await post(browser, "/equipment/zones/conduits", data=way)).status_code == 303
        assert (await post(browser, "/equipment/zones/conduits", data=way | {"target": "moon"})).status_code == 400
        control = {
            "name": "deny inbound",
            "effect": "blocks",
            "zone": "infusion",
            "owner": "network",
            "evidence": "r17",
        }
        made = await post(browser, "/equipment/zones/controls", data=control | {"until": "2099-01-01T00:00"})
        assert made.status_code == 303
        page = await browser.get("/equipment/zones")
        for text in ("deny inbound", "tcp/2575", "SL-T 3"):
            assert text in page.text
        way_id = await exposed.pool.fetchval("SELECT conduit_id FROM conduit")
        for status in (303, 404):
            assert (await post(browser, f"/equipment/zones/conduits/{way_id}/drop")).status_code == status
        one = await exposed.pool.fetchval("SELECT control_id FROM control")
        assert (await post(browser, f"/equipment/zones/controls/{one}/end")).status_code == 303


async def test_a_name_is_added_and_taken_away(house, enter, exposed) -> None:
    name = "cpe:2.3:h:acme:flow_3:-:*:*:*:*:*:*:*"
    async with enter("technician") as browser:
        assert (await post(browser, "/equipment/models/pump/names", data={"cpe": "nonsense"})).status_code == 400
        assert (await post(browser, "/equipment/models/pump/names", data={"cpe": name})).status_code == 303
        assert name in (await browser.get("/equipment/models/pump/security")).text
        assert (await post(browser, "/equipment/models/pump/names", data={"cpe": name, "drop": "1"})).status_code == 303


async def test_documents_for_others(house, enter, exposed) -> None:
    async with exposed.acting(SYSTEM) as conn:
        await desk.judge(exposed, conn, SYSTEM, cve=CVE, model_id="pump", family="org.example/parser",
                         state="exploitable", note="patch comes")  # fmt: skip
    bill = await exposed.pool.fetchval("SELECT sbom_id FROM sbom")
    async with enter("operator") as browser:
        found = (await browser.get(f"/equipment/sboms/{bill}.json")).json()
        assert [part["purl"] for part in found["components"]] == ["pkg:maven/org.example/parser@1.4.0"]
        for kind in ("cyclonedx", "openvex"):
            answer = await browser.get(f"/equipment/models/pump/vex.json?format={kind}")
            assert CVE in answer.text
        assert (await browser.get("/equipment/models/pump/vex.json?format=x")).status_code == 400


async def test_documents_are_loaded_on_the_page(house, enter, exposed) -> None:
    form = b"id,answer,note\nMPII-2.2,No,\nRMOT-1,Yes,by VPN\nMLDP-2,Perhaps,\n"
    vex = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:x", "author": "Acme", "version": 1, "statements": [
        {"vulnerability": {"name": CVE}, "status": "not_affected", "justification": "vulnerable_code_not_present",
         "products": [{"@id": "pkg:maven/org.example/parser@1.4.0"}]}]}  # fmt: skip
    async with enter("technician") as browser:
        for kind, sent in (("mds2", form), ("sbom", json.dumps(BOM | {"version": 2}).encode()),
                           ("vex", json.dumps(vex).encode())):  # fmt: skip
            answer = await browser.post(f"/equipment/models/pump/security/{kind}", data={"csrf": browser.csrf},
                                        files={"file": ("file", sent)})  # fmt: skip
            assert answer.status_code == 303, kind
        wrong = await browser.post("/equipment/models/pump/security/sbom", data={"csrf": browser.csrf},
                                   files={"file": ("x", b"nonsense")})  # fmt: skip
        assert wrong.status_code == 400
        page = (await browser.get("/equipment/models/pump/security")).text
        for text in ("by VPN", "3 answers", "keeps patient data: no", "replaced"):
            assert text in page
        flaw = (await browser.get(f"/equipment/cyber/{CVE}")).text
        assert "not affected" in flaw
        assert "vulnerable code not present" in flaw


async def test_a_campaign_starts_with_the_exposed_machines(house, enter, exposed) -> None:
    async with enter("technician") as browser:
        answer = await post(browser, f"/equipment/cyber/{CVE}/campaign", {"remedy": "new parser"})
        assert answer.status_code == 303
        page = await browser.get(answer.headers["location"].partition("?")[0])
        assert "new parser" in page.text
        assert (await post(browser, f"/equipment/cyber/{CVE}/campaign", {"remedy": "again"})).status_code == 409
        assert (await post(browser, "/equipment/cyber/CVE-1999-1/campaign", {"remedy": "x"})).status_code == 400


async def test_nurses_do_not_open_it(house, enter, exposed) -> None:
    async with enter("nurse") as browser:
        assert (await browser.get("/equipment/cyber")).status_code == 403
        assert (await browser.get("/equipment/zones")).status_code == 403


async def test_about_and_events_of_a_machine(house, exposed) -> None:
    from wardbridge.equipment.cyber import about

    found = await about.about(exposed, "pump-1")
    assert [line.fact.cve for line in found.open] == [CVE]
    events = await about.events(exposed.pool, "pump-1")
    assert {event.kind for event in events} == {"vulnerability", "document"}
    assert all(event.at > exposed.clock.now() - DAY for event in events)
