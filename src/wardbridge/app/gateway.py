"""The gateway: the one MLLP listener, its routes by MSH-9, and the intake log behind them.

ADT ──► app.adt            every other message ──► the HL7 v2 driver
            └──────► intake log (commit) ──► acknowledgement ◄──────┘
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from wardbridge.app.adt import LINK, AdtIntake
from wardbridge.app.links import describe, intake_of
from wardbridge.app.metrics import say
from wardbridge.app.process import forever, tell
from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool
from wardbridge.core.ids import random_ids
from wardbridge.core.settings import Settings
from wardbridge.devices.driver import DriverContext
from wardbridge.devices.drivers.hl7_mllp.driver import Hl7Driver, build
from wardbridge.devices.pipeline.sink import IntakeSink
from wardbridge.equipment.changes.network.seen import Callers
from wardbridge.exchange.codecs.hl7v2.ack import Disposition
from wardbridge.exchange.codecs.hl7v2.errors import Problem
from wardbridge.exchange.mllp.frames import Junk
from wardbridge.exchange.mllp.listener import Handle, Listener, Peer

log = structlog.get_logger(__name__)

NOT_ALLOWED = Disposition("reject", "reject", (Problem("this sender may not send here", "", "207"),))


def route(adt: Handle, devices: Handle, allow: frozenset[str], callers: Callers | None = None) -> Handle:
    """One handler for the listener: who may send, then whose message it is by MSH-9; ``callers`` note who called."""

    async def handle(message: bytes, peer: Peer) -> Disposition:
        if allow and peer.host not in allow:
            log.warning("mllp.not_allowed", connection=peer.number)
            return NOT_ALLOWED
        if callers is not None:
            callers.note(peer.host, sender(message))
        return await (adt if message_type(message) == b"ADT" else devices)(message, peer)

    return handle


def message_type(message: bytes) -> bytes:
    """MSH-9.1, read without parsing; empty where there is none."""
    if message[:3] != b"MSH" or len(message) < 8:
        return b""
    fields = message[: message.find(b"\r") if b"\r" in message else len(message)].split(message[3:4], 9)
    return fields[8].split(message[4:5], 1)[0].strip() if len(fields) > 8 else b""


def sender(message: bytes) -> str:
    """MSH-3 as sent, read without parsing; '' where there is none."""
    if message[:3] != b"MSH" or len(message) < 8:
        return ""
    fields = message[:512].split(message[3:4], 3)
    return fields[2].decode("utf-8", "replace")[:120] if len(fields) > 3 else ""


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """TLS of the listener; with a client CA only its certificates may connect."""
    if not settings.mllp_tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.mllp_tls_cert, settings.mllp_tls_key)
    if settings.mllp_tls_client_ca:
        context.load_verify_locations(settings.mllp_tls_client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _quarantine(driver: Hl7Driver) -> Callable[[Junk, Peer], Awaitable[None]]:
    async def keep(junk: Junk, peer: Peer) -> None:
        await driver.junk(junk.reason, junk.data)

    return keep


async def run_gateway(settings: Settings, dsn: str) -> None:
    """Listen until cancelled; what is under way is finished and acknowledged first."""
    clock = SystemClock()
    pool = await open_pool(dsn, size=6, name="wardbridge-gateway")
    intake = intake_of(settings, pool, clock)
    adt = AdtIntake(intake, clock, settings.site_zone)
    driver = build(DriverContext(LINK, {"zone": settings.zone, "in_flight": 1024}, clock, IntakeSink(intake), log))
    callers = Callers(settings.mllp_port, clock)
    listener = Listener(
        route(adt.handle, driver.handle, frozenset(settings.mllp_allow), callers),
        _quarantine(driver),
        clock=clock,
        ids=random_ids,
        host=settings.mllp_host,
        port=settings.mllp_port,
        zone=settings.site_zone,
        max_connections=settings.mllp_connections,
        max_frame=settings.mllp_frame_bytes,
        tls=tls_of(settings),
    )

    def state() -> dict[str, Any]:
        told = describe(LINK, "hl7_mllp", driver.health())
        told["address"] = f"{settings.mllp_host}:{listener.port}"
        told["peers"] = len(listener.peers)
        return say(
            {
                "mllp_total": dict(listener.counts),
                "hl7_messages_total": {**driver.counts, **{f"ADT {name}": n for name, n in adt.counts.items()}},
                **{f"intake_{name}_total": count for name, count in vars(intake.counts).items()},
            },
            {"mllp_connections": len(listener.peers)},
            links=[told],
        )

    await listener.start()
    callers.port = listener.port
    works = (
        listener.run(), driver.run(), tell(pool, clock, "gateway", state),
        forever(clock, 30.0, lambda: callers.keep(pool), "who calls"),
    )  # fmt: skip
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await intake.close()
        pool.terminate()
