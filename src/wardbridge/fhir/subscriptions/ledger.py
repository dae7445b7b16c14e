"""What was handed over: gathered for a moment, then written together with its audit entries in one transaction.

A crash in between forgets only that something was sent: it is sent again, with the same event number.
"""

from __future__ import annotations

import asyncio

import structlog

from wardbridge.core.clock import Clock
from wardbridge.core.db import AWAY, Pool, transaction
from wardbridge.core.errors import WardbridgeError
from wardbridge.fhir.rest.hooks import Audit
from wardbridge.fhir.subscriptions.store import state
from wardbridge.security.audit import Access

log = structlog.get_logger(__name__)

PAUSE = 0.04
"""Seconds between two transactions."""
MOST = 2000


class Ledger:
    """One a process."""

    def __init__(self, pool: Pool, audit: Audit, clock: Clock) -> None:
        self._pool = pool
        self._audit = audit
        self._clock = clock
        self._done: dict[str, tuple[int, int]] = {}
        self._accesses: list[Access] = []
        self._some = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._writing = asyncio.Lock()
        self.sent = 0
        """Notifications handed over since the start."""

    async def add(self, id_: str, number: int, access: Access | None) -> None:
        """A notification was taken by its receiver. Waits when the database is behind."""
        if len(self._accesses) >= MOST:
            await self._empty.wait()
        before = self._done.get(id_, (0, 0))[0]
        self._done[id_] = (max(number, before), self._clock.now())
        if access is not None:
            self._accesses.append(access)
            self.sent += 1
        self._empty.clear()
        self._some.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._some.wait()
            try:
                await self.flush()
            except (WardbridgeError, *AWAY) as error:
                log.warning("subscriptions.not_written", reason=type(error).__name__)
                await self._clock.sleep(1.0)
            await self._clock.sleep(PAUSE)

    async def flush(self) -> None:
        """Write what is there now."""
        async with self._writing:
            done, accesses = dict(self._done), list(self._accesses)
            if done:
                async with transaction(self._pool) as conn:
                    await state.answered(conn, [(id_, number, at) for id_, (number, at) in done.items()])
                    await self._audit.within(conn, *accesses)
            for id_, told in done.items():
                if self._done.get(id_) == told:
                    del self._done[id_]
            del self._accesses[: len(accesses)]
            if not self._done:
                self._some.clear()
                self._empty.set()
