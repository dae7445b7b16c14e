"""Connections to PostgreSQL: one pool a process, errors turned into our own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from wardbridge.core.errors import Conflict, Unavailable

Pool = Any
"""An ``asyncpg.Pool``. Only stores run statements on it."""
Connection = Any
"""An ``asyncpg.Connection``, usually inside a transaction."""

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    ConnectionError,
    OSError,
)
"""What asyncpg raises while the server is away, starting or recovering."""
REFUSED = "WB409"
"""The SQLSTATE of rules that triggers keep."""


async def _nothing(connection: Connection) -> None:
    """All our session state is SET LOCAL or ends with its transaction; a reset would cost a round trip a use."""


async def open_pool(dsn: str, *, size: int = 8, name: str = "wardbridge", timeout_seconds: float = 60.0) -> Pool:
    """A pool whose sessions run in UTC, with a statement timeout that no request should reach.

    Raises Unavailable when the server does not answer.
    """
    try:
        return await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            command_timeout=timeout_seconds,
            max_inactive_connection_lifetime=0,
            reset=_nothing,
            server_settings={
                "application_name": name,
                "timezone": "UTC",
                "jit": "off",
                "statement_timeout": str(int(timeout_seconds * 1000)),
                "idle_in_transaction_session_timeout": "120000",
            },
        )
    except AWAY as error:
        raise Unavailable(f"the database does not answer: {type(error).__name__}", "database") from error


@asynccontextmanager
async def transaction(pool: Pool, *, isolation: str = "read_committed") -> AsyncIterator[Connection]:
    """A connection inside one transaction.

    Raises Conflict with its words when a rule in the database refuses (SQLSTATE WB409), Unavailable when
    the database is away or its disk is full; the transaction is then rolled back, or, where the
    connection broke during COMMIT, of unknown outcome.
    """
    try:
        async with pool.acquire() as connection, connection.transaction(isolation=isolation):
            yield connection
    except asyncpg.DiskFullError as error:
        raise Unavailable("the disk of the database is full", "database") from error
    except AWAY as error:
        raise Unavailable(f"the database is away: {type(error).__name__}", "database") from error
    except asyncpg.PostgresError as error:
        if error.sqlstate == REFUSED:
            raise Conflict(str(error)) from error
        raise
