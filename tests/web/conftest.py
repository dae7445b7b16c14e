"""A signed-in browser of every role against the real guard, identity and audit record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.async_api import Browser, async_playwright
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from tests.web.scene import Scene
from tests.web.screens import ARGS, CHROMIUM
from wardbridge.app.browser import asker
from wardbridge.core.clock import SystemClock
from wardbridge.devices.ports import Parts
from wardbridge.devices.record import FhirRecord
from wardbridge.equipment.shop import Shop
from wardbridge.fhir.rest.application import Application
from wardbridge.fhir.rest.repository import StoreRepository
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.validate import validate_base
from wardbridge.security.audit import Audit
from wardbridge.security.http import COOKIE, authenticate
from wardbridge.security.identity import Identity
from wardbridge.security.policy import decide
from wardbridge.security.principal import Principal
from wardbridge.security.tokens import Tokens
from wardbridge.terminology.glossary.book import Book
from wardbridge.terminology.glossary.values import Text
from wardbridge.web.app import routes
from wardbridge.web.live.hub import Hub
from wardbridge.web.room import Room

ROLES = ("nurse", "physician", "technician", "operator", "administrator")


@dataclass
class House:
    """The web room of a test: the application, its room and the scene behind it."""

    app: Starlette
    room: Room
    scene: Scene
    hub: Hub

    async def cookie(self, role: str) -> tuple[str, str]:
        """(session cookie, CSRF token) of a person with ``role``."""
        opened = await self.room.identity.open(f"person-{role}", f"{role.title()} Test", frozenset({role}), "")
        return opened.cookie, opened.principal.csrf


def api(room: Room, record: Record) -> Application:
    """The FHIR API beside the pages, for the people who sign in to them."""

    async def who(connection: HTTPConnection, /) -> Principal:
        return await authenticate(room.identity, connection)

    repository = StoreRepository(record, room.audit)
    return Application(repository, who, decide, room.audit, room.clock, validate_base, base="http://ward.test/fhir")


@pytest.fixture
async def house(database, tmp_path: Path) -> House:
    clock = SystemClock()
    identity = Identity(database.pool, Tokens(tmp_path / "keys", clock), clock)
    for role in ROLES:
        await database.pool.execute(
            "INSERT INTO person (person_id, login, display, roles, password) VALUES ($1, $2, $3, $4, 'x')",
            f"person-{role}", role, f"{role.title()} Test", [role],
        )  # fmt: skip
    scene = Scene(clock)
    room = Room(sources=scene.sources(), identity=identity, audit=Audit(database.pool, clock), pool=database.pool,
                clock=clock, zone=ZoneInfo("Europe/Berlin"), site="St. Test")  # fmt: skip
    record = Record(room.pool, room.clock)
    await record.load()
    room = replace(room, api=asker(api(room, record)), book=Book(room.pool, room.clock, record),
                   shop=Shop(room.pool, Parts(FhirRecord(record), clock), "http://ward.test"))  # fmt: skip
    vlan = Text(title="VLAN", it="A separate lane of the network.")
    await room.book.add("it", vlan, Principal("person-operator", "Operator Test", "user", frozenset({"operator"})))
    hub = Hub(room.sources.feed, clock)
    return House(Starlette(routes=routes(room, hub)), room, scene, hub)


@pytest.fixture
def enter(house: House) -> Callable[[str], object]:
    """``async with enter("nurse") as browser``: a client with that role's session (``""``: nobody)."""

    @asynccontextmanager
    async def open_client(role: str) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app=house.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://ward.test") as client:
            if role:
                cookie, csrf = await house.cookie(role)
                client.cookies.set(COOKIE, cookie)
                client.csrf = csrf  # type: ignore[attr-defined]
            yield client

    return open_client


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        await browser.close()
