"""The results feed: changed Observations become ORU^R01 in a destination's queue, exactly once.

Reading the record's change log, queueing the messages and moving the mark are one transaction. The
queue sends at least once with the same MSH-10; together the receiver can see each result once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, Protocol

import structlog

from wardbridge.core.clock import Clock
from wardbridge.core.db import Connection, Pool, transaction
from wardbridge.core.errors import WardbridgeError
from wardbridge.exchange.feeds import store
from wardbridge.exchange.feeds.oru import Party, Result, oru, trial
from wardbridge.exchange.feeds.person import patient_ids, place
from wardbridge.exchange.outbound.message import Outbound, control_id
from wardbridge.exchange.outbound.store import queue
from wardbridge.fhir import json
from wardbridge.fhir.store.changes import Change, Mark
from wardbridge.fhir.store.values import Stored

log = structlog.get_logger(__name__)

TYPE = "ORU^R01^ORU_R01"


class Changes(Protocol):
    """What a feed needs of the record; ``wardbridge.fhir.store.record.Record`` is one."""

    async def changes(self, conn: Connection, after: Mark, limit: int, types: Sequence[str] = ()) -> list[Change]: ...

    async def latest(self, conn: Connection) -> Mark: ...

    async def read(self, type_name: str, id_: str, conn: Connection | None = None) -> Stored | None: ...

    async def vread(self, type_name: str, id_: str, version: int) -> Stored | None: ...


def every(observation: Any) -> bool:
    """Send all Observations."""
    return True


@dataclass
class _Group:
    """Results of one patient, encounter and device."""

    patient: str
    encounter: str
    results: list[Result]
    versions: list[str]


class ResultsFeed:
    """Feeds one destination. ``select`` says which Observations it gets; ``group`` is the most results
    of one patient and device in one message."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        record: Changes,
        destination: str,
        party: Party,
        *,
        zone: tzinfo = UTC,
        select: Callable[[Any], bool] = every,
        limit: int = 200,
        group: int = 50,
        ring: Callable[[], object] | None = None,
    ) -> None:
        self.pool = pool
        self.clock = clock
        self.record = record
        self.destination = destination
        self.party = party
        self.zone = zone
        self.select = select
        self.limit = limit
        self.group = group
        self.ring = ring
        self.name = f"results/{destination}"
        self.wake = asyncio.Event()

    async def step(self) -> int:
        """Deal with the next changes; how many there were.

        Raises Unavailable when the database is away; nothing is then queued and nothing skipped.
        """
        async with transaction(self.pool) as conn:
            mark = await store.mark(conn, self.name)
            if mark is None:
                # A new feed begins with what changes from now on, not with the whole history.
                await store.begin(conn, self.name, str(await self.record.latest(conn)))
                return 0
            # Locking the mark costs an fsync at commit: look first whether there is anything.
            found = await self.record.changes(conn, Mark.parse(mark), self.limit, ("Observation",))
            if not found:
                return 0
            if await store.mark(conn, self.name, lock=True) != mark:
                # Another process has dealt with these meanwhile.
                return len(found)
            messages = [await self._message(conn, group) for group in await self._groups(found)]
            count = await queue.enqueue(conn, [message for message in messages if message], self.clock.now())
            await store.move(conn, self.name, str(found[-1].mark))
        if count:
            await queue.ring(self.pool)
            if self.ring is not None:
                self.ring()
        return len(found)

    async def run(self, idle: float = 2.0) -> None:
        """Serve until cancelled. Set ``wake`` when the record has changed."""
        while True:
            pause = idle
            try:
                self.wake.clear()
                if await self.step():
                    continue
            except WardbridgeError as error:
                log.warning("feed.waits", feed=self.name, error=type(error).__name__)
            except Exception:
                log.exception("feed.failed", feed=self.name)
                pause = max(idle, 10.0)
            bell, sleep = asyncio.ensure_future(self.wake.wait()), asyncio.ensure_future(self.clock.sleep(pause))
            try:
                await asyncio.wait({bell, sleep}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                bell.cancel()
                sleep.cancel()

    async def _groups(self, found: Sequence[Change]) -> list[_Group]:
        open_groups: dict[tuple[str, str, str, str], _Group] = {}
        groups: list[_Group] = []
        for change in found:
            stored = change.stored
            deleted = stored.body is None
            if deleted and stored.version > 1:
                before = await self.record.vread(stored.type, stored.id, stored.version - 1)
                body = before.body if before else None
            else:
                body = stored.body
            if body is None:
                continue
            observation = json.loads(body)
            if not self.select(observation):
                continue
            patient = _reference(observation, "subject", "Patient")
            if not patient:
                continue
            state = "void" if deleted or observation.get("status") == "entered-in-error" else "value"
            # A result and its correction never share a message; their order is kept.
            at = (
                patient,
                _reference(observation, "encounter", "Encounter"),
                _reference(observation, "device", "Device"),
                state,
            )
            group = open_groups.get(at)
            if (
                group is None
                or len(group.results) >= self.group
                or any(result.observation.get("id") == stored.id for result in group.results)
            ):
                group = open_groups[at] = _Group(at[0], at[1], [], [])
                groups.append(group)
            group.results.append(Result(observation, None, deleted))
            group.versions.append(f"{stored.id}/{stored.version}")
        return groups

    async def _message(self, conn: Connection, group: _Group) -> Outbound | None:
        patient = await self._read(conn, "Patient", group.patient)
        if patient is None:
            log.warning("feed.patient_missing", feed=self.name, results=len(group.results))
            return None
        encounter = await self._read(conn, "Encounter", group.encounter)
        location = None
        if encounter is not None:
            stays = [stay for stay in encounter.get("location", ()) if stay.get("status") != "planned"]
            if stays:
                location = await self._read(conn, "Location", _reference(stays[-1], "location", "Location"))
        device = await self._read(conn, "Device", _reference(group.results[0].observation, "device", "Device"))
        key = f"{self.name}:" + ",".join(group.versions)
        control = control_id(self.destination, key)
        body = oru(
            self.party,
            control,
            self.clock.now(),
            patient,
            [Result(result.observation, device, result.deleted) for result in group.results],
            encounter=encounter,
            place=place(location),
            zone=self.zone,
        )
        return Outbound(self.destination, control, TYPE, patient_ids(patient), body, control)

    async def _read(self, conn: Connection, kind: str, ident: str) -> dict[str, Any] | None:
        stored = await self.record.read(kind, ident, conn) if ident else None
        return json.loads(stored.body) if stored is not None and stored.body is not None else None


def _reference(resource: Any, name: str, kind: str) -> str:
    reference = str(resource.get(name, {}).get("reference", ""))
    head, _, ident = reference.rpartition("/")
    return ident if head.rpartition("/")[2] == kind else ""


async def send_test(pool: Pool, clock: Clock, destination: str, party: Party, chance: str, zone: tzinfo = UTC) -> str:
    """Queue a test message (processing id T); its control id. ``chance`` makes it one of its own."""
    control = control_id(destination, f"test:{chance}")
    async with transaction(pool) as conn:
        await queue.enqueue(
            conn,
            [Outbound(destination, control, TYPE, (), trial(party, control, clock.now(), zone), control)],
            clock.now(),
        )
    await queue.ring(pool)
    return control
