"""Matching the fleet against what is known, and writing down what changed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.cyber.builds import Versions, build
from wardbridge.equipment.cyber.match import Found, Table, match
from wardbridge.equipment.cyber.store import matching as store
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import SYSTEM


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did: builds and distinct items looked at, candidates, findings; rows written and gone."""

    builds: int
    items: int
    candidates: int
    findings: int
    written: int
    gone: int


async def prepared(source: Connection | Pool, models: Sequence[str] | None = None) -> tuple[list[Versions], Table]:
    """The builds in use (of these models), as they are matched."""
    versions = await store.builds(source, models)
    ids = sorted({one.model_id for one in versions})
    described, bills = await store.described(source, ids), await store.bills(source, ids)
    return versions, Table([build(one, described[one.model_id], bills.get(one.model_id, ())) for one in versions])


async def found(
    source: Connection | Pool, table: Table, cves: Sequence[str] | None = None
) -> tuple[list[Found], int]:  # fmt: skip
    """The findings of a table and how many candidates were looked at; the work of the processor is done aside."""
    flaws = await store.candidates(source, table.keys(), cves)
    return await asyncio.to_thread(match, table, flaws), len(flaws)


async def rematch(
    shop: Shop, conn: Connection, *, models: Sequence[str] | None = None, cves: Sequence[str] | None = None
) -> Matched:
    """Match all builds (or those of ``models``) against all vulnerabilities (or ``cves``)."""
    versions, table = await prepared(conn, models)
    findings, candidates = await found(conn, table, cves)
    written, gone = await store.put_findings(conn, findings, versions, cves, shop.clock.now())
    return Matched(builds=len(versions), items=len(table.items), candidates=candidates, findings=len(findings),
                   written=written, gone=gone)  # fmt: skip


async def keep(shop: Shop) -> Matched | None:
    """Match what machines became since the last time: new models, new versions. None where nothing is new."""
    models = await store.unmatched(shop.pool)
    if not models:
        return None
    async with shop.acting(SYSTEM, "machines have new versions") as conn:
        return await rematch(shop, conn, models=models)
