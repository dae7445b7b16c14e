"""The live feed over telemetry, devices and alarms, with one LISTEN connection for the doorbells."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from wardbridge.alarms import store as alarm_store
from wardbridge.core.clock import DAY, Clock
from wardbridge.core.db import Pool
from wardbridge.core.errors import Unavailable
from wardbridge.devices import board
from wardbridge.telemetry import store as telemetry
from wardbridge.telemetry.values import Channel, Hot, Position
from wardbridge.web import views as v
from wardbridge.web.adapters.alarms import alarm_views, score_view
from wardbridge.web.sources import Where

BELLS = ("wb_live", "wb_alarm")


class LiveFeed:
    """Answers :class:`wardbridge.web.sources.Feed`."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._listener: Any = None
        self._rings: asyncio.Queue[str] = asyncio.Queue(maxsize=64)

    async def head(self) -> Position:
        return await telemetry.newest(self._pool)

    async def tail(self, after: Position, limit: int) -> Sequence[Hot]:
        return await telemetry.tail(self._pool, after, limit)

    async def channels(self, ids: Sequence[int]) -> Sequence[Channel]:
        return await telemetry.channels(self._pool, channel_ids=list(ids))

    async def where(self) -> Sequence[Where]:
        """Accepted machines with place and patient. One that is not bound to whom lies there, or in conflict,
        has no place here: its values must not stand under that name."""
        found = []
        for bed in await board.beds(self._pool):
            patient = bed.patient.patient_id if bed.patient else ""
            for device in bed.devices:
                if device.state != "accepted":
                    continue
                if device.conflict or device.patient_id != patient:
                    found.append(Where(device.device_id, "", "", ""))
                else:
                    found.append(Where(device.device_id, bed.place_id, bed.ward, patient))
        return found

    async def alarms(self) -> Sequence[v.Alarm]:
        return await alarm_views(self._pool, await alarm_store.active(self._pool))

    async def scores(self) -> Sequence[tuple[str, v.Score]]:
        lying = {where.patient_id: where.place_id for where in await self.where() if where.patient_id}
        rows = await alarm_store.scores(self._pool, list(lying), "NEWS2", self._clock.now() - DAY)
        return [(lying[patient], score_view(found)) for patient, found in rows.items() if found]

    async def doorbell(self) -> str:
        """Raises Unavailable when the listening connection is lost; the next call opens a new one."""
        if self._listener is None or self._listener.is_closed():
            await self._listen()
        try:
            ring = await self._rings.get()
        except asyncio.CancelledError:
            await self._close()
            raise
        if not ring:
            raise Unavailable("the listening connection was lost", "database")
        return ring

    async def _listen(self) -> None:
        # The pool resets connections that come back to it; this one is kept for good.
        connection = await self._pool.acquire()
        self._listener = connection
        for bell in BELLS:
            await connection.add_listener(bell, self._heard)
        connection.add_termination_listener(self._lost)

    async def _close(self) -> None:
        """Give the connection back: the pool cannot close while it is out."""
        connection, self._listener = self._listener, None
        if connection is not None and not connection.is_closed():
            connection.remove_termination_listener(self._lost)
            for bell in BELLS:
                await connection.remove_listener(bell, self._heard)
        if connection is not None:
            await self._pool.release(connection)

    def _heard(self, _connection: Any, _pid: int, channel: str, _payload: str) -> None:
        if not self._rings.full():
            self._rings.put_nowait(channel)

    def _lost(self, _connection: Any) -> None:
        self._listener = None
        if not self._rings.full():
            self._rings.put_nowait("")
