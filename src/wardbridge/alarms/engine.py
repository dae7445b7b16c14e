"""The leader that watches every bed: limits each second, silent devices, NEWS2, and its own heartbeat.

It is a secondary display's engine (IHE SDPi role DIS): it raises and shows, and never silences a device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

from wardbridge.alarms import store
from wardbridge.alarms.beds import BedNow, Beds, Live, pick, pick_named
from wardbridge.alarms.limits import Limit, Watch, effective, watch
from wardbridge.alarms.news2 import LABELS, Score, score
from wardbridge.core.clock import DAY, HOUR, MINUTE, SECOND, Clock
from wardbridge.core.db import Connection, Pool, transaction
from wardbridge.core.errors import Unavailable
from wardbridge.terminology.slots import BY_NAME, SLOTS

log = structlog.get_logger(__name__)

SILENT_SECONDS = 30
SCORE_EVERY = 15 * SECOND
SCORE_KEPT_EVERY = 15 * MINUTE
INPUT_LIFE = {
    "consciousness": 12 * HOUR,
    "oxygen": 12 * HOUR,
    "temp": 8 * HOUR,
    "rr": 4 * HOUR,
    "spo2": 4 * HOUR,
    "sys": 4 * HOUR,
    "hr": 4 * HOUR,
}
"""How long a charted value counts in a score when no device gives a live one."""
LIVE_SECONDS = {"hr": 60, "spo2": 60, "rr": 60, "abp-sys": 60, "nibp-sys": 4 * 3600, "temp": 3600}
"""How long a device's last value counts in a score."""
_BAND_ALARM = {
    "high": ("high", "emergency assessment"),
    "medium": ("medium", "urgent review"),
    "single": ("medium", "urgent review"),
}


class Wanted(msgspec.Struct, frozen=True):
    """An alarm that should stand now; the engine makes the table agree."""

    origin: str
    key: str
    text: str
    priority: str
    kind: str
    place_id: str
    patient_id: str = ""
    device_id: str = ""
    slot: str = ""
    code: int = 0
    value: str = ""
    limit_text: str = ""


def limit_alarm(bed: BedNow, limit: Limit, side: str, value: Live) -> Wanted:
    """The alarm of a broken limit: ``SpO₂ 84 < 88``."""
    slot = BY_NAME[limit.slot]
    bound = limit.low if side == "low" else limit.high
    sign = "<" if side == "low" else ">"
    return Wanted(
        "limit",
        f"{bed.patient_id}|{limit.slot}",
        f"{slot.label} {'low' if side == 'low' else 'high'}",
        limit.priority,
        "physiological",
        bed.place_id,
        bed.patient_id,
        value.device_id,
        limit.slot,
        value.code,
        f"{value.text} {slot.unit}",
        f"{sign} {bound:g}",
    )


class Engine:
    """One pass a second over all beds. Only one engine may run (app.py holds a lock for it)."""

    def __init__(self, pool: Pool, clock: Clock, beds: Beds, *, silent_seconds: int = SILENT_SECONDS) -> None:
        self._pool = pool
        self._clock = clock
        self._beds = beds
        self._silent = silent_seconds * SECOND
        self._watches: dict[tuple[str, str], Watch] = {}
        self._scored: dict[str, tuple[int, Score]] = {}
        self._next_score = 0

    async def run(self) -> None:
        """Watch until cancelled. A database that is away is waited for; nothing is forgotten meanwhile."""
        while True:
            try:
                await self.pass_once()
            except Unavailable as error:
                log.warning("alarms.waiting", reason=error.message)
            except Exception:
                log.exception("alarms.pass_failed")
            await self._clock.sleep(1.0)

    async def pass_once(self) -> int:
        """One look at everything; how many alarms changed."""
        now = self._clock.now()
        beds = await self._beds.now()
        async with transaction(self._pool) as conn:
            stored = await store.limits(conn)
            resting = await store.standby(conn)
            wanted: dict[tuple[str, str], Wanted] = {}
            sounding = {(row["place_id"], row["slot"]) for row in await store.open_of(conn, "device")}
            for bed in beds:
                if bed.place_id in resting:
                    continue
                for alarm in (*self._limits(bed, stored, sounding, now), *self._silence(bed, now)):
                    wanted[alarm.origin, alarm.key] = alarm
            if now >= self._next_score:
                self._next_score = now + SCORE_EVERY
                await self._score(conn, beds, now)
            for bed in beds:
                scored = self._score_alarm(bed)
                if scored is not None and bed.place_id not in resting:
                    wanted[scored.origin, scored.key] = scored
            changed = await self._settle(conn, wanted, now)
            await store.beat(conn, now)
            if changed:
                await store.ring(conn)
        return changed

    def _limits(
        self, bed: BedNow, stored: dict[str, list[Limit]], sounding: set[tuple[str, str]], now: int
    ) -> list[Wanted]:
        if not bed.patient_id:
            return []
        found = []
        limits = effective(stored, bed.ward, bed.patient_id)
        for slot in SLOTS:
            limit = limits.get(slot.name)
            if limit is None:
                continue
            key = (bed.patient_id, slot.name)
            value = pick(bed.values, slot, now)
            known = self._watches.get(key, Watch())
            if value is None or value.number is None:
                # No live value: a standing alarm stays until a live value shows that it is over.
                value = next((v for v in bed.values if v.code in slot.codes), None)
            else:
                known = self._watches[key] = watch(known, limit, value.number, now)
            # The device itself sounds for this parameter: one alarm is enough.
            if known.alarm and value is not None and (bed.place_id, slot.name) not in sounding:
                found.append(limit_alarm(bed, limit, known.alarm, value))
        return found

    def _silence(self, bed: BedNow, now: int) -> list[Wanted]:
        if not bed.patient_id:
            return []
        return [
            Wanted(
                "link",
                machine.device_id,
                f"No data from {machine.label}",
                "medium",
                "technical",
                bed.place_id,
                bed.patient_id,
                machine.device_id,
            )
            for machine in bed.machines
            if machine.last_seen and not machine.standby and now - machine.last_seen > self._silent
        ]

    async def _score(self, conn: Connection, beds: Sequence[BedNow], now: int) -> None:
        patients = [bed.patient_id for bed in beds if bed.patient_id]
        charted = await store.inputs(conn, patients, now - DAY)
        present = set(patients)
        self._scored = {patient: known for patient, known in self._scored.items() if patient in present}
        for bed in beds:
            if not bed.patient_id:
                continue
            result = score(gather(bed, charted.get(bed.patient_id, {}), now))
            kept_at, kept = self._scored.get(bed.patient_id, (0, None))
            if result.total is None:
                continue
            if kept is None or result.total != kept.total or now - kept_at >= SCORE_KEPT_EVERY:
                await store.add_score(conn, bed.patient_id, "NEWS2", now, result)
                kept_at = now
            self._scored[bed.patient_id] = (kept_at, result)

    def _score_alarm(self, bed: BedNow) -> Wanted | None:
        known = self._scored.get(bed.patient_id) if bed.patient_id else None
        if known is None or known[1].band not in _BAND_ALARM:
            return None
        result = known[1]
        priority, action = _BAND_ALARM[result.band]
        worst = max(result.parts, key=lambda part: part[2])
        return Wanted(
            "score",
            f"{bed.patient_id}|NEWS2",
            f"NEWS2 {result.total}: {action}",
            priority,
            "physiological",
            bed.place_id,
            bed.patient_id,
            limit_text=f"{LABELS[worst[0]]} {worst[1]} scores {worst[2]}",
        )

    async def _settle(self, conn: Connection, wanted: dict[tuple[str, str], Wanted], now: int) -> int:
        """Make the table agree with ``wanted``; how many rows changed in a way that a screen shows."""
        changed = 0
        standing: dict[tuple[str, str], Any] = {}
        for origin in ("limit", "link", "score"):
            for row in await store.open_of(conn, origin):
                standing[origin, row["key"]] = row
        for key, alarm in wanted.items():
            row = standing.pop(key, None)
            if row is None:
                alarm_id = await store.insert(
                    conn, state="active", since=now, last=now, **msgspec.structs.asdict(alarm)
                )
                await store.add_event(conn, alarm_id, "", now, "start", alarm.priority, "active")
                changed += 1
            elif (row["text"], row["value"], row["priority"], row["place_id"]) != (
                alarm.text,
                alarm.value,
                alarm.priority,
                alarm.place_id,
            ):
                worse = _RANK[alarm.priority] > _RANK[row["priority"]]
                await store.update(
                    conn,
                    row["alarm_id"],
                    text=alarm.text,
                    value=alarm.value,
                    priority=alarm.priority,
                    limit_text=alarm.limit_text,
                    place_id=alarm.place_id,
                    last=now,
                    # A rise in priority is news: an acknowledgement of the lesser alarm does not cover it.
                    **({"acknowledged_by": "", "acknowledged_at": 0} if worse else {}),
                )
                if alarm.priority != row["priority"]:
                    phase = "escalate" if worse else "deescalate"
                    await store.add_event(conn, row["alarm_id"], "", now, phase, alarm.priority, "active")
                changed += 1
        for row in standing.values():
            await store.update(conn, row["alarm_id"], state="inactive", last=now, ended=now)
            await store.add_event(conn, row["alarm_id"], "", now, "end", row["priority"], "inactive")
            changed += 1
        return changed

    async def load(self) -> None:
        """Take up after a restart: standing limit alarms are watched on as if nothing had happened."""
        now = self._clock.now()
        for row in await store.open_of(self._pool, "limit"):
            patient, _, slot = row["key"].partition("|")
            side = "low" if row["limit_text"].startswith("<") else "high"
            self._watches[patient, slot] = Watch(side, now, side)


_RANK = {"info": 0, "low": 1, "medium": 2, "high": 3}


def gather(bed: BedNow, charted: dict[str, tuple[str, int]], now: int) -> dict[str, str]:
    """The texts that a NEWS2 is computed from: live device values first, then what people charted."""
    found: dict[str, str] = {}
    for name, slots in (
        ("rr", ("rr",)),
        ("spo2", ("spo2",)),
        ("sys", ("abp-sys", "nibp-sys")),
        ("hr", ("hr",)),
        ("temp", ("temp",)),
    ):
        for slot in slots:
            value = pick_named(bed.values, slot, now, LIVE_SECONDS[slot])
            if value is not None:
                found[name] = value.text
                break
    for name, (text, time) in charted.items():
        if name not in found and name in INPUT_LIFE and now - time <= INPUT_LIFE[name]:
            found[name] = text
    return found
