"""Take the pictures of the docs from a running demo: ``python scripts/screenshots.py --data demo-data``.

Signs in as the demo's people and saves one PNG a page. Needs Debian's chromium.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def sign_in(browser: Browser, url: str, login: str, password: str, size: tuple[int, int]) -> Page:
    """A page of a new session."""
    page = browser.new_context(viewport={"width": size[0], "height": size[1]}).new_page()
    page.goto(f"{url}/sign-in")
    page.fill("input[name=login], input[name=name]", login)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_timeout(500)
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--data", default="demo-data", help="the demo's data folder, for the passwords")
    parser.add_argument("--out", default="docs/images")
    parser.add_argument("--bed", type=int, default=1, help="which bed's page")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    logins = json.loads((Path(options.data) / "demo-logins.json").read_text("utf-8"))
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=FLAGS)
        nurse = sign_in(browser, options.url, "nora", logins["nora"], (1920, 1080))
        nurse.goto(f"{options.url}/")
        nurse.wait_for_timeout(9000)
        nurse.screenshot(path=out / "board.png")
        beds = nurse.eval_on_selector_all("a[href^='/beds/']", "links => links.map(link => link.getAttribute('href'))")
        patients = nurse.eval_on_selector_all(
            "a[href^='/patients/']", "links => links.map(l => l.getAttribute('href'))"
        )
        bed = list(dict.fromkeys(beds))[options.bed - 1]
        nurse.goto(options.url + bed)
        nurse.wait_for_timeout(9000)
        nurse.screenshot(path=out / "bed.png")
        patients = patients or nurse.eval_on_selector_all(
            "a[href^='/patients/']", "l => l.map(x => x.getAttribute('href'))"
        )
        patient = next(link for link in patients if link.count("/") == 2)
        nurse.goto(options.url + patient)
        nurse.wait_for_timeout(1500)
        nurse.screenshot(path=out / "chart.png")
        tech = sign_in(browser, options.url, "tariq", logins["tariq"], (1600, 1000))
        tech.goto(f"{options.url}/devices")
        tech.wait_for_timeout(1000)
        tech.screenshot(path=out / "fleet.png")
        devices = tech.eval_on_selector_all(
            "a[href^='/devices/']", "links => links.map(link => link.getAttribute('href'))"
        )
        tech.goto(options.url + devices[0])
        tech.wait_for_timeout(1000)
        tech.screenshot(path=out / "device.png")
        operator = sign_in(browser, options.url, "olga", logins["olga"], (1600, 1000))
        operator.goto(f"{options.url}/integration")
        operator.wait_for_timeout(1000)
        operator.screenshot(path=out / "integration.png")
        browser.close()


if __name__ == "__main__":
    main()
