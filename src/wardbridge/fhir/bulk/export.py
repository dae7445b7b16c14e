"""Running an export: the record as it was at the transaction time, in one pass over it by key, file by file.

What is guaranteed: every resource is given in its state of ``transactionTime``, all of it and only that, however much
is written while the job runs and however often the worker is killed. Membership in a patient's compartment is judged
on that state too. ``_typeFilter`` alone is judged by the search index as it is when the job passes by.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from wardbridge.core.clock import SECOND, Clock
from wardbridge.fhir.bulk.files import LINES, Folder, references
from wardbridge.fhir.bulk.job import Export, Job
from wardbridge.fhir.bulk.store import jobs, view
from wardbridge.fhir.bulk.store.view import Seen
from wardbridge.fhir.definitions.search import compartment
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.rest.subset import subset
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.resolve import resolved

KEYS = 10_000
"""Keys looked at in one step; a step is what a killed worker does again at most."""
FEW = 1000
"""Of so many patients the resources are looked up by the index; of more, every resource is looked at."""
CHUNK_BYTES = 4 * 1024 * 1024
CHUNK = 1000
SETTLE_SECONDS = 0.05
CLOCK_STEP = 0.005
"""Seconds by which a transaction's begin and its own look at the clock may differ in rounding."""
Check = Callable[[], None]


@dataclass
class Exporting:
    """One run of one job. ``check`` raises Unavailable when the disk is nearly full."""

    record: Record
    clock: Clock
    folder: Path
    job: Job
    check: Check
    keys: int = KEYS
    lines: int = LINES

    async def run(self) -> None:
        """To the end of the job. Raises Cancelled; what is done is kept when it is interrupted."""
        job, pool = self.job, self.record.pool
        if not job.snapshot:
            await self._begin()
        elif job.state == "waiting":
            await jobs.begin(pool, job)
        self.plan = job.export
        try:
            self.files = Folder(self.folder, await jobs.files(pool, job.id), self.lines)
        except (EOFError, FileNotFoundError):
            # The database came from a backup, the files did not: from the start, as of now.
            await jobs.forget_files(pool, job.id)
            await self._begin()
            self.plan = job.export
            self.files = Folder(self.folder, (), self.lines)
        try:
            if job.progress.phase == "all":
                await self._all()
            if job.progress.phase == "related":
                await self._related()
        finally:
            self.files.close()

    async def _begin(self) -> None:
        """Wait until whoever was writing at the transaction time has ended; what they wrote belongs to it."""
        job, pool, plan = self.job, self.record.pool, self.job.export
        while await view.writers(pool, (self.clock.now() - job.created) / SECOND - CLOCK_STEP):
            await self.clock.sleep(SETTLE_SECONDS)
        job.snapshot, end = await view.snapshot(pool)
        if plan.group and job.progress.phase == "":
            plan = msgspec.structs.replace(plan, patients=await self._members(plan))
        job.plan = msgspec.to_builtins(plan)
        job.progress.phase, job.progress.cursor, job.progress.end = "all", 0, end
        job.progress.counts = {}
        await jobs.begin(pool, job)

    async def _members(self, plan: Export) -> tuple[str, ...]:
        """The patients of the group, of those that were asked for, as it was at the transaction time."""
        pool, numbers = self.record.pool, self.record.numbers
        found = await view.named(pool, numbers, self.job.snapshot, plan.until, -1, [("Group", plan.group)])
        (body,) = await view.bodies(pool, found) if found and not found[0].deleted else (b"",)
        members = members_of(loads(body)) if body else []
        return tuple(id_ for id_ in members if plan.patients is None or id_ in plan.patients)

    async def _all(self) -> None:
        job, plan, pool = self.job, self.plan, self.record.pool
        while job.progress.cursor < job.progress.end:
            cursor = job.progress.cursor
            among = await self._candidates(cursor)
            upto = min(cursor + self.keys, job.progress.end)
            if among is not None:
                upto = among[-1] if len(among) == self.keys else job.progress.end
            seen = await view.resources(
                pool, self.record.numbers, job.snapshot, plan.until, plan.since, plan.types, cursor, upto, among
            )
            await self._write(await self._wanted(seen))
            job.progress.cursor = upto
            await self._step()
        if plan.related:
            job.progress.phase, job.progress.cursor = "related", 0
        else:
            job.progress.phase = "end"
        await self._step()

    async def _candidates(self, cursor: int) -> list[int] | None:
        """The keys to look at next for an export of few patients; None: every key."""
        plan = self.plan
        if plan.patients is None or len(plan.patients) > FEW:
            return None
        numbers = self.record.numbers
        links = view.link_numbers(numbers, compartment("Patient"), plan.types)
        return await view.candidates(
            self.record.pool,
            numbers,
            plan.until,
            plan.since,
            plan.types,
            plan.patients,
            links,
            cursor,
            self.keys,
        )

    async def _related(self) -> None:
        """Resources outside the compartment that what was exported refers to: by name, in order."""
        job, plan, pool = self.job, self.plan, self.record.pool
        found: set[tuple[str, str]] = set()
        for file in list(self.files.files.values()):
            if file.kind == "output" and file.type not in plan.related:
                found |= await asyncio.to_thread(references, self.files.path / file.name, plan.related)
        names = sorted(found)
        job.progress.end = len(names)
        while job.progress.cursor < len(names):
            some = names[job.progress.cursor : job.progress.cursor + CHUNK]
            seen = await view.named(pool, self.record.numbers, job.snapshot, plan.until, plan.since, some)
            await self._write(await self._filtered([one for one in seen if not one.deleted]))
            job.progress.cursor += len(some)
            await self._step()
        job.progress.phase = "end"
        await self._step()

    async def _step(self) -> None:
        self.check()
        changed = await asyncio.to_thread(self.files.sync)
        await jobs.step(self.record.pool, self.job, changed)

    # --- which resources -----------------------------------------------------------------------------------------

    async def _wanted(self, seen: Sequence[Seen]) -> list[Seen]:
        kept = [one for one in seen if not one.deleted or self.plan.since >= 0]
        if self.plan.level != "system":
            # Whose a deleted resource was, the version before says.
            judged = [
                replace(one, version=one.version - 1, deleted=False, current=False) if one.deleted else one
                for one in kept
            ]
            members = await self._members_of_compartment(judged)
            kept = [one for one in kept if one.key in members]
        return await self._filtered(kept)

    async def _members_of_compartment(self, seen: Sequence[Seen]) -> set[int]:
        patients = self.plan.patients
        wanted = None if patients is None else set(patients)
        found = {one.key for one in seen if one.type == "Patient" and (wanted is None or one.id in wanted)}
        links = compartment("Patient")
        others = [one for one in seen if one.type != "Patient"]
        now = [one.key for one in others if one.current]
        if now:
            parameters = view.link_numbers(self.record.numbers, links, sorted({one.type for one in others}))
            found |= await view.of_patients(self.record.pool, self.record.numbers, now, parameters, patients)
        async for one, body in self._bodies([one for one in others if not one.current]):
            if body and patients_linked(self.record, loads(body), links.get(one.type, ()), wanted):
                found.add(one.key)
        return found

    async def _filtered(self, seen: list[Seen]) -> list[Seen]:
        filtered = {one.type for one in self.plan.filters}
        keys = {one.key for one in seen if one.type not in filtered or one.deleted}
        for wanted in self.plan.filters:
            among = [one.key for one in seen if one.type == wanted.type and not one.deleted]
            if among:
                query = self.record.query([wanted.type], wanted.parameters)
                query = await resolved(query, self.record.terms, self.record.pool, self.record.numbers)
                keys |= await view.matching(self.record.pool, self.record.numbers, query, among)
        return [one for one in seen if one.key in keys]

    # --- writing them --------------------------------------------------------------------------------------------

    async def _write(self, seen: Sequence[Seen]) -> None:
        counts = self.job.progress.counts
        lines: dict[str, list[bytes]] = {}
        held = 0
        async for one, body in self._bodies([one for one in seen if not one.deleted]):
            if body:
                text = self._shape(one.type, body)
                lines.setdefault(one.type, []).append(text)
                held += len(text)
                counts[one.type] = counts.get(one.type, 0) + 1
            if held > CHUNK_BYTES:
                self._flush(lines)
                held = 0
        self._flush(lines)
        self.files.write("deleted", "Bundle", [deletion(one) for one in seen if one.deleted])

    def _flush(self, lines: dict[str, list[bytes]]) -> None:
        for type_name, some in lines.items():
            self.files.write("output", type_name, some)
        lines.clear()

    async def _bodies(self, seen: Sequence[Seen]) -> AsyncIterator[tuple[Seen, bytes]]:
        """With their bodies, a few megabytes at a time."""
        for chunk in chunks(seen):
            for one, body in zip(chunk, await view.bodies(self.record.pool, chunk), strict=True):
                yield one, body

    def _shape(self, type_name: str, body: bytes) -> bytes:
        elements = (*self.plan.elements.get("", ()), *self.plan.elements.get(type_name, ()))
        return subset(body, "", elements) if elements else body.replace(b"\n", b" ")


def chunks(seen: Sequence[Seen]) -> Iterable[list[Seen]]:
    chunk: list[Seen] = []
    size = 0
    for one in seen:
        if chunk and (size + one.size > CHUNK_BYTES or len(chunk) >= CHUNK):
            yield chunk
            chunk, size = [], 0
        chunk.append(one)
        size += one.size
    if chunk:
        yield chunk


def members_of(group: dict[str, Any]) -> list[str]:
    """The patients of a Group that are not marked as inactive."""
    out = []
    for member in group.get("member", ()):
        reference = member.get("entity", {}).get("reference", "")
        if reference.startswith("Patient/") and not member.get("inactive"):
            out.append(reference.removeprefix("Patient/").split("/")[0])
    return list(dict.fromkeys(out))


def patients_linked(record: Record, resource: dict[str, Any], codes: Sequence[str], wanted: set[str] | None) -> bool:
    """Whether one of these parameters of the resource refers to a patient, or to one of ``wanted``."""
    type_name = resource["resourceType"]
    numbers = set(view.link_numbers(record.numbers, {type_name: codes}, [type_name]))
    rows = record.numbers.extractor(type_name)(resource).reference
    return any(row[0] in numbers and row[2] == "Patient" and (wanted is None or row[3] in wanted) for row in rows)


def deletion(one: Seen) -> bytes:
    """A line of the ``deleted`` files (export.html#response---complete-status)."""
    entry = {"request": {"method": "DELETE", "url": f"{one.type}/{one.id}"}}
    return dumps({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
