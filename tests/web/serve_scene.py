"""Serves the scene for looking at it: ``python -m tests.web.serve_scene PORT`` prints a cookie per role."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
from granian.server.embed import Server
from starlette.applications import Starlette
from tests.web.conftest import ROLES
from tests.web.scene import Scene

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool
from wardbridge.core.migrate import migrate
from wardbridge.core.postgres import Embedded
from wardbridge.security.audit import Audit
from wardbridge.security.identity import Identity
from wardbridge.security.tokens import Tokens
from wardbridge.web.app import routes
from wardbridge.web.live.hub import Hub
from wardbridge.web.room import Room


async def main(port: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="wbs-"))
    clock = SystemClock()
    server = Embedded(folder, clock, shared_mb=32)
    await server.start()
    pool = await open_pool(server.dsn)
    await migrate(pool)
    identity = Identity(pool, Tokens(folder / "keys", clock), clock)
    scene = Scene(clock)
    room = Room(sources=scene.sources(), identity=identity, audit=Audit(pool, clock), pool=pool, clock=clock,
                zone=ZoneInfo("Europe/Berlin"), site="St. Test")  # fmt: skip
    hub = Hub(room.sources.feed, clock)
    for role in ROLES:
        person = await identity.add_person(role, f"{role.title()} Test", (role,), "secret-" + role)
        opened = await identity.open(person, f"{role.title()} Test", frozenset({role}), "")
        print(role, opened.cookie, flush=True)
    app = Starlette(routes=routes(room, hub))
    task = asyncio.create_task(hub.run())
    try:
        await Server(app, address="127.0.0.1", port=port, interface="asgi").serve()
    finally:
        task.cancel()
        await pool.close()
        await server.stop()


if __name__ == "__main__":
    try:
        asyncio.run(main(int(sys.argv[1])))
    except (KeyboardInterrupt, asyncpg.PostgresError):
        sys.exit(0)
