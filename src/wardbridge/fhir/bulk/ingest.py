"""Running an import: line by line, each batch in one transaction with its audit entries and with how far it has come.

A resource with an id is written at that id (as by PUT), one without gets an id of ours (as by POST). A line that is
wrong is passed over and named with its number in the error file; it spares the others. After a crash the job goes on
behind the last line that was committed: nothing is written twice and nothing is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from wardbridge.core.clock import Clock
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, WardbridgeError
from wardbridge.fhir.bulk.files import Folder
from wardbridge.fhir.bulk.job import File, Job, Progress, Source
from wardbridge.fhir.bulk.lines import MOST, Line, lines
from wardbridge.fhir.bulk.store import jobs
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.json import JsonError, dumps, loads
from wardbridge.fhir.rest.access import patients_of
from wardbridge.fhir.rest.call import ID
from wardbridge.fhir.rest.hooks import Audit, Decide, Prepare, Validate
from wardbridge.fhir.rest.outcome import issue, outcome
from wardbridge.fhir.store.group import repeat
from wardbridge.fhir.store.integrity import Integrity, check
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Put, Stored
from wardbridge.fhir.store.write import Outcome
from wardbridge.fhir.validate import operation_outcome
from wardbridge.security.audit import MINOR, SUCCESS, Access
from wardbridge.security.principal import Target

BATCH = 200
BATCH_BYTES = 4 * 1024 * 1024
YIELD = 20
"""Lines prepared in one go: then the statement of the batch before may move on."""
WRONG = ("error", "fatal")
REFUSED = "refused"
"""The count of lines that were passed over, beside ``created Patient`` and the like."""
NOT_WRITTEN = frozenset({"AuditEvent", "Parameters"})
"""Not written by anybody: one is the log of accesses, the other has no existence of its own."""


@dataclass(frozen=True)
class Ready:
    """A line that is ready: what is to be written, or what is wrong with it, or neither (a blank line)."""

    line: Line
    item: Put | None = None
    problem: bytes = b""


@dataclass
class Importing:
    """One run of one job. ``check`` raises Unavailable when the disk is nearly full."""

    record: Record
    clock: Clock
    folder: Path
    job: Job
    audit: Audit
    decide: Decide
    validate: Validate | None
    prepare: Mapping[str, Prepare]
    integrity: Integrity
    check: Callable[[], None]
    batch: int = BATCH

    async def run(self) -> None:
        """To the end of the job. Raises Cancelled, Invalid (a file is not there)."""
        job, pool = self.job, self.record.pool
        self.plan = job.imports
        self._may: dict[tuple[str, str], str] = {}
        paths = [self._path(source) for source in self.plan.sources]
        job.progress.end = sum(path.stat().st_size for path in paths)
        await jobs.begin(pool, job)
        self.kept: list[File] = await jobs.files(pool, job.id)
        try:
            self.files = Folder(self.folder, self.kept)
        except (EOFError, FileNotFoundError):
            # The list of errors came to grief, what was written did not: go on with a new list.
            await jobs.forget_files(pool, job.id)
            self.kept = []
            self.files = Folder(self.folder, ())
        try:
            while job.progress.source < len(paths):
                at = job.progress.source
                await self._source(self.plan.sources[at], paths[at])
                job.progress.before += job.progress.cursor
                job.progress.source, job.progress.cursor, job.progress.line = at + 1, 0, 0
                await jobs.step(pool, job, ())
        finally:
            self.files.close()

    def _path(self, source: Source) -> Path:
        path = Path(source.path)
        if not path.is_file():
            raise Invalid(f"{source.label} is not there any more", source.label)
        return path

    async def _source(self, source: Source, path: Path) -> None:
        """The next batch is read and validated while the database writes the one before."""
        writing: asyncio.Task[None] | None = None
        read = lines(path, self.job.progress.cursor, self.job.progress.line, MOST)
        try:
            while some := _some(read, self.batch):
                self.check()
                ready = await self._prepare(source, some)
                if writing is not None:
                    await writing
                writing = asyncio.create_task(self._commit(source, ready))
            if writing is not None:
                await writing
        finally:
            if writing is not None and not writing.done():
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)

    # --- reading -------------------------------------------------------------------------------------------------

    async def _prepare(self, source: Source, some: Sequence[Line]) -> list[Ready]:
        batch: list[Ready] = []
        for at, line in enumerate(some):
            if at % YIELD == 0:
                await asyncio.sleep(0)
            batch.append(Ready(line) if line.text == b"" else await self._ready(source, line))
        return batch

    async def _ready(self, source: Source, line: Line) -> Ready:
        bare = Line(line.number, line.end, b"")
        try:
            resource = self._resource(source, line)
            issues = [] if self.validate is None else list(await self.validate(resource))
            if not any(one.severity in WRONG for one in issues):
                prepare = self.prepare.get(resource["resourceType"])
                return Ready(bare, Put(resource if prepare is None else await prepare(self.job.principal, resource)))
        except WardbridgeError as error:
            return Ready(bare, None, _problem(source, line, [issue(error.code, error.message, error.where)]))
        return Ready(bare, None, _problem(source, line, operation_outcome(issues)["issue"]))

    def _resource(self, source: Source, line: Line) -> dict[str, Any]:
        """Raises Invalid, Forbidden."""
        if line.text is None:
            raise Invalid(f"the line is longer than {MOST} bytes")
        try:
            resource = loads(line.text)
        except JsonError as error:
            raise Invalid(f"the line is no JSON object: {error.message}") from error
        type_name, id_ = resource.get("resourceType"), resource.get("id")
        if not isinstance(type_name, str) or type_name not in resource_types() or type_name in NOT_WRITTEN:
            raise Invalid(f"{str(type_name)[:60]!r} cannot be imported", "resourceType")
        if source.type and type_name != source.type:
            raise Invalid(f"the file is said to hold {source.type}, this is {type_name}", "resourceType")
        if id_ is not None and not (isinstance(id_, str) and ID.fullmatch(id_)):
            raise Invalid("an id has 1 to 64 letters, digits, '-' and '.'", f"{type_name}.id")
        self._permit("update" if id_ else "create", type_name)
        return resource

    def _permit(self, action: str, type_name: str) -> None:
        reason = self._may.get((action, type_name))
        if reason is None:
            decision = self.decide(self.job.principal, action, Target("fhir", type_name, ""))
            reason = "" if decision.permit and not getattr(decision, "filter", ()) else decision.reason
            self._may[action, type_name] = reason
        if reason:
            raise NotPermitted(reason)

    # --- writing -------------------------------------------------------------------------------------------------

    async def _commit(self, source: Source, batch: Sequence[Ready]) -> None:
        try:
            await self._write(source, batch)
        except (Conflict, Invalid) as error:
            if len(batch) > 1:  # one of them breaks the statement for all: each by itself, and each step is kept
                for one in batch:
                    await self._commit(source, [one])
                return
            (one,) = batch
            problem = _problem(source, one.line, [issue(error.code, error.message, error.where)])
            await self._write(source, [Ready(one.line, None, problem)])

    async def _write(self, source: Source, batch: Sequence[Ready]) -> None:
        """Write the batch, its errors, its audit entries and the progress: all of it or nothing."""
        before = msgspec.json.encode(self.job.progress)
        items = [one.item for one in batch if one.item is not None]
        end = batch[-1].line

        async def work(conn: Connection) -> list[File]:
            self.job.progress = msgspec.json.decode(before, type=Progress)
            self.files.cut(self.kept)
            await check(conn, self.record.numbers, items, self.record.bases, self.integrity)
            outcomes = await self.record.attempt(conn, items) if items else []
            await self.audit.within(conn, *map(self._access, items, outcomes))
            self._count(source, batch, outcomes)
            changed = await asyncio.to_thread(self.files.sync)
            self.job.progress.cursor, self.job.progress.line = end.end, end.number
            await jobs.step(conn, self.job, changed)
            return [msgspec.structs.replace(file) for file in self.files.files.values()]

        try:
            self.kept = await repeat(self.record.pool, work)
        except BaseException:
            self.job.progress = msgspec.json.decode(before, type=Progress)
            raise

    def _count(self, source: Source, batch: Sequence[Ready], outcomes: Sequence[Outcome]) -> None:
        counts = self.job.progress.counts
        problems: list[bytes] = []
        outs = iter(outcomes)
        for one in batch:
            out = next(outs) if one.item is not None else None
            if isinstance(out, Stored):
                name = f"{'created' if out.created else 'updated'} {out.type}"
                counts[name] = counts.get(name, 0) + 1
            elif out is not None:
                problems.append(_problem(source, one.line, [issue(out.code, out.message, out.where)]))
            elif one.problem:
                problems.append(one.problem)
        if problems:
            counts[REFUSED] = counts.get(REFUSED, 0) + len(problems)
            self.files.write("error", "OperationOutcome", problems)

    def _access(self, item: Put, out: Outcome) -> Access:
        event = "update" if item.resource.get("id") else "create"
        if isinstance(out, Stored):
            return Access(
                self.job.principal, event, out.type, out.id, patients_of(out), SUCCESS, f"import {self.job.id}"
            )
        type_name, id_ = item.resource["resourceType"], item.resource.get("id") or ""
        return Access(self.job.principal, event, type_name, id_, (), MINOR, out.message)


class NotPermitted(Invalid):
    status = 403
    code = "forbidden"


def _some(read: Iterator[Line], most: int) -> list[Line]:
    out: list[Line] = []
    size = 0
    for line in islice(read, most):
        out.append(line)
        size += len(line.text or b"")
        if size > BATCH_BYTES:
            break
    return out


def _problem(source: Source, line: Line, issues: list[dict[str, Any]]) -> bytes:
    """A line of the error file: what is wrong with which line of which file."""
    where = f"{source.label}, line {line.number}"
    listed = [{**one, "diagnostics": f"{where}: {one.get('diagnostics') or _words(one)}"} for one in issues]
    return dumps(outcome(listed))


def _words(one: dict[str, Any]) -> str:
    return str(one.get("details", {}).get("text", one.get("code", "")))
