"""``/healthz``, ``/readyz`` and ``/metrics``: what monitors ask."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from wardbridge.alarms import store as alarms
from wardbridge.analytics.alarm_load import alarm_load
from wardbridge.app.metrics import render
from wardbridge.core import store
from wardbridge.core.clock import SECOND, Clock
from wardbridge.core.db import AWAY, Pool
from wardbridge.core.disk import DiskGuard
from wardbridge.core.errors import Unauthenticated, WardbridgeError
from wardbridge.security.http import address_of, authenticate
from wardbridge.security.identity import Identity

FRESH = 15 * SECOND
PROCESSES = ("gateway", "engine", "jobs")
READERS = frozenset({"operator", "administrator", "service"})


async def problems(pool: Pool, clock: Clock, disk: DiskGuard) -> list[str]:
    """Why this Wardbridge is not ready; empty when it is."""
    found = []
    now = clock.now()
    try:
        async with asyncio.timeout(3):
            told = {state.process: state for state in await store.states(pool, now - FRESH)}
            beat = await alarms.heartbeat(pool)
    except (*AWAY, WardbridgeError, TimeoutError) as error:
        return [f"the database does not answer ({type(error).__name__})"]
    found += [f"the process {name} does not report" for name in PROCESSES if name not in told]
    for state in told.values():
        found += state.data.get("problems", [])
    if "engine" in told and now - beat > FRESH:
        found.append("the alarm engine is silent")
    try:
        disk.check()
    except WardbridgeError as error:
        found.append(error.message)
    return found


def probes(pool: Pool, clock: Clock, disk: DiskGuard, identity: Identity) -> list[Route]:
    """The three routes. Health and readiness say nothing that needs protecting and are open."""

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        found = await problems(pool, clock, disk)
        return JSONResponse({"ready": not found, "problems": found}, 503 if found else 200)

    async def metrics(request: Request) -> Response:
        # A scraper on this machine needs no token; one that came through a proxy is not on this machine.
        local = address_of(request) in {"127.0.0.1", "::1"} and "x-forwarded-for" not in request.headers
        if not local:
            try:
                principal = await authenticate(identity, request)
            except Unauthenticated as error:
                return PlainTextResponse(f"{error.message}\n", 401, {"www-authenticate": "Bearer"})
            if not principal.roles & READERS:
                return PlainTextResponse("metrics are for operators, administrators and services\n", 403)
        gauges: dict[str, Any] = {"disk_free_bytes": disk.free(), "up": 1}
        states: list[store.State] = []
        try:
            states = await store.states(pool, clock.now() - FRESH)
            gauges |= {
                "database_bytes": await store.size(pool),
                "alarm_heartbeat_age_seconds": (clock.now() - await alarms.heartbeat(pool)) / SECOND,
                "alarms_active": _by_priority(await alarms.active(pool)),
                "alarms_in_120_minutes": {load.place_id: load.count for load in await alarm_load(pool, clock.now())},
                "database_up": 1,
            }
        except (*AWAY, WardbridgeError):
            gauges["database_up"] = 0
        return Response(render(states, gauges), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


def _by_priority(rows: list[Any]) -> dict[str, int]:
    found = dict.fromkeys(("high", "medium", "low", "info"), 0)
    for row in rows:
        found[row["priority"]] += 1
    return found
