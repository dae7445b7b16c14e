"""What every function of this room is given: database, record, clock, ids; and a transaction with an actor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from wardbridge.core.clock import Clock
from wardbridge.core.db import Connection, Pool
from wardbridge.core.ids import Ids, random_ids
from wardbridge.devices.ports import Parts, Record
from wardbridge.security.acting import acting
from wardbridge.security.principal import Principal


@dataclass(frozen=True)
class Shop:
    """``parts`` are what functions of the devices room work with; ``url`` is our public address for labels."""

    pool: Pool
    parts: Parts
    url: str = ""
    ids: Ids = random_ids

    @property
    def clock(self) -> Clock:
        return self.parts.clock

    @property
    def record(self) -> Record:
        return self.parts.record

    @asynccontextmanager
    async def acting(self, by: Principal, reason: str = "") -> AsyncIterator[Connection]:
        """A transaction in which ``by`` acts: the only way in which a table of this room can be changed."""
        async with acting(self.pool, self.clock, by, reason) as conn:
            yield conn
