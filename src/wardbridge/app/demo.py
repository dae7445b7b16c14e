"""``wardbridge demo``: a whole intensive care unit, simulated, on the real system.

The simulated ward is a separate process that knows only ports. What a hospital would already have is
prepared here: people who may sign in, the register of machines and their maintenance, the wiring.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from wardbridge.app.demo_life import fill, staff
from wardbridge.app.demo_ward import enter
from wardbridge.app.parts import parts_of, shop_of
from wardbridge.app.people import add_person
from wardbridge.app.serve import Server
from wardbridge.core.clock import Clock, to_datetime
from wardbridge.core.db import Pool, open_pool
from wardbridge.core.errors import Conflict
from wardbridge.core.settings import Settings
from wardbridge.devices.sim import fleet as machines
from wardbridge.devices.sim import script
from wardbridge.devices.sim.equipment import assets
from wardbridge.devices.sim.history import bundles
from wardbridge.devices.sim.people import people as residents
from wardbridge.equipment.register.store import models
from wardbridge.fhir.json import dumps
from wardbridge.security import store as accounts
from wardbridge.security.identity import Identity
from wardbridge.security.principal import SYSTEM, Principal
from wardbridge.security.tokens import Tokens

log = structlog.get_logger(__name__)

PEOPLE = (
    ("nora", "Nora Lindqvist", "nurse"),
    ("peter", "Dr. Peter Asante", "physician"),
    ("tariq", "Tariq Haddad", "technician"),
    ("olga", "Olga Marin", "operator"),
    ("ada", "Ada Okonkwo", "administrator"),
)
STRANGER = "lvp"
"""The last machine of this kind was announced by nobody: it waits in the queue for a technician."""
SEEN_SECONDS = 600
CLINICAL_ENGINEERING = Principal(SYSTEM.id, "Clinical engineering", SYSTEM.kind, SYSTEM.roles)


async def demo(settings: Settings, *, beds: int, speed: float, seed: int, say: Callable[[str], None]) -> None:
    """Serve with a simulated ward until SIGTERM."""
    oru_port = settings.mllp_port + 1
    story = script.load(beds)
    ward = machines.fleet(story, seed)
    links = {
        who.name: {"driver": "sdc", "adapter": "127.0.0.1", "epr": machines.endpoint(who).urn}
        for who in ward
        if who.kind == "ventilator"
    }
    settings = msgspec.structs.replace(
        settings,
        site=settings.site if settings.site != "Wardbridge" else "Wardbridge Demo Hospital",
        links={**links, **settings.links},
        destinations={"his": {"host": "127.0.0.1", "port": oru_port}, **settings.destinations},
    )
    server = Server(settings, say=say)
    logins: dict[str, str] = {}
    tasks: list[asyncio.Task[Any]] = []

    async def prepared(running: Server) -> None:
        pool = await open_pool(running.dsn, size=2, name="wardbridge-demo")
        try:
            logins.update(await people(settings, pool, running.clock))
            await register(settings, pool, running.clock, story, seed)
        finally:
            await pool.close()

    async def ready(running: Server) -> None:
        for line in _welcome(settings, logins):
            say(line)
        tasks.append(asyncio.create_task(furnish(settings, running.clock, story, seed)))
        words = [sys.executable, "-m", "wardbridge.devices.sim", "--mllp-port", str(settings.mllp_port), "--beds",
                 str(beds), "--seed", str(seed), "--speed", f"{speed:g}", "--oru-port", str(oru_port),
                 "--bench-port", str(oru_port + 1), "--status-every", "0"]  # fmt: skip
        tasks.append(running.start("ward", words))

    try:
        await server.run(prepared, ready)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _welcome(settings: Settings, logins: dict[str, str]) -> list[str]:
    lines = [f"open {settings.url} and sign in as one of:"]
    lines += [f"  {login:<8} {logins[login]:<18} {role:<14} {name}" for login, name, role in PEOPLE]
    return lines


async def people(settings: Settings, pool: Pool, clock: Clock) -> dict[str, str]:
    """Everyone's password: made at the first start, kept in the data folder (mode 0600) for the next."""
    path = settings.folder / "demo-logins.json"
    known: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    identity = Identity(pool, Tokens(settings.folder / "keys", clock), clock)
    parts = await parts_of(settings, pool, clock)
    for login, name, role in PEOPLE:
        password = known.setdefault(login, secrets.token_urlsafe(9))
        try:
            await add_person(identity, parts.record, login, name, (role,), password)
        except Conflict:
            continue
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        json.dump(known, file)
    return known


async def register(settings: Settings, pool: Pool, clock: Clock, story: script.Script, seed: int) -> None:
    """The register before the first word: every machine but one is known and expected at its bed."""
    shop = shop_of(settings, pool, await parts_of(settings, pool, clock))
    rows = assets(story, seed, to_datetime(clock.now()).date())
    stranger = [row for row in rows if row.kind == STRANGER][-1:]
    rows = [row for row in rows if row not in stranger]
    async with shop.acting(CLINICAL_ENGINEERING, "demo") as conn:
        if not await models(conn):
            await fill(shop, conn, CLINICAL_ENGINEERING, rows, await enter(shop, conn, rows))
            await staff(shop, conn, {row["login"]: row["person_id"] for row in await accounts.people(conn)})


async def furnish(settings: Settings, clock: Clock, story: script.Script, seed: int) -> None:
    """Histories of the patients over the API."""
    await asyncio.to_thread(_post_histories, settings, clock, story, seed)


def _post_histories(settings: Settings, clock: Clock, story: script.Script, seed: int) -> None:
    now = clock.now()
    people = residents(len(story.beds), seed, to_datetime(now).date())
    token = Tokens(Path(settings.folder) / "keys", clock).issue(role="service", ttl_seconds=900, display="Demo history")
    for bundle in bundles(story, people, now, seed):
        request = urllib.request.Request(  # noqa: S310 - our own URL
            f"{settings.url}/fhir", dumps(bundle),
            {"content-type": "application/fhir+json", "authorization": f"Bearer {token}"}, method="POST",
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                answer.read()
        except OSError as error:
            log.error("demo.history_refused", reason=str(error)[:200])
