"""Answers kept for requests with an Idempotency-Key: who asked and their key → what was answered."""

from __future__ import annotations

from dataclasses import dataclass

from wardbridge.core.db import Connection
from wardbridge.fhir.search.hash import hash64


@dataclass(frozen=True)
class Kept:
    """``digest`` of the request, 32 bytes; the answer; ``updated`` in µs; ``patients`` that it is about."""

    digest: bytes
    status: int
    body: bytes | None
    etag: str
    updated: int
    location: str
    patients: tuple[str, ...]


async def recall(conn: Connection, principal: str, key: str) -> Kept | None:
    """The answer to this key; until the transaction ends, others with the same key wait here."""
    await conn.execute("SELECT pg_advisory_xact_lock($1)", hash64(f"once\x1f{principal}\x1f{key}"))
    row = await conn.fetchrow(
        """SELECT digest, status, body, etag, updated, location, patients FROM fhir_answer
           WHERE principal = $1 AND key = $2""",
        principal,
        key,
    )
    if row is None:
        return None
    return Kept(**{**dict(row), "patients": tuple(row["patients"])})


async def remember(conn: Connection, principal: str, key: str, kept: Kept, now: int) -> None:
    """Keep an answer; ``now`` in µs."""
    await conn.execute(
        """INSERT INTO fhir_answer (principal, key, at, digest, status, body, etag, updated, location, patients)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        principal,
        key,
        now,
        kept.digest,
        kept.status,
        kept.body,
        kept.etag,
        kept.updated,
        kept.location,
        list(kept.patients),
    )


async def forget(conn: Connection, before: int) -> None:
    """Delete the answers that are older than ``before`` (µs)."""
    await conn.execute("DELETE FROM fhir_answer WHERE at < $1", before)
