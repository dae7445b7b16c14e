"""The web process: pages, live stream, FHIR API and probes on one port, served by granian."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from wardbridge.app.api import application, bulk
from wardbridge.app.browser import DOCUMENTS, asker, for_people
from wardbridge.app.metrics import say
from wardbridge.app.openapi import openapi_routes
from wardbridge.app.parts import parts_of, record_of, shop_of
from wardbridge.app.probes import probes
from wardbridge.app.process import resolved, tell
from wardbridge.app.sources import sources_of
from wardbridge.app.subscriptions import sockets
from wardbridge.core import log as logs
from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool
from wardbridge.core.disk import DiskGuard
from wardbridge.core.settings import Settings
from wardbridge.fhir.bulk.front import Front
from wardbridge.security.audit import Audit
from wardbridge.security.http import authenticate, token_routes
from wardbridge.security.identity import Identity
from wardbridge.security.principal import Principal
from wardbridge.security.smart import smart_routes
from wardbridge.security.tokens import Tokens
from wardbridge.terminology.glossary.book import Book
from wardbridge.web.app import routes
from wardbridge.web.live.hub import Hub
from wardbridge.web.room import Room

WORKER_POOL = 12


def serve_web(settings: Settings) -> None:
    """Run granian until SIGTERM."""
    Granian(
        "wardbridge.app.web:worker",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.web_workers,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        websockets=True,
        factory=True,
        log_enabled=False,
        ssl_cert=Path(settings.tls_cert) if settings.tls_cert else None,
        ssl_key=Path(settings.tls_key) if settings.tls_key else None,
        respawn_failed_workers=True,
        workers_kill_timeout=5,
    ).serve()


def worker() -> ASGIApp:
    """What one granian worker serves."""
    settings, dsn = resolved()
    logs.configure(settings.log_level, settings.log_format, "web")
    _end_with(os.getppid())
    return Site(settings, dsn)


def _end_with(parent: int) -> None:
    """A worker whose granian was killed must not keep the port."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(3)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


class Site:
    """The ASGI application; it is assembled when the server says that it starts."""

    def __init__(self, settings: Settings, dsn: str) -> None:
        self._settings = settings
        self._dsn = dsn
        self._fhir: ASGIApp | None = None
        self._app: ASGIApp = Starlette(lifespan=self._lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The API skips the pages' router: it is the hot path.
        if self._fhir is not None and scope["type"] == "http" and scope["path"].startswith("/fhir"):
            path = scope["path"]
            if (path == "/fhir" or path[5:6] == "/") and path not in DOCUMENTS and not for_people(scope):
                await self._fhir({**scope, "root_path": "/fhir"}, receive, send)
                return
        await self._app(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        settings, clock = self._settings, SystemClock()
        pool = await open_pool(self._dsn, size=WORKER_POOL, name="wardbridge-web")
        record = await record_of(settings, pool, clock)
        parts = await parts_of(settings, pool, clock, record)
        audit = Audit(pool, clock)
        disk = DiskGuard(settings.folder, settings.disk_reserve_mb * 1_000_000, clock)
        identity = Identity(
            pool, Tokens(settings.folder / "keys", clock), clock,
            session_minutes=settings.session_minutes, idle_minutes=settings.session_idle_minutes,
        )  # fmt: skip

        def site(request: HTTPConnection) -> str:
            return settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")

        async def who(connection: HTTPConnection, /) -> Principal:
            return await authenticate(identity, connection)

        fhir = application(settings, pool, clock, record, audit, disk, who)
        self._fhir = Front(fhir, bulk(settings, clock, record, disk))
        room = Room(
            sources=sources_of(settings, pool, clock, record, parts),
            identity=identity, audit=audit, pool=pool, clock=clock, zone=settings.site_zone, site=settings.site,
            secure=bool(settings.tls_cert) or settings.public_url.startswith("https:"), api=asker(fhir),
            book=Book(pool, clock, record), shop=shop_of(settings, pool, parts),
        )  # fmt: skip
        hub = Hub(room.sources.feed, clock)
        socket_line = sockets(settings, clock, record, audit, who)
        app.router.routes.extend(
            [
                *probes(pool, clock, disk, identity),
                *token_routes(identity, audit),
                *smart_routes(site),
                WebSocketRoute("/fhir/websocket", socket_line),
                *openapi_routes(lambda request: f"{site(request)}/fhir", fhir.operations),
                *routes(room, hub),
            ]
        )

        def state() -> dict[str, Any]:
            return say({"live_slices_total": hub.slices})

        tasks = [
            asyncio.create_task(hub.run()),
            asyncio.create_task(record.numbers.follow(pool)),
            asyncio.create_task(socket_line.works()),
            asyncio.create_task(tell(pool, clock, f"web-{os.getpid()}", state)),
        ]
        try:
            yield
        finally:
            self._fhir = None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            pool.terminate()
