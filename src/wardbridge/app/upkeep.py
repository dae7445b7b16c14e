"""Upkeep: compaction of samples, retention of samples, raw messages and audit entries."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from wardbridge.app.process import forever
from wardbridge.core.clock import DAY, Clock
from wardbridge.core.db import Pool, transaction
from wardbridge.core.settings import Settings
from wardbridge.devices.store import facts
from wardbridge.equipment.work import meters
from wardbridge.exchange.intake import store as intake
from wardbridge.exchange.outbound.store import screens
from wardbridge.fhir.store import answers
from wardbridge.security import store as security
from wardbridge.telemetry.blocks.compact import compact, retain

COMPACT_SECONDS = 60.0
RETAIN_SECONDS = 3600.0


def upkeep(settings: Settings, pool: Pool, clock: Clock) -> list[Coroutine[Any, Any, None]]:
    """The jobs, each its own loop."""

    async def boundaries(device_id: str, start: int, end: int) -> Sequence[int]:
        # Blocks end where a patient's interval does, so that one day their keys can follow the patient.
        async with pool.acquire() as conn:
            spans = await facts.spans(conn, [device_id], start)
        return [row.span.start for row in spans if start < row.span.start < end]

    async def samples() -> None:
        await meters.follow(pool, clock.now())  # use hours are counted before compaction takes the rows away
        await compact(pool, clock.now(), cuts=boundaries)

    async def old() -> None:
        now = clock.now()
        await retain(pool, {"numeric": settings.sample_days, "wave": settings.sample_days}, now)
        await intake.retain(pool, settings.raw_days, now)
        await screens.retain(pool, settings.raw_days, now)
        async with transaction(pool) as conn:
            await security.forget_audit(conn, now - settings.audit_days * DAY)
            await answers.forget(conn, now - DAY)

    return [
        forever(clock, COMPACT_SECONDS, samples, "compact samples"),
        forever(clock, RETAIN_SECONDS, old, "retention"),
    ]
