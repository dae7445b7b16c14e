"""The demo's story in a real browser: an exploited weakness, pumps that are on patients, and every one to its end.

docs/demo-story.md tells the same to a visitor. The whole system runs: simulated ward, engine, pages; the pumps say on
the wire that they were patched.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.app.served import Served, served

CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
              pytest.mark.timeout(420)]  # fmt: skip
STORY = Path(__file__).resolve().parents[2] / "docs" / "samples" / "story"
PUMPS = "SELECT device_id, place_id, bed, in_use, state, firmware FROM asset_now WHERE model = 'Rill LV2' ORDER BY bed"

OPEN = "SELECT 1 FROM campaign_item WHERE state IN ('candidate', 'affected-open')"


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path / "data", "--beds", "12", command="demo") as server:
        server.until(lambda: len(on_patients(server)) == 4, 120)
        yield server


@pytest.fixture
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def rows_of(server: Served, statement: str, *arguments: str) -> list[dict]:
    """Rows of the database, asked in a thread of its own: the browser holds this one's event loop."""
    with ThreadPoolExecutor(1) as thread:
        return [dict(row) for row in thread.submit(server.fetch, statement, *arguments).result()]


def on_patients(server: Served) -> list[dict]:
    return [row for row in rows_of(server, PUMPS) if row["in_use"]]


def enter(browser: Browser, server: Served, login: str) -> Page:
    """A browser of its own, signed in."""
    password = json.loads((server.data / "demo-logins.json").read_text())[login]
    page = browser.new_context(base_url=server.url, viewport={"width": 1440, "height": 1000}).new_page()
    page.goto("/sign-in")
    page.fill("[name=login]", login)
    page.fill("[name=password]", password)
    page.click("button[type=submit]")
    expect(page.locator(".account-name")).to_be_visible()
    return page


def install(server: Served, bed: int, version: str) -> None:
    """The technician's laptop at a simulated pump."""
    words = [sys.executable, "-m", "wardbridge.devices.sim.bench", "--port", str(server.mllp_port + 2), "firmware",
             f"lvp-{bed}", version]  # fmt: skip
    subprocess.run(words, check=True, capture_output=True)


def test_an_exploited_weakness_comes_to_its_end_with_proof(ward: Served, chromium: Browser) -> None:
    # 09:00: the feed. The command works beside the running server.
    words = [sys.executable, "-m", "wardbridge.cli", "register"]
    data = ["--data", str(ward.data)]
    subprocess.run([*words, "load-advisories", str(STORY), *data], check=True, capture_output=True)
    said = subprocess.run([*words, "match", "--json", *data], check=True, capture_output=True, text=True).stdout
    assert "CORVANE-2026-07" in said
    assert "pat-" not in said.replace("path", "")

    tariq, olga, nora = (enter(chromium, ward, login) for login in ("tariq", "olga", "nora"))

    # Which pumps, and where? KEV comes first; four of them are on patients now.
    tariq.goto("/equipment/advisories?only=kev")
    tariq.get_by_role("link", name="Corvane Rill LV2: maintenance port without authentication").click()
    expect(tariq.get_by_role("heading", name="6 machines may be concerned")).to_be_visible()
    tariq.locator("[name=all]").check()
    tariq.get_by_role("button", name="Affected", exact=True).click()
    tariq.locator("summary", has_text="Open a campaign").click()
    tariq.fill("[name=target]", "2.4.0")
    tariq.get_by_label("remedy (work order)").uncheck()
    tariq.get_by_role("button", name="Open the campaign").click()
    campaign = tariq.url.partition("?")[0]
    ident = campaign.rpartition("/")[2]
    expect(tariq.get_by_role("heading", name="4 machines are on patients now")).to_be_visible()
    tariq.get_by_role("button", name="Ask", exact=True).click()

    # The ward reads on its board what is asked of it.
    nora.goto("/wards")
    expect(nora.get_by_text("take it off the patient")).to_have_count(4)

    # One risk file, both signatures, a window; no pump on a patient can be started.
    tariq.goto(f"/equipment/changes/new?kind=patch&campaign={ident}")
    now = datetime.now(UTC)
    fields = {
        "title": "Rill LV2 to firmware 2.4.0", "purpose": "Closes CVE-2026-99901.", "patch_version": "2.4.0",
        "fixes": "CVE-2026-99901", "campaign": ident, "start": f"{now - timedelta(minutes=5):%Y-%m-%dT%H:%M}",
        "stop": f"{now + timedelta(hours=8):%Y-%m-%dT%H:%M}", "rollback": "Install 2.3.0 from the service laptop.",
        "tests": "Flow accuracy and alarms after the update.", "communication": "Shift lead of the ICU, by phone.",
        "h1-cause": "Update fails half way", "h1-situation": "Pump does not start", "h1-harm": "Therapy is delayed",
        "h1-measures": f"A tested spare stands ready | Tariq Haddad | {now + timedelta(days=1):%Y-%m-%d}",
        "considered-effectiveness": "Same therapy functions in both versions.",
        "considered-security": "The update removes the weakness.",
    }  # fmt: skip
    tariq.select_option("[name=kind]", "patch")
    tariq.select_option("[name=models]", "corvane-rill-lv2")
    tariq.select_option("[name=patch_model]", "corvane-rill-lv2")
    tariq.select_option("[name=h1-severity]", "3")
    tariq.select_option("[name=h1-probability]", "2")
    tariq.select_option("[name=h1-severity_after]", "2")
    tariq.select_option("[name=h1-probability_after]", "1")
    for name, text in fields.items():
        tariq.fill(f"[name={name}]", text)
    tariq.get_by_role("button", name="Save").click()
    change = tariq.url.partition("?")[0]
    tariq.get_by_role("button", name="The file is complete").click()
    tariq.get_by_role("button", name="Sign as Biomed").click()
    expect(tariq.get_by_role("button", name="Put it on the calendar")).to_have_count(0)
    olga.goto(change)
    olga.get_by_role("button", name="Sign as IT").click()
    tariq.goto(change)
    tariq.get_by_role("button", name="Put it on the calendar").click()
    tariq.fill("#w-parallel", "4")
    tariq.fill("#w-spares", "0")
    tariq.get_by_role("button", name="Add window").click()
    rows = tariq.locator("#machines tbody tr")
    expect(rows).to_have_count(6)
    expect(rows.filter(has_text="a patient is on it")).to_have_count(4)
    expect(rows.filter(has_text="in use").get_by_role("button", name="Start")).to_have_count(0)

    # The two spares are not on the wire: what the technician sees on their display is the proof.
    for _ in range(2):
        tariq.goto(change)
        tariq.locator("#machines").get_by_role("button", name="Start", exact=True).first.click()
        row = tariq.locator("#machines tbody tr").filter(has=tariq.get_by_role("button", name="Verified"))
        row.get_by_placeholder("How it was seen").fill("display shows 2.4.0")
        row.get_by_role("button", name="Verified").click()

    # The ward discharges; each pump that is free is taken, patched, and says so on the wire.
    for pump in on_patients(ward):
        nora.goto(f"/beds/{pump['place_id']}")
        nora.locator("details", has=nora.locator("form[action$='/discharge']")).locator("summary").click()
        nora.locator("form[action$='/discharge'] button").click()
        ward.until(lambda pump=pump: pump["device_id"] not in {one["device_id"] for one in on_patients(ward)})
        tariq.goto(change)
        row = tariq.locator("#machines tbody tr").filter(
            has=tariq.locator(f"a[href='/equipment/devices/{pump['device_id']}']")
        )
        row.get_by_role("button", name="Start", exact=True).click()
        install(ward, int(pump["bed"]), "2.4.0")
        ward.until(
            lambda pump=pump: rows_of(
                ward, "SELECT 1 FROM patch_item WHERE device_id = $1 AND state = 'verified'", pump["device_id"]
            ),
            90,
        )

    # Every machine is accounted for: both sides sign the end, and the proof stays.
    ward.until(lambda: not rows_of(ward, OPEN), 120)
    tariq.goto(campaign)
    expect(tariq.get_by_text("Every machine is accounted for.")).to_be_visible()
    tariq.get_by_role("button", name="Sign for biomed").click()
    olga.goto(campaign)
    olga.get_by_role("button", name="Sign for IT").click()
    tariq.goto(campaign)
    tariq.get_by_role("button", name="Close with proof").click()
    proof = tariq.request.get(f"{campaign}/proof.json")
    assert proof.status == 200
    assert proof.text().count("2.4.0") >= 6
    tariq.goto("/equipment/devices?kev=1")
    expect(tariq.get_by_text("No machine fits.")).to_be_visible()
