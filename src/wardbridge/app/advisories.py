"""What ``wardbridge register load-advisories`` and ``match`` do, and what the server does after a load."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

from wardbridge.app.register import opened
from wardbridge.core.settings import Settings
from wardbridge.equipment.advisories import load, parse
from wardbridge.equipment.advisories.load import Report
from wardbridge.equipment.advisories.rematch import vague
from wardbridge.equipment.advisories.store import documents, now
from wardbridge.equipment.campaigns import watch
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import SYSTEM

_MOST = 1_000_000


async def load_paths(settings: Settings, paths: Iterable[Path]) -> Report:
    """Read files and folders into the register of advisories. Machines are matched by ``match`` and by the server."""
    async with opened(settings) as shop:
        return await load.load(shop, parse.of_paths(paths), SYSTEM)


def report(done: Report, most: int = 50) -> list[str]:
    """What a load came to, for people at a terminal."""
    out = [f"{kind}: " + ", ".join(f"{count} {state}" for state, count in states.items())
           for kind, states in sorted(done.kinds.items())]  # fmt: skip
    out += [f"passed over, holds no advisories: {name}" for name in done.passed]
    out.append(f"refused: {done.refused}")
    out += [f"  {one.file} {one.place}: {one.reason}" for one in done.refusals[:most]]
    return out


async def match_lines(settings: Settings) -> list[dict[str, Any]]:
    """Match, then one value an advisory that concerns a machine: the machines, where, in use, why, how certain."""
    async with opened(settings) as shop:
        await watch.update(shop, SYSTEM)
        return [line async for line in lines(shop)]


async def lines(shop: Shop) -> AsyncIterator[dict[str, Any]]:
    """Every advisory that concerns a machine, exploited ones first, with its machines as they are now; no patients."""
    found = await now.matched_now(shop.pool)
    listed = await documents.listed(shop.pool, only="concerns", limit=_MOST)
    wide = await vague(shop, [one.advisory_id for one in listed if one.broad])
    places = await now.machines_now(shop.pool, sorted({m.device_id for several in wide.values() for m in several}))
    for one in listed:
        rows = [_line(row, row.certainty, row.why, row.unknown, row.state) for row in found.get(one.advisory_id, ())]
        rows += [
            _line(places[m.device_id], m.certainty, m.why, m.unknown, "open") for m in wide.get(one.advisory_id, ())
        ]
        yield {
            "advisory": one.advisory_id, "number": one.number, "kind": one.kind, "title": one.title,
            "publisher": one.publisher, "severity": one.severity, "cves": list(one.cves), "kev": one.kev,
            "ransomware": one.ransomware, "devices": rows,
        }  # fmt: skip


def line_of(found: Mapping[str, Any], *, as_json: bool) -> str:
    """An advisory of :func:`lines` as JSON, or in words."""
    if as_json:
        return json.dumps(found, ensure_ascii=False)
    out = [f"{found['number']} {found['title']}{' [exploited]' if found['kev'] else ''}"]
    for row in found["devices"]:
        use = "in use" if row["in_use"] else "free"
        place = " ".join(part for part in (row["ward"], row["room"], row["bed"]) if part) or "no place"
        out.append(
            f"  {row['certainty']}: {row['tag'] or row['device']} {row['model']} {row['serial']} – {place}, {use}"
        )
        out += [f"    {text}" for text in (*row["why"], *(f"not known: {what}" for what in row["unknown"]))]
    return "\n".join(out)


def _line(
    row: now.Affected, certainty: str, why: tuple[str, ...], unknown: tuple[str, ...], decision: str
) -> dict[str, Any]:
    return {
        "device": row.device_id, "tag": row.tag, "manufacturer": row.manufacturer, "model": row.model,
        "serial": row.serial, "firmware": row.firmware, "ward": row.ward, "room": row.room, "bed": row.bed,
        "place": row.place, "in_use": row.in_use, "certainty": certainty, "why": list(why), "unknown": list(unknown),
        "decision": decision,
    }  # fmt: skip
