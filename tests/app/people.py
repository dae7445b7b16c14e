"""People of the test house and their browsers."""

from __future__ import annotations

import asyncio
import re

import httpx

from tests.app.served import Served
from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool
from wardbridge.core.errors import Conflict
from wardbridge.security.identity import Identity
from wardbridge.security.tokens import Tokens

PASSWORD = "a-long-password-of-tests"


def add(server: Served, login: str, *roles: str) -> None:
    """A person with the password of all tests; nothing happens where there is one."""

    async def run() -> None:
        pool = await open_pool(server.postgres.dsn, size=1)
        try:
            clock = SystemClock()
            await Identity(pool, Tokens(server.data / "keys", clock), clock).add_person(login, login, roles, PASSWORD)
        except Conflict:
            pass
        finally:
            await pool.close()

    asyncio.run(run())


def form_token(page: str) -> str:
    found = re.search(r'name="csrf"[^>]*value="([^"]+)"', page) or re.search(r'value="([^"]+)"[^>]*name="csrf"', page)
    assert found, "no form token on this page"
    return found[1]


class Browser(httpx.Client):
    """A browser that a person has signed in with; ``submit`` sends a form with its token."""

    csrf = ""

    def enter(self, login: str, password: str = PASSWORD) -> httpx.Response:
        token = form_token(self.get("/sign-in").text)
        return self.post("/sign-in", data={"login": login, "password": password, "csrf": token, "next": "/"})

    def submit(self, path: str, data: dict[str, str]) -> httpx.Response:
        return self.post(path, data={**data, "csrf": self.csrf})


def browser(server: Served, role: str) -> Browser:
    """Sign in as somebody with ``role``."""
    add(server, f"{role}-1", role)
    client = Browser(base_url=server.url, timeout=30)
    answer = client.enter(f"{role}-1")
    assert answer.status_code == 303, answer.text[-500:]
    client.csrf = form_token(client.get("/devices").text)
    return client
