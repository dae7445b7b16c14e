"""Loading: what is new is written, what is known stays untouched, what is older is kept as history only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import NotFound
from wardbridge.equipment.advisories import digest, openfda, order, parse
from wardbridge.equipment.advisories.store import documents as store
from wardbridge.equipment.advisories.values import Document, Refused
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

_BATCH = 500
_SHOWN = 200
NEW, UPDATED, UNCHANGED, OLDER = "new", "updated", "unchanged", "older"


class Report(msgspec.Struct, kw_only=True):
    """What a load came to: ``kinds`` is kind -> new, updated, unchanged, older -> count; ``changed`` advisory ids."""

    kinds: dict[str, dict[str, int]] = {}
    changed: list[str] = []
    refused: int = 0
    refusals: list[Refused] = []
    passed: list[str] = []

    @property
    def read(self) -> int:
        """Documents that could be read."""
        return sum(sum(one.values()) for one in self.kinds.values())


async def load(shop: Shop, found: Iterable[Document | Refused], by: Principal) -> Report:
    """Write every document, in transactions of some hundred; give the counts."""
    report = Report(kinds={}, changed=[], refusals=[], passed=[])
    batch: dict[tuple[str, str], Document] = {}
    refused: list[Refused] = []
    for one in found:
        if isinstance(one, Refused):
            if one.foreign:
                report.passed.append(one.file)
                continue
            refused.append(one)
        elif (one.advisory_id, one.source) in batch:
            await _write(shop, batch, refused, report, by)
            batch[(one.advisory_id, one.source)] = one
        else:
            batch[(one.advisory_id, one.source)] = one
        if len(batch) + len(refused) >= _BATCH:
            await _write(shop, batch, refused, report, by)
    await _write(shop, batch, refused, report, by)
    async with shop.acting(by, "advisories loaded") as conn:
        report.changed = sorted({*report.changed, *await store.mark_exploited(conn)})
    return report


async def _write(
    shop: Shop, batch: dict[tuple[str, str], Document], refused: list[Refused], report: Report, by: Principal
) -> None:
    if not batch and not refused:
        return
    at = shop.clock.now()
    async with shop.acting(by, "advisories loaded") as conn:
        marks = [(one, digest.of(one.raw)) for one in batch.values()]
        now = await store.digests(conn, [one.advisory_id for one, _ in marks])
        before = await store.seen(conn, [(one.advisory_id, mark) for one, mark in marks])
        sorted_out: dict[str, list[tuple[Document, str]]] = {NEW: [], UPDATED: [], UNCHANGED: [], OLDER: []}
        for one, mark in marks:
            known = now.get((one.advisory_id, one.source))
            state = _state(one, mark, known, (one.advisory_id, mark) in before)
            sorted_out[state].append((one, mark))
            kinds = report.kinds.setdefault(one.kind, dict.fromkeys(sorted_out, 0))
            kinds[state] += 1
        fresh = sorted_out[NEW] + sorted_out[UPDATED]
        await store.put(conn, await _whole(conn, fresh), at)
        await store.keep(conn, fresh, at)
        older = [(one, mark) for one, mark in sorted_out[OLDER] if (one.advisory_id, mark) not in before]
        await store.keep(conn, older, at, current=False)
        if refused:
            rows = {_mark(one): one for one in refused}
            await store.refuse(conn, list(rows.items()), at)
    report.changed += [one.advisory_id for one, _ in fresh]
    report.refused += len(refused)
    report.refusals += [msgspec.structs.replace(one, raw=b"") for one in refused[: _SHOWN - len(report.refusals)]]
    batch.clear()
    refused.clear()


def _mark(one: Refused) -> str:
    return hashlib.sha256(b"\x00".join((one.raw or one.file.encode(), one.reason.encode()))).hexdigest()


def _state(one: Document, mark: str, known: tuple[str, int, str] | None, before: bool) -> str:
    """Whether a document is new, newer than what is known, the same, or older."""
    if known is None:
        return NEW
    last, updated, version = known
    if mark == last:
        return UNCHANGED
    if before or (one.updated or 0) < updated:
        return OLDER
    if (one.updated or 0) == updated and one.source == "csaf" and order.key(one.version) < order.key(version):
        return OLDER
    return UPDATED


async def _whole(conn: Connection, fresh: list[tuple[Document, str]]) -> list[tuple[Document, str]]:
    """Each advisory once: recalls joined with what the other kind of record says of them, here or from before."""
    recalls = {one.advisory_id for one, _ in fresh if one.kind == "recall"}
    if not recalls:
        return fresh
    pairs: dict[str, list[tuple[Document, str]]] = {}
    for one, mark in fresh:
        pairs.setdefault(one.advisory_id, []).append((one, mark))
    for kept in await store.kept(conn, sorted(recalls)):
        mine = pairs[kept.advisory_id]
        if all(one.source != kept.source for one, _ in mine):
            mine.append((parse.again(kept.source, kept.raw), kept.digest))
    return [(openfda.joined([one for one, _ in several]), several[0][1]) for several in pairs.values()]


async def export(shop: Shop, advisory_id: str) -> bytes:
    """The document behind an advisory, byte for byte as it came. Raises NotFound."""
    found = await store.kept(shop.pool, [advisory_id])
    if not found:
        raise NotFound("there is no such advisory", advisory_id)
    return found[0].raw
