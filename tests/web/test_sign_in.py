"""Signing in, staying in, leaving."""

from __future__ import annotations

import re

import httpx
import pytest

from wardbridge.security.http import COOKIE


@pytest.fixture
async def browser(house):
    await house.room.identity.add_person("nora", "Nora Lind", ("nurse",), "correct horse battery")
    transport = httpx.ASGITransport(app=house.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ward.test") as client:
        yield client


async def form(browser: httpx.AsyncClient, **data: str) -> httpx.Response:
    page = await browser.get("/sign-in", params={"next": data.pop("to", "/")})
    token = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]
    to = re.search(r'name="next" value="([^"]*)"', page.text)[1]
    return await browser.post("/sign-in", data={"csrf": token, "next": to} | data)


async def test_the_right_password_opens_a_session(house, browser):
    answer = await form(browser, login="nora", password="correct horse battery", to="/wards/icu")
    assert (answer.status_code, answer.headers["location"]) == (303, "/wards/icu")
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith(COOKIE))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    page = await browser.get("/wards/icu")
    assert "Nora Lind" in page.text
    assert "Secondary display – not a primary alarm" in page.text
    rows = await house.room.audit.find(limit=3)
    assert "sign-in" in [row["event"] for row in rows]


async def test_a_wrong_password_says_so_and_is_on_record(house, browser):
    answer = await form(browser, login="nora", password="wrong")
    assert answer.status_code == 401
    assert "not right" in answer.text
    assert COOKIE not in browser.cookies
    row = (await house.room.audit.find(limit=1))[0]
    assert (row["event"], row["outcome"]) == ("sign-in", 4)


async def test_too_many_failures_are_stopped(browser):
    for _ in range(8):
        await form(browser, login="nora", password="wrong")
    answer = await form(browser, login="nora", password="correct horse battery")
    assert answer.status_code == 429
    assert "15 minutes" in answer.text


async def test_a_form_from_elsewhere_is_refused(browser):
    answer = await browser.post(
        "/sign-in", data={"login": "nora", "password": "correct horse battery", "csrf": "forged"}
    )
    assert answer.status_code == 400
    assert COOKIE not in browser.cookies


@pytest.mark.parametrize("to", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)"])
async def test_next_never_leads_away(browser, to):
    answer = await form(browser, login="nora", password="correct horse battery", to=to)
    assert answer.headers["location"] == "/"


async def test_signing_out_ends_the_session_and_needs_the_token(house, enter):
    async with enter("nurse") as client:
        assert (await client.post("/sign-out")).status_code == 400
        assert (await client.get("/wards/icu")).status_code == 200
        await client.post("/sign-out", data={"csrf": client.csrf})
        assert (await client.get("/wards/icu")).status_code == 303
