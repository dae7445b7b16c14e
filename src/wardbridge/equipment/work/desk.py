"""What people and machines do about machines: report a fault, take it, mend it; plan and do maintenance."""

from __future__ import annotations

import msgspec

from wardbridge.core.clock import DAY, Clock
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.core.ids import Ids, random_ids
from wardbridge.devices.ports import Record
from wardbridge.devices.values import DeviceEvent
from wardbridge.equipment.work import store
from wardbridge.equipment.work.resources import resources
from wardbridge.equipment.work.values import Work

TEXT_LIMIT = 2000


class Workshop:
    """Changes to work, each with its FHIR resources in the caller's transaction."""

    def __init__(self, record: Record, clock: Clock, ids: Ids = random_ids) -> None:
        self._record = record
        self._clock = clock
        self._ids = ids

    async def report(
        self, conn: Connection, device_id: str, text: str, by: str, *, code: str = "", priority: str = "routine"
    ) -> Work:
        """Report a fault. Raises Invalid without a text. The same machine-coded fault is open only once."""
        text = text.strip()
        if not text or len(text) > TEXT_LIMIT:
            raise Invalid(f"say in 1 to {TEXT_LIMIT} characters what is wrong", "text")
        if code:
            known = await store.open_fault(conn, device_id, code)
            if known is not None:
                return known
        name = text.splitlines()[0][:120]
        return await self._save(
            conn,
            Work(
                self._ids(),
                device_id,
                "fault",
                name,
                text,
                "open",
                by,
                self._clock.now(),
                self._ids(),
                self._ids(),
                code=code,
                priority=priority,
            ),
        )

    async def plan(
        self,
        conn: Connection,
        device_id: str,
        name: str,
        due: int,
        interval_days: int | None,
        by: str,
        *,
        reported_at: int | None = None,
    ) -> Work | None:
        """Plan maintenance due at ``due`` (µs). None where this plan is open already."""
        if not name.strip() or (interval_days is not None and interval_days < 1):
            raise Invalid("a plan has a name and an interval of at least a day", "name")
        work = Work(
            self._ids(),
            device_id,
            "maintenance",
            name.strip(),
            name.strip(),
            "open",
            by,
            self._clock.now() if reported_at is None else reported_at,
            self._ids(),
            self._ids(),
            interval_days=interval_days,
            due=due,
        )
        if not await store.put(conn, work):
            return None
        await self._record.put(conn, resources(work))
        return work

    async def take(self, conn: Connection, work_id: str, by: str) -> Work:
        """Take open work. Raises NotFound, and Conflict when it is done or somebody else's."""
        work = await self._locked(conn, work_id)
        if work.state == "taken" and work.taken_by == by:
            return work
        if work.state != "open":
            raise Conflict(f"already {work.state} by {work.done_by or work.taken_by}")
        return await self._save(
            conn, msgspec.structs.replace(work, state="taken", taken_by=by, taken_at=self._clock.now())
        )

    async def resolve(self, conn: Connection, work_id: str, text: str, by: str) -> Work:
        """Finish work with what was done; a plan with an interval falls due anew.

        Raises NotFound, Conflict when it is done already, Invalid without a text.
        """
        text = text.strip()
        if not text or len(text) > TEXT_LIMIT:
            raise Invalid(f"say in 1 to {TEXT_LIMIT} characters what was done", "text")
        work = await self._locked(conn, work_id)
        if work.state == "resolved":
            raise Conflict(f"already done by {work.done_by}")
        now = self._clock.now()
        done = await self._save(
            conn,
            msgspec.structs.replace(
                work,
                state="resolved",
                done_by=by,
                done_at=now,
                resolution=text,
                taken_by=work.taken_by or by,
                taken_at=work.taken_at or now,
            ),
        )
        if done.kind == "maintenance" and done.interval_days:
            await self.plan(conn, done.device_id, done.name, now + done.interval_days * DAY, done.interval_days, by)
        return done

    async def _locked(self, conn: Connection, work_id: str) -> Work:
        work = await store.locked(conn, work_id)
        if work is None:
            raise NotFound("there is no such work")
        return work

    async def _save(self, conn: Connection, work: Work) -> Work:
        if await store.put(conn, work):
            await self._record.put(conn, resources(work))
        return work


class DeviceFaults:
    """The devices room's EventSink: a fault that a machine reports of itself becomes work for biomed."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    async def apply(
        self,
        conn: Connection,
        device_id: str,
        patient_id: str | None,
        place_id: str | None,
        event: DeviceEvent,
        received: int,
    ) -> None:
        """Open a fault once per code while it lasts; a machine never closes one: people look first."""
        if event.name == "fault":
            await self._workshop.report(
                conn,
                device_id,
                event.text or event.code or "The device reports a fault",
                "the device itself",
                code=event.code or event.text[:60] or "fault",
                priority="urgent" if patient_id else "routine",
            )
