"""SQL of the security room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import Conflict

AUDIT_COLUMNS = (
    "audit_id",
    "at",
    "actor",
    "actor_kind",
    "display",
    "roles",
    "action",
    "event",
    "target_type",
    "target_id",
    "patients",
    "outcome",
    "reason",
    "query",
    "address",
)


async def add_person(
    conn: Connection | Pool,
    person_id: str,
    login: str,
    display: str,
    roles: Sequence[str],
    password: str,
    practitioner: str,
) -> None:
    """Raises Conflict when the login is taken (logins differ by more than case)."""
    done = await conn.fetchval(
        """INSERT INTO person (person_id, login, display, roles, password, practitioner)
           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING 1""",
        person_id,
        login,
        display,
        list(roles),
        password,
        practitioner,
    )
    if done is None:
        raise Conflict(f"the login {login!r} is taken", "login")


async def person_by_login(conn: Connection | Pool, login: str) -> Any:
    return await conn.fetchrow("SELECT * FROM person WHERE lower(login) = lower($1)", login)


async def people(conn: Connection | Pool) -> list[Any]:
    return list(
        await conn.fetch(
            "SELECT person_id, login, display, roles, enabled, created_at FROM person ORDER BY lower(login)"
        )
    )


async def change_person(
    conn: Connection,
    person_id: str,
    *,
    password: str | None = None,
    roles: Sequence[str] | None = None,
    enabled: bool | None = None,
) -> bool:
    """Change what is not None; every session of the person ends. False when there is no such person."""
    done = await conn.fetchval(
        """WITH gone AS (DELETE FROM session WHERE person_id = $1)
           UPDATE person SET password = coalesce($2, password), roles = coalesce($3, roles),
                  enabled = coalesce($4, enabled) WHERE person_id = $1 RETURNING 1""",
        person_id,
        password,
        None if roles is None else list(roles),
        enabled,
    )
    return done is not None


async def rehash(conn: Connection | Pool, person_id: str, password: str) -> None:
    await conn.execute("UPDATE person SET password = $2 WHERE person_id = $1", person_id, password)


async def open_session(
    conn: Connection | Pool, digest: bytes, person_id: str, csrf: str, address: str, now: int, expires: int
) -> None:
    await conn.execute(
        """WITH old AS (DELETE FROM session WHERE expires < $5)
           INSERT INTO session (digest, person_id, csrf, address, created, seen, expires)
           VALUES ($1, $2, $3, $4, $5, $5, $6)""",
        digest,
        person_id,
        csrf,
        address,
        now,
        expires,
    )


async def session(conn: Connection | Pool, digest: bytes) -> Any:
    return await conn.fetchrow(
        """SELECT s.csrf, s.seen, s.expires, p.person_id, p.display, p.roles, p.practitioner
           FROM session s JOIN person p USING (person_id) WHERE s.digest = $1 AND p.enabled""",
        digest,
    )


async def touch_session(conn: Connection | Pool, digest: bytes, now: int) -> None:
    await conn.execute("UPDATE session SET seen = $2 WHERE digest = $1 AND seen < $2", digest, now)


async def close_session(conn: Connection | Pool, digest: bytes) -> None:
    await conn.execute("DELETE FROM session WHERE digest = $1", digest)


async def failures(conn: Connection | Pool, keys: Sequence[str], since: int) -> dict[str, int]:
    rows = await conn.fetch(
        "SELECT key, count(*) AS n FROM login_failure WHERE key = ANY($1) AND at >= $2 GROUP BY key", list(keys), since
    )
    return {row["key"]: row["n"] for row in rows}


async def add_failure(conn: Connection | Pool, keys: Sequence[str], at: int, forget_before: int) -> None:
    await conn.execute(
        """WITH old AS (DELETE FROM login_failure WHERE at < $3)
           INSERT INTO login_failure (key, at) SELECT k, $2 FROM unnest($1::text[]) k""",
        list(keys),
        at,
        forget_before,
    )


async def clear_failures(conn: Connection | Pool, key: str) -> None:
    await conn.execute("DELETE FROM login_failure WHERE key = $1", key)


async def put_client(
    conn: Connection | Pool, client_id: str, display: str, secret: bytes, scopes: Sequence[str]
) -> None:
    await conn.execute(
        """INSERT INTO service_client (client_id, display, secret, scopes) VALUES ($1, $2, $3, $4)
           ON CONFLICT (client_id) DO UPDATE SET display = $2, secret = $3, scopes = $4, enabled = true""",
        client_id,
        display,
        secret,
        list(scopes),
    )


async def client(conn: Connection | Pool, client_id: str) -> Any:
    return await conn.fetchrow("SELECT * FROM service_client WHERE client_id = $1 AND enabled", client_id)


_AUDIT_KINDS = {"audit_id": "uuid", "at": "bigint", "action": '"char"', "outcome": "smallint"}
"""Columns that are neither text nor arrays of text."""
_ARRAYS = {"roles", "patients"}


def audit_insert(source: str, first: int = 0) -> str:
    """INSERT of rows in the order of AUDIT_COLUMNS. ``source`` gives each as a JSON array ``e``, from member ``first``
    on; arrays are joined by U+001F."""

    def value(name: str, at: int) -> str:
        if name in _ARRAYS:
            return f"coalesce(string_to_array(nullif(e->>{at}, ''), E'\\x1f'), '{{}}')"
        return f"(e->>{at})::{_AUDIT_KINDS[name]}" if name in _AUDIT_KINDS else f"e->>{at}"

    values = ", ".join(value(name, at) for at, name in enumerate(AUDIT_COLUMNS, first))
    return f"INSERT INTO audit_event ({', '.join(AUDIT_COLUMNS)}) SELECT {values} FROM {source}"


_APPEND = audit_insert("jsonb_array_elements($1::text::jsonb) e")
_APPEND_SOON = f"""WITH soon AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
    {audit_insert("jsonb_array_elements($1::text::jsonb) e, soon")}"""


def _json(rows: Sequence[tuple[Any, ...]]) -> str:
    return orjson.dumps(rows).decode()


async def append_audit(conn: Connection | Pool, rows: Sequence[tuple[Any, ...]]) -> None:
    """``rows`` as :meth:`wardbridge.security.audit.Audit.row` makes them."""
    await conn.execute(_APPEND, _json(rows))


async def append_audit_soon(pool: Pool, rows: Sequence[tuple[Any, ...]]) -> None:
    """In a transaction of its own whose commit does not wait for the disk (it is atomic and ordered all the same)."""
    await pool.execute(_APPEND_SOON, _json(rows))


async def find_audit(
    conn: Connection | Pool,
    *,
    actor: str = "",
    patient: str = "",
    target_type: str = "",
    target_id: str = "",
    action: str = "",
    outcome: int | None = None,
    since: int = 0,
    until: int = 1 << 62,
    before: int = 1 << 62,
    audit_id: str = "",
    limit: int = 100,
) -> list[Any]:
    """Newest first; ``before`` is the sequence of the last row of the page before."""
    rows = await conn.fetch(
        """SELECT sequence, audit_id::text AS audit_id, at, actor, actor_kind, display, roles,
                  action::text AS action, event, target_type, target_id, patients, outcome, reason, query, address
           FROM audit_event
           WHERE sequence < $8 AND at >= $6 AND at <= $7
             AND ($1 = '' OR actor = $1) AND ($2 = '' OR patients @> ARRAY[$2]) AND ($3 = '' OR target_type = $3)
             AND ($4 = '' OR target_id = $4) AND ($5 = '' OR action = $5::"char")
             AND ($9::smallint IS NULL OR outcome = $9) AND ($10 = '' OR audit_id = nullif($10, '')::uuid)
           ORDER BY sequence DESC LIMIT $11""",
        actor,
        patient,
        target_type,
        target_id,
        action,
        since,
        until,
        before,
        outcome,
        audit_id,
        limit,
    )
    return list(rows)


async def forget_audit(conn: Connection, before: int) -> int:
    """Drop entries older than ``before`` (retention); the only way in which an entry ever goes."""
    await conn.execute("SET LOCAL wardbridge.audit_retention = 'on'")
    done = await conn.execute("DELETE FROM audit_event WHERE at < $1", before)
    return int(done.split()[-1])


async def set_actor(conn: Connection, actor: dict[str, Any]) -> None:
    """Name the actor for the tables under account, until the transaction ends."""
    await conn.execute("SELECT set_config('wardbridge.actor', $1, true)", orjson.dumps(actor).decode())


async def changes_of(
    source: Connection | Pool,
    *,
    device: str = "",
    table: str = "",
    key: str = "",
    before: int = 1 << 62,
    limit: int = 200,
) -> list[Any]:
    """Rows of ``change``, newest first; ``before`` is the sequence of the last row of the page before."""
    rows = await source.fetch(
        """SELECT sequence, audit_id::text AS audit_id, at, actor, display, table_name, key, device_id,
                  action::text AS action, before, after, reason FROM change
           WHERE sequence < $4 AND ($1 = '' OR device_id = $1) AND ($2 = '' OR table_name = $2)
             AND ($3 = '' OR key = $3)
           ORDER BY sequence DESC LIMIT $5""",
        device, table, key, before, limit,
    )  # fmt: skip
    return list(rows)
