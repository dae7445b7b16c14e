"""`$export` and `$import` as operations of the API: checked and decided upon here, done by a worker later.

Bulk Data Access 2.0 (export.html#bulk-data-kick-off-request); the shape of an import request is that of the Bulk
Import proposal of SMART. A job belongs to the principal who asked; the types given out are those that they may read.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from wardbridge.core.clock import Clock
from wardbridge.core.errors import Forbidden, Gone, Invalid, NotFound, TooMany
from wardbridge.fhir.bulk.export import members_of
from wardbridge.fhir.bulk.job import Export, Import, Job, Progress, Source
from wardbridge.fhir.bulk.request import FORMATS, plan, read
from wardbridge.fhir.bulk.store import jobs
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.rest.access import check, filter_of
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.hooks import Decide
from wardbridge.fhir.rest.outcome import fine
from wardbridge.fhir.store.record import Record
from wardbridge.security.principal import Principal, Target

MOST_OPEN = 20
"""Jobs that one principal may have waiting at a time."""


@dataclass(frozen=True)
class Kickoff:
    """``folder`` holds the files of jobs; ``room`` raises Unavailable when the disk is nearly full.

    ``sources``: a folder whose files may be imported by name (None: none).
    """

    record: Record
    clock: Clock
    folder: Path
    decide: Decide
    room: Callable[[], None]
    sources: Path | None = None

    # --- export --------------------------------------------------------------------------------------------------

    async def export(self, call: Call, type_name: str, id_: str) -> Answer:
        """Raises Invalid, Forbidden, NotFound, TooMany."""
        self._may_bulk(call.principal)
        if type_name == "Group" and not id_:
            raise Invalid("a group is exported by its id: Group/[id]/$export", "Group")
        level = {"": "system", "Patient": "patient", "Group": "group"}[type_name]
        wanted = read(call, level, lambda types, pairs: self.record.query(types, pairs))
        refused = [name for name in wanted.types if not self._may_read(call.principal, name)]
        if refused and not call.lenient:
            raise Forbidden(f"you may not read all of: {', '.join(refused)}", "_type")
        if level == "group":
            await self._check_group(call, id_, wanted.patients)
        elif wanted.patients:
            await self._check_patients(wanted.patients)
        now = self.clock.now() // 1000 * 1000
        asked = plan(wanted, level, id_, now, lambda name: self._may_read(call.principal, name))
        if not asked.types and not asked.related:
            raise Forbidden("you may read nothing of what an export would hold")
        job = await self._add(call, "export", asked, now)
        return self.accepted(call, job, asked.patients or ())

    def _may_bulk(self, principal: Principal) -> None:
        """The whole record at once is no bedside work. What is in it is decided type by type besides."""
        decision = self.decide(principal, "do", Target("feature", "bulk"))
        if not decision.permit:
            raise Forbidden(decision.reason)

    def _may_read(self, principal: Principal, type_name: str) -> bool:
        decisions = [self.decide(principal, action, Target("fhir", type_name)) for action in ("read", "search")]
        return all(decision.permit and not filter_of(decision) for decision in decisions)

    async def _check_group(self, call: Call, id_: str, patients: tuple[str, ...] | None) -> None:
        check(self.decide, call, "read", "Group", id_)
        group = await self.record.read("Group", id_)
        if group is None:
            raise NotFound(f"Group/{id_} does not exist")
        if group.body is None:
            raise Gone(f"Group/{id_} was deleted")
        strangers = set(patients or ()) - set(members_of(loads(group.body)))
        if strangers:
            raise Invalid(f"Group/{id_} has no member Patient/{min(strangers)}", "patient")

    async def _check_patients(self, patients: tuple[str, ...]) -> None:
        found = await self.record.read_many([("Patient", id_) for id_ in patients])
        missing = set(patients) - {one.id for one in found}
        if missing:
            raise Invalid(f"Patient/{min(missing)} does not exist", "patient")

    # --- import --------------------------------------------------------------------------------------------------

    async def load(self, call: Call, type_name: str, id_: str) -> Answer:
        """Raises Invalid, Forbidden, NotFound, TooMany."""
        self._may_bulk(call.principal)
        if media_of(call.headers.get("content-type", "")) in FORMATS:

            async def body() -> AsyncIterator[bytes]:
                yield call.body

            return await self.upload(call, body())
        asked = Import(tuple([await self._source(call, url, kind) for kind, url in _inputs(call.json())]))
        job = await self._add(call, "import", asked, self.clock.now())
        return self.accepted(call, job)

    async def upload(self, call: Call, body: AsyncIterable[bytes], encoding: str = "") -> Answer:
        """Lines of the body itself: kept on disk as they come, read when all of them are there."""
        self._may_bulk(call.principal)
        if encoding not in ("", "identity", "gzip"):
            raise Invalid(f"Content-Encoding {encoding[:20]!r} is not supported", "Content-Encoding")
        await self._room(call.principal)
        id_ = self.record.ids()
        path = self.folder / id_ / "upload"
        path.parent.mkdir(mode=0o700, parents=True)
        try:
            size = await self._keep(path, body, zipped=encoding == "gzip")
            if not size:
                raise Invalid("the body is empty; NDJSON is expected, a resource a line")
            asked = Import((Source(str(path), "upload", once=True),))
            return self.accepted(call, await self._add(call, "import", asked, self.clock.now(), id_))
        except BaseException:
            path.unlink(missing_ok=True)
            path.parent.rmdir()
            raise

    async def _keep(self, path: Path, body: AsyncIterable[bytes], *, zipped: bool) -> int:
        """Write the body to disk as it comes; its bytes. Raises Invalid for what is no gzip, Unavailable."""
        inflate = zlib.decompressobj(31)
        size = 0
        with path.open("xb") as file:
            async for chunk in body:
                self.room()
                try:
                    size += file.write(inflate.decompress(chunk) if zipped else chunk)
                except zlib.error as error:
                    raise Invalid("the body is not gzip") from error
        if zipped and not inflate.eof:
            raise Invalid("the gzip body is cut off")
        return size

    async def _source(self, call: Call, url: str, type_name: str) -> Source:
        """The file that a URL stands for: one of a job of theirs, or one of the folder that the settings name."""
        if type_name and type_name not in resource_types():
            raise Invalid(f"{type_name[:60]!r} is no resource type of R4", "input.type")
        if url.startswith(f"{call.base}/bulk/"):
            id_, _, name = url.removeprefix(f"{call.base}/bulk/").partition("/")
            job = await jobs.get(self.record.pool, id_)
            listed = {file.name for file in await jobs.files(self.record.pool, id_)}
            if job is None or job.principal.id != call.principal.id or name not in listed or job.state != "done":
                raise NotFound(f"there is no file {url[:200]}", "input.url")
            return Source(str(self.folder / id_ / name), name, type_name)
        parts = urlsplit(url)
        if parts.scheme not in ("", "file") or parts.netloc:
            raise Invalid("files are not fetched from elsewhere: send their lines as the body of $import", "input.url")
        if self.sources is None:
            raise Invalid("no folder to import from is set (import_folder): send the lines as the body", "input.url")
        root = self.sources.resolve()
        path = (root / unquote(parts.path).lstrip("/")).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            raise NotFound(f"there is no file {url[:200]} in the folder to import from", "input.url")
        return Source(str(path), unquote(parts.path).lstrip("/"), type_name)

    # --- jobs ----------------------------------------------------------------------------------------------------

    async def _room(self, principal: Principal) -> None:
        if await jobs.count_open(self.record.pool, principal.id) >= MOST_OPEN:
            raise TooMany(f"{MOST_OPEN} jobs of yours are waiting already")

    async def _add(self, call: Call, kind: str, asked: Export | Import, now: int, id_: str = "") -> Job:
        await self._room(call.principal)
        url = f"{call.base}/{'/'.join(call.path)}" + (f"?{call.query}" if call.query else "")
        job = Job(
            id_ or self.record.ids(),
            kind,  # type: ignore[arg-type]
            "waiting",
            replace(call.principal, session="", csrf=""),
            url,
            msgspec.to_builtins(asked),
            Progress(),
            now,
        )
        await jobs.add(self.record.pool, job)
        return job

    @staticmethod
    def accepted(call: Call, job: Job, patients: tuple[str, ...] = ()) -> Answer:
        """202 with where to ask how it goes."""
        status = f"{call.base}/bulk/{job.id}"
        return Answer(
            202, dumps(fine(f"The {job.kind} has begun; ask {status}")), headers=(("content-location", status),),
            patients=patients,
        )  # fmt: skip


def media_of(header: str) -> str:
    return header.split(";")[0].strip().lower()


def _inputs(body: dict[str, Any]) -> list[tuple[str, str]]:
    """(type, url) of each input of a Parameters resource, or of the plain JSON of the proposal. Raises Invalid."""
    found: list[tuple[str, str]] = []
    formats: list[Any] = []
    if body.get("resourceType") == "Parameters":
        for row in body.get("parameter", []):
            name = row.get("name") if isinstance(row, dict) else None
            if name == "inputFormat":
                formats.append(row.get("valueCode", row.get("valueString")))
            elif name == "input":
                parts = {p.get("name"): _value(p) for p in row.get("part", []) if isinstance(p, dict)}
                found.append((parts.get("type") or "", parts.get("url") or ""))
            elif name not in ("inputSource", "storageDetail"):
                raise Invalid(f"$import has no parameter {str(name)[:60]!r}", "Parameters.parameter")
    else:
        formats.append(body.get("inputFormat"))
        rows = body.get("input")
        listed = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        found.extend((str(row.get("type") or ""), str(row.get("url") or "")) for row in listed)
    for one in formats:
        if one is not None and one not in FORMATS:
            raise Invalid(f"inputFormat must be application/fhir+ndjson, not {str(one)[:60]!r}", "inputFormat")
    if not found or not all(url for _, url in found):
        raise Invalid("an import names at least one input with its url (and type)", "input")
    return found


def _value(part: dict[str, Any]) -> str:
    return next((str(value) for key, value in part.items() if key.startswith("value")), "")
