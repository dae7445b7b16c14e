"""Advisories and campaigns on their pages: a feed comes in, machines are judged, freed, signed for, closed."""

from __future__ import annotations

import json
import re

import pytest

from tests.equipment.feeds import csaf
from tests.web.conftest import House
from tests.web.test_equipment_pages import PATIENT, pump  # noqa: F401 - a fixture
from wardbridge.equipment.campaigns import store

LIST, CAMPAIGNS = "/equipment/advisories", "/equipment/campaigns"
ONE = f"{LIST}/csaf-cisa.gov-a-1"


def token(browser) -> dict[str, str]:
    return {"x-csrf-token": browser.csrf}


async def sent(browser, url: str, **fields) -> str:
    answer = await browser.post(url, data=fields, headers=token(browser))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0]


async def loaded(browser, **fields) -> None:
    body = json.dumps(csaf("A-1", product="Flow <3>", title="Flow <3> speaks", range_="*", **fields)).encode()
    done = await browser.post(f"{LIST}/feed", files={"file": ("a.json", body)}, headers=token(browser))
    assert done.status_code == 200, done.text
    assert "1 candidates on 1 machines" in done.text


async def campaign(browser, **fields) -> str:
    given = {"advisory": "csaf-cisa.gov-a-1", "title": "Flow 3 speaks", "steps": ["verify"], "removal": "1"} | fields
    return await sent(browser, CAMPAIGNS, **given)


async def test_from_a_feed_to_the_proof(house: House, enter, pump) -> None:  # noqa: F811
    async with enter("technician") as browser:
        await loaded(browser)
        listed = await browser.get(f"{LIST}?only=open&q=flow")
        assert "Flow &lt;3&gt; speaks" in listed.text
        page = await browser.get(ONE)
        for text in ("manufacturer Acme is Acme", "all versions are meant", "likely", "in use", "CVE-2024-1000"):
            assert text in page.text
        url = await campaign(browser)
        await sent(browser, f"{url}/do/affected", device="pump-1")
        early = await browser.post(f"{url}/close", headers=token(browser))
        assert (early.status_code, "still open" in early.text) == (409, True)
        stuck = await browser.post(f"{url}/do/finish", data={"device": "pump-1"}, headers=token(browser))
        assert "off the patient" in stuck.text
        await sent(browser, f"{url}/do/ask", device="pump-1", reason="Please swap")
        refused = await browser.post(f"{url}/free", data={"device": "pump-1"}, headers=token(browser))
        assert refused.status_code == 403
    async with enter("nurse") as browser:
        page = await browser.get(url)
        assert "Please swap" in page.text
        assert "/patients/pat-z" in page.text
        await sent(browser, f"{url}/free", device="pump-1", note="swapped")
        assert (
            await browser.post(f"{url}/do/finish", data={"device": "pump-1"}, headers=token(browser))
        ).status_code == 403
    async with enter("technician") as browser:
        proof = ("seal.png", b"\x89PNG data")
        told = {"device": "pump-1", "step": "verify", "note": "network card out"}
        done = await browser.post(f"{url}/record", data=told,
                                  files={"file": proof}, headers=token(browser))  # fmt: skip
        assert done.status_code == 303, done.text
        (link,) = re.findall(rf'href="({url}/evidence/[^"]+)"', (await browser.get(url)).text)
        assert (await browser.get(link)).content == proof[1]
        assert (await browser.get(f"{url}/evidence/none")).status_code == 404
        await sent(browser, f"{url}/do/finish", device="pump-1")
        missing = await browser.post(f"{url}/close", headers=token(browser))
        assert "signature of biomed and of it" in missing.text
        await sent(browser, f"{url}/sign", side="biomed")
    async with enter("operator") as browser:
        await sent(browser, f"{url}/sign", side="it")
        await sent(browser, f"{url}/close")
        page = await browser.get(url)
        assert "100 %" in page.text
        kept = (await browser.get(f"{url}/proof.json")).json()
        assert [one["end"] for one in kept["content"]["machines"]] == ["affected-done"]
        assert [step["step"] for step in kept["content"]["machines"][0]["steps"]] == ["ask", "free", "verify"]
    assert [line.account.percent for line in await store.listed(house.room.shop.pool)] == [100]


@pytest.mark.parametrize("role", ["technician", "operator", "administrator"])
async def test_technical_roles_see_the_bed_but_never_who_lies_there(house, enter, pump, role) -> None:  # noqa: F811
    async with enter("technician") as browser:
        await loaded(browser)
        url = await campaign(browser)
    async with enter(role) as browser:
        for path in (LIST, ONE, CAMPAIGNS, url, f"{url}?state=use", f"{url}/list.csv", f"{ONE}/document"):
            answer = await browser.get(path)
            assert answer.status_code == 200, path
            assert "pat-z" not in answer.text
            assert PATIENT not in answer.text
        assert "ICU" in (await browser.get(f"{url}/list.csv")).text
        assert "in use" in (await browser.get(url)).text


async def test_a_clinicians_look_is_on_record(house, enter, pump) -> None:  # noqa: F811
    async with enter("technician") as browser:
        await loaded(browser)
        url = await campaign(browser)
    async with enter("physician") as browser:
        assert (await browser.get(url)).status_code == 200
    found = await house.room.audit.find(patient="pat-z")
    assert [row["display"] for row in found] == ["Physician Test"]


async def test_a_letter_names_of_makers_and_what_is_refused(house, enter, pump) -> None:  # noqa: F811
    async with enter("technician") as browser:
        form = {"publisher": "Acme", "title": "Batteries", "product": "Flow <3>", "serials": "S-1", "number": "7"}
        pdf = {"file": ("letter.pdf", b"%PDF-1.7 x")}
        done = await browser.post(f"{LIST}/letter", data=form, files=pdf, headers=token(browser))
        assert done.status_code == 303, done.text
        page = await browser.get(done.headers["location"])
        assert "serial number S-1 is listed" in page.text
        letter = await browser.get(done.headers["location"].partition("?")[0] + "/letter")
        assert (letter.headers["content-type"], letter.content) == ("application/pdf", b"%PDF-1.7 x")
        assert (await browser.get(f"{ONE}/letter")).status_code == 404
        wrong = await browser.post(
            f"{LIST}/letter", data=form, files={"file": ("x.pdf", b"MZ")}, headers=token(browser)
        )
        assert (wrong.status_code, "PDF" in wrong.text) == (400, True)
        await sent(browser, f"{LIST}/makers", alias="Flowtech", maker="acme")
        assert "flowtech" in (await browser.get(LIST)).text
        bad = await browser.post(
            f"{LIST}/feed", files={"file": ("a.json", b'{"cveID": "x"}\n{"a": 1}\n')}, headers=token(browser)
        )
        assert "2 records refused" in bad.text
        assert "neither CSAF" in (await browser.get(LIST)).text


async def test_a_campaign_by_hand_and_wrong_requests(house, enter, pump) -> None:  # noqa: F811
    async with enter("technician") as browser:
        form = {"title": "Cracked housings", "machines": "A-1\n", "steps": ["verify"]}
        url = await sent(browser, CAMPAIGNS, **form)
        assert "named by hand" in (await browser.get(url)).text
        for fields in ({"machines": "none"}, {"title": "x"}, {"target": "soon"}):
            answer = await browser.post(CAMPAIGNS, data=form | fields, headers=token(browser))
            assert answer.status_code == 400
        empty = await browser.post(f"{url}/do/affected", headers=token(browser))
        assert empty.status_code == 400
        assert (await browser.post(f"{url}/do/magic", data={"device": "x"}, headers=token(browser))).status_code == 404
        for path in (f"{CAMPAIGNS}/nothing", f"{LIST}/nothing", f"{LIST}/nothing/document", f"{url}/proof.json"):
            assert (await browser.get(path)).status_code == 404
        for path in (f"{LIST}?kind=x", f"{LIST}?only=x", f"{CAMPAIGNS}?state=x", f"{url}?state=x"):
            assert (await browser.get(path)).status_code == 400
        # Who is not a clinician decides without reason only for "affected".
        answer = await browser.post(f"{url}/do/not-affected", data={"device": "pump-1"}, headers=token(browser))
        assert answer.status_code == 400
    async with enter("nurse") as browser:
        assert (await browser.get(CAMPAIGNS)).status_code == 200
        page = await browser.get(url)
        assert not re.search(r'name="device" value="pump-1" aria-label', page.text)
        assert (await browser.post(f"{LIST}/makers", data={"alias": "x"}, headers=token(browser))).status_code == 403
