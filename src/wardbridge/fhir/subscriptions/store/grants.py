"""What the server keeps for a subscription beside its resource: owner and sealed secrets; and tokens of WebSockets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from wardbridge.core.db import Connection, Pool
from wardbridge.security.principal import Principal


@dataclass(frozen=True)
class Grant:
    """``owner`` is whose rights decide what the subscription tells. ``sealed``: see ``seal.py``."""

    handle: str
    owner: Principal
    endpoint: str
    sealed: str


async def put(db: Connection | Pool, grant: Grant, now: int) -> None:
    owner = grant.owner
    await db.execute(
        "INSERT INTO fhir_subscription_grant VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        grant.handle,
        owner.id,
        owner.display,
        owner.kind,
        sorted(owner.roles),
        list(owner.scopes),
        grant.endpoint,
        grant.sealed,
        now,
    )


async def get(db: Connection | Pool, handles: Sequence[str]) -> dict[str, Grant]:
    """Grants by handle, of those that exist."""
    rows = await db.fetch("SELECT * FROM fhir_subscription_grant WHERE handle = ANY($1)", list(handles))
    return {
        row["handle"]: Grant(
            row["handle"],
            Principal(row["owner"], row["display"], row["kind"], frozenset(row["roles"]), tuple(row["scopes"])),
            row["endpoint"],
            row["sealed"],
        )
        for row in rows
    }


async def sweep(db: Connection | Pool, used: Sequence[str], before: int) -> None:
    """Forget grants that no subscription names and that are older than ``before`` (µs)."""
    await db.execute(
        "DELETE FROM fhir_subscription_grant WHERE created < $2 AND handle <> ALL($1::text[])", list(used), before
    )


async def put_token(db: Connection | Pool, token: str, owner: str, subscriptions: Sequence[str], expires: int) -> None:
    await db.execute(
        "INSERT INTO fhir_subscription_token VALUES ($1, $2, $3, $4)",
        sha256(token.encode()).digest(),
        owner,
        list(subscriptions),
        expires,
    )


async def by_token(db: Connection | Pool, token: str, now: int) -> list[str]:
    """The subscriptions that a token binds; empty for an unknown or expired one."""
    found = await db.fetchval(
        "SELECT subscriptions FROM fhir_subscription_token WHERE digest = $1 AND expires > $2",
        sha256(token.encode("utf-8", "replace")).digest(),
        now,
    )
    return list(found or ())


async def forget_tokens(db: Connection | Pool, now: int) -> None:
    await db.execute("DELETE FROM fhir_subscription_token WHERE expires <= $1", now)
