"""What a tablet does not hold yet: orders of its person, the list of machines, parts. Never a patient.

A tablet says the mark of everything that it holds; what has another mark is sent, what is no longer theirs is named.
Times go out in ms of our clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.equipment.bench.protocol import Request
from wardbridge.equipment.bench.store import mine as store
from wardbridge.equipment.bench.store import operations
from wardbridge.equipment.bench.store import stock as stores
from wardbridge.equipment.register import store as register
from wardbridge.equipment.register.values import Now
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work.store import orders, procedures
from wardbridge.equipment.work.values import Note, Work

ORDERS = 200
"""A tablet holds the nearest of its person's orders."""
NOTES = 20
BUCKETS = 64
"""Buckets of the list of machines that go out at a time (of 256)."""
KIT = 3000
Json = dict[str, Any]


def ms(at: int | None) -> int | None:
    """µs as the ms that a browser counts in."""
    return None if at is None else at // 1000


def mark(content: Any) -> str:
    """The digest by which a tablet says what it holds."""
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()[:16]


async def delta(shop: Shop, request: Request, person_id: str) -> Json:
    """The answer to a synchronisation beside the answers to its operations."""
    found = {one["id"]: one for one in await _orders(shop, person_id, request.teams)}
    marks = {ident: mark(one) for ident, one in found.items()}
    answer: Json = {
        "changed": [
            one | {"mark": marks[ident]} for ident, one in found.items() if request.have.get(ident) != marks[ident]
        ],
        "gone": [ident for ident in request.have if ident not in found],
        "unsettled": [_unsettled(one) for one in await operations.unsettled(shop.pool, person_id=person_id, limit=200)],
        "teams": await orders.teams(shop.pool),
    }
    if request.machines is not None:
        answer["machines"] = await _machines(shop, request.machines)
    if request.parts is not None:
        content = await _kit(shop)
        fresh = mark(content)
        answer["kit"] = None if fresh == request.parts else content | {"mark": fresh}
    return answer


def machine(now: Now, out_of_use: int | None) -> Json:
    """A machine as a tablet shows it; ``in_use`` None where it never spoke to us: then nobody knows."""
    return {
        "id": now.device_id, "name": now.name, "model": f"{now.manufacturer} {now.model}".strip(),
        "model_id": now.model_id, "tag": now.tag, "serial": now.serial, "state": now.state,
        "place": now.place or " ".join(part for part in (now.ward, now.bed) if part),
        "in_use": now.in_use if now.last_seen or now.in_use else None, "criticality": now.criticality,
        "out_of_use": ms(out_of_use),
    }  # fmt: skip


async def one_machine(shop: Shop, code: str) -> Json | None:
    """The machine of an asset number, serial number, UDI or id as it is now; None where there is none or several."""
    ids = await store.by_code(shop.pool, code.strip())
    if len(ids) != 1:
        return None
    (now,) = await register.now(shop.pool, ids)
    return machine(now, (await store.out_of_use(shop.pool, ids)).get(ids[0]))


async def _orders(shop: Shop, person_id: str, teams: Sequence[str]) -> list[Json]:
    ids = await store.work_ids(shop.pool, person_id, teams, ORDERS)
    if not ids:
        return []
    works = {one.work_id: one for one in await orders.get(shop.pool, ids)}
    devices = sorted({one.device_id for one in works.values() if one.device_id})
    machines = {one.device_id: one for one in await register.now(shop.pool, devices)}
    lines = {one.work.work_id: one for one in await orders.lines(shop.pool, ids)}
    steps = await store.steps(
        shop.pool, sorted({(one.procedure_id, one.procedure_version) for one in works.values() if one.procedure_id})
    )
    out = await store.out_of_use(shop.pool, devices)
    results: dict[str, Json] = {}
    for result in await procedures.results(shop.pool, ids):
        results.setdefault(result.work_id, {})[result.step] = {
            "text": result.text, "verdict": result.verdict, "by": result.by, "by_id": result.by_id, "at": ms(result.at),
        }  # fmt: skip
    notes: dict[str, list[Note]] = {}
    for note in await orders.notes(shop.pool, ids):
        notes.setdefault(note.work_id, []).append(note)
    parts: dict[str, list[Json]] = {}
    for work_id, number, name, quantity in await store.used(shop.pool, ids):
        parts.setdefault(work_id, []).append({"number": number, "name": name, "quantity": f"{quantity:f}"})
    minutes = await store.minutes(shop.pool, ids)
    found = []
    for ident in ids:
        work, now = works[ident], machines.get(works[ident].device_id)
        found.append(
            _order(work)
            | {
                "machine": machine(now, out.get(now.device_id)) if now else None,
                "place": lines[ident].place,
                "steps": [_step(one) for one in steps.get((work.procedure_id, work.procedure_version), ())],
                "results": results.get(ident, {}),
                "notes": [{"text": one.text, "by": one.by, "at": ms(one.at)} for one in notes.get(ident, [])[-NOTES:]],
                "parts": parts.get(ident, []),
                "minutes": minutes.get(ident, 0),
            }
        )
    return found


def _order(work: Work) -> Json:
    return {
        "id": work.work_id, "number": work.number, "kind": work.kind, "name": work.name, "text": work.text,
        "state": work.state, "waiting_for": work.waiting_for, "priority": work.priority, "due": ms(work.due),
        "due_first": ms(work.due_first), "planned": ms(work.planned), "person_id": work.person_id,
        "person": work.person, "team": work.team, "taken_by": work.taken_by, "tries": work.tries,
        "late_reason": work.late_reason,
    }  # fmt: skip


def _step(step: Any) -> Json:
    return {
        "step": step.step, "kind": step.kind, "text": step.text, "unit": step.unit, "help": step.help,
        "low": None if step.low is None else f"{step.low:f}", "high": None if step.high is None else f"{step.high:f}",
        "instrument": step.instrument,
    }  # fmt: skip


def _unsettled(kept: operations.Kept) -> Json:
    return {
        "id": kept.operation_id, "kind": kept.kind, "state": kept.state, "text": kept.text, "work": kept.work_id,
        "there": kept.there, "body": kept.body, "at": ms(kept.happened),
    }  # fmt: skip


async def _machines(shop: Shop, have: dict[str, str]) -> Json:
    marks = await store.marks(shop.pool)
    stale = sorted(bucket for bucket, fresh in marks.items() if have.get(bucket) != fresh)
    rows = await store.machines(shop.pool, stale[:BUCKETS])
    return {
        "buckets": {bucket: {"mark": marks[bucket], "rows": found} for bucket, found in rows.items()},
        "gone": sorted(set(have) - set(marks)),
        "more": len(stale) > BUCKETS,
    }


async def _kit(shop: Shop) -> Json:
    return {
        "parts": await store.kit(shop.pool, KIT),
        "stores": [{"id": one.store_id, "name": one.name} for one in await stores.stores(shop.pool)],
        "instruments": [
            {"id": one.device_id, "name": one.name, "measures": one.measures, "due": ms(one.due)}
            for one in await procedures.instruments(shop.pool)
        ],
    }
