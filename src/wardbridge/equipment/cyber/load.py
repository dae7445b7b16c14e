"""Loading files of vulnerabilities and scores: in pieces, so that a large file neither fills memory nor holds locks."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber.feeds import epss as epss_file
from wardbridge.equipment.cyber.feeds.read import read
from wardbridge.equipment.cyber.rematch import Matched, rematch
from wardbridge.equipment.cyber.sbom.read import unpacked
from wardbridge.equipment.cyber.store import flaws as store
from wardbridge.equipment.cyber.values import Refused, Vulnerability
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

PIECE = 2000
_KEPT = 1000
_FEW = 20_000


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What a load did: records read, rows that changed, what was refused, and the matching after it."""

    read: int
    changed: int
    refused: tuple[Refused, ...] = ()
    matched: Matched | None = None


async def load_flaws(shop: Shop, files: Iterable[tuple[str, bytes]], by: Principal, name: str = "") -> Loaded:
    """CVE records, NVD answers and OSV records of many files, matched when all are in.

    What was read stays when a later file fails. A file that is none of these is refused with its name.
    """
    refused: list[Refused] = []
    changed: list[str] = []
    digest = hashlib.sha256()
    count = 0
    pieces = _pieces(files, refused, digest)
    while piece := await asyncio.to_thread(next, pieces, None):
        count += len(piece)
        async with shop.acting(by, f"load {name}".strip()) as conn:
            changed += await store.put_flaws(conn, piece)
    async with shop.acting(by, f"load {name}".strip()) as conn:
        cves = sorted(set(changed))
        matched = await rematch(shop, conn, cves=cves if len(cves) < _FEW else None) if cves else None
        await _note(shop, conn, "cve", name, digest.hexdigest(), None, count, len(changed), refused, by)
    return Loaded(read=count, changed=len(changed), refused=tuple(refused), matched=matched)


def _pieces(files: Iterable[tuple[str, bytes]], refused: list[Refused], digest: Any) -> Iterator[list[Vulnerability]]:
    piece: list[Vulnerability] = []
    for name, sent in files:
        digest.update(sent)
        for one in read(sent, name):
            if isinstance(one, Refused):
                refused.append(one)
                continue
            piece.append(one)
            if len(piece) >= PIECE:
                yield piece
                piece = []
    if piece:
        yield piece


async def load_epss(shop: Shop, sent: bytes, by: Principal, name: str = "") -> Loaded:
    """A day's EPSS file. Raises Invalid for another one."""
    text = await asyncio.to_thread(lambda: unpacked(sent).decode("utf-8", "replace"))
    scores = await asyncio.to_thread(epss_file.read, text)
    if not scores.rows:
        raise Invalid("this EPSS file has no scores", "line 3")
    digest = hashlib.sha256(sent).hexdigest()
    async with shop.acting(by, f"EPSS {scores.scored} {digest[:12]}") as conn:
        changed = await store.put_scores(conn, scores.rows, scores.scored)
        label = f"{name} {scores.model} {scores.scored}".strip()
        await _note(shop, conn, "epss", label, digest, None, len(scores.rows), changed, scores.refused, by)
    return Loaded(read=len(scores.rows), changed=changed, refused=scores.refused)


async def _note(
    shop: Shop, conn: Any, kind: str, name: str, digest: str, made: int | None, count: int, changed: int,
    refused: Sequence[Refused], by: Principal,
) -> None:  # fmt: skip
    await store.put_load(
        conn,
        {"load_id": shop.ids(), "kind": kind, "name": name, "digest": digest, "made_at": made, "read": count,
         "changed": changed, "refused": msgspec.to_builtins(list(refused[:_KEPT])), "loaded_at": shop.clock.now(),
         "loaded_by": by.id},
    )  # fmt: skip
