"""Alarms, limits and scores over the alarms room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from wardbridge.alarms import desk, store
from wardbridge.alarms.limits import SITE, Limit
from wardbridge.alarms.news2 import LABELS
from wardbridge.core.clock import Clock
from wardbridge.core.db import Pool, transaction
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.devices.store import places, registry
from wardbridge.security.principal import Principal
from wardbridge.terminology.slots import BY_NAME, SLOTS
from wardbridge.web import views as v
from wardbridge.web.words import _

SCORE_SINCE = 24
SPARKS = 24


def score_view(rows: Sequence[Any]) -> v.Score:
    """The newest of a patient's scores with the course before it; rows as the alarms store gives them."""
    time, total, band, parts, missing = rows[-1]
    step = max(1, len(rows) // SPARKS)
    trend = [(row[0], row[1]) for row in rows[::-step] if row[1] is not None]
    return v.Score(
        total=total,
        band=band,
        parts=tuple((LABELS.get(name, name), str(text), int(points)) for name, text, points in parts),
        missing=tuple(LABELS.get(name, name) for name in missing),
        time=time,
        trend=tuple(reversed(trend)),
    )


async def alarm_views(pool: Pool, rows: Iterable[Any]) -> list[v.Alarm]:
    """Rows of the alarms store with the labels of their beds and devices."""
    found = list(rows)
    beds = {place.place_id: place.bed or place.label for place in await places.every(pool)} if found else {}
    ids = sorted({row["device_id"] for row in found if row["device_id"]})
    labels = {d.device_id: d.label for d in await registry.devices(pool, parent=None, ids=ids)} if ids else {}
    return [
        v.Alarm(
            id=str(row["alarm_id"]), priority=row["priority"], kind=row["kind"], text=row["text"],
            state=row["state"], origin=row["origin"], place_id=row["place_id"],
            bed=beds.get(row["place_id"], ""), patient_id=row["patient_id"], device_id=row["device_id"],
            device=labels.get(row["device_id"], ""), slot=row["slot"], value=row["value"],
            limit=row["limit_text"], since=row["since"], last=row["last"],
            acknowledged_by=row["acknowledged_by"], acknowledged_at=row["acknowledged_at"],
        )
        for row in found
    ]  # fmt: skip


class AlarmDesk:
    """Answers :class:`wardbridge.web.sources.Alarms`."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def active(self, ward_id: str | None = None) -> Sequence[v.Alarm]:
        chosen = None
        if ward_id is not None:
            chosen = [place.place_id for place in await places.every(self._pool, ward_id)]
        return await alarm_views(self._pool, await store.active(self._pool, chosen))

    async def past(self, place_id: str, since: int, limit: int = 50) -> Sequence[v.Alarm]:
        return await alarm_views(self._pool, await store.past(self._pool, place_id, since, limit))

    async def acknowledge(self, alarm_id: str, by: Principal) -> v.Alarm:
        if not alarm_id.isdecimal():
            raise NotFound(_("There is no such alarm."), "alarm")
        async with transaction(self._pool) as conn:
            row = await desk.acknowledge(conn, int(alarm_id), by.display, self._clock)
        return (await alarm_views(self._pool, [row]))[0]

    async def limits(self, scope: str) -> Sequence[v.Limit]:
        """The limits that hold in ``scope``, in the order of the parameters; those not set are open."""
        stored = await store.limits(self._pool, await self._scopes(scope))
        found = {limit.slot: (limit, "site") for limit in SITE}
        for one in await self._scopes(scope):
            for limit in stored.get(one, ()):
                found[limit.slot] = (limit, one.partition("/")[0])
        rows = []
        for slot in SLOTS:
            limit, source = found.get(slot.name, (Limit(slot.name, None, None, "medium", 10), "site"))
            rows.append(
                v.Limit(
                    slot=slot.name,
                    label=slot.label,
                    unit=slot.unit,
                    low=limit.low,
                    high=limit.high,
                    priority=limit.priority,
                    delay_seconds=limit.delay_seconds,
                    source=source,
                    by=limit.by,
                    time=limit.at,
                )
            )
        return rows

    async def _scopes(self, scope: str) -> list[str]:
        kind, _sep, name = scope.partition("/")
        if kind != "patient":
            return ["site", scope]
        beds = [device for device in await registry.devices(self._pool) if device.patient_id == name]
        wards = {place.place_id: place.ward for place in await places.every(self._pool)}
        ward = next((wards[device.place_id] for device in beds if device.place_id in wards), "")
        return ["site", *([f"ward/{ward}"] if ward else []), scope]

    async def set_limit(self, scope: str, limit: v.Limit, by: Principal) -> None:
        async with transaction(self._pool) as conn:
            await desk.set_limit(
                conn, scope,
                Limit(limit.slot, limit.low, limit.high, limit.priority, limit.delay_seconds),
                by.display, self._clock,
            )  # fmt: skip

    async def clear_limit(self, scope: str, slot: str, by: Principal) -> None:
        """Back to what the wider scope says. ``site`` itself cannot be cleared."""
        if scope == "site" or slot not in BY_NAME:
            raise Invalid(_("This parameter has no limits."), "slot")
        async with transaction(self._pool) as conn:
            await store.drop_limit(conn, scope, slot)
