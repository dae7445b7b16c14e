"""Who acts in a transaction: tables under account (migration ``0002_changes.sql``) refuse changes without it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wardbridge.core.clock import Clock
from wardbridge.core.db import Connection, Pool, transaction
from wardbridge.security import store
from wardbridge.security.principal import Principal


async def act(conn: Connection, by: Principal, at: int, reason: str = "") -> None:
    """Name the actor of the rest of this transaction. ``at`` in µs since the epoch."""
    await store.set_actor(
        conn,
        {
            "id": by.id, "kind": by.kind, "display": by.display, "roles": sorted(by.roles), "address": by.address,
            "at": at, "reason": reason,
        },
    )  # fmt: skip


@asynccontextmanager
async def acting(pool: Pool, clock: Clock, by: Principal, reason: str = "") -> AsyncIterator[Connection]:
    """A transaction in which ``by`` acts. Raises what :func:`wardbridge.core.db.transaction` raises."""
    async with transaction(pool) as conn:
        await act(conn, by, clock.now(), reason)
        yield conn
