"""What bulk data needs of HTTP beside operations: bodies and files of any size as streams, and the status of jobs.

It stands before the API and takes three kinds of requests; every other goes through:

    GET|DELETE [base]/bulk/[job]          how it goes, the manifest; cancel
    GET        [base]/bulk/[job]/[file]   the lines of a file (export.html#file-request), gzip where accepted
    POST       [base]/$import             NDJSON as the body, kept on disk as it comes
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from wardbridge.core.clock import Clock
from wardbridge.core.db import AWAY
from wardbridge.core.errors import Forbidden, NotFound, Unavailable, WardbridgeError
from wardbridge.fhir.bulk.files import patients
from wardbridge.fhir.bulk.job import OPEN, File, Job
from wardbridge.fhir.bulk.kickoff import Kickoff, media_of
from wardbridge.fhir.bulk.manifest import manifest, pause, progress
from wardbridge.fhir.bulk.request import FORMATS
from wardbridge.fhir.bulk.store import jobs
from wardbridge.fhir.rest.access import MOST_PATIENTS, access, check
from wardbridge.fhir.rest.answer import Answer, http_date
from wardbridge.fhir.rest.application import Application, place
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.outcome import Refused, of_error, refusal
from wardbridge.fhir.rest.wire import send_answer

NDJSON = "application/fhir+ndjson"
_PIECE = 256 * 1024


@dataclass(frozen=True)
class Front:
    """``inner`` is the API; its hooks say who asks, whether they may, and keep the record of accesses."""

    inner: Application
    kickoff: Kickoff

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive) if scope["type"] == "http" else None
        path, base = place(request, self.inner.base) if request else ((), "")
        if request is None or not self._ours(request, path):
            await self.inner(scope, receive, send)
            return
        response = await self._answer(request, path, base)
        if isinstance(response, Answer):
            await send_answer(request, response, send)
        else:
            await response(scope, receive, send)

    @staticmethod
    def _ours(request: Request, path: tuple[str, ...]) -> bool:
        if path[:1] == ("bulk",):
            return True
        upload = path == ("$import",) and request.method == "POST"
        return upload and media_of(request.headers.get("content-type", "")) in FORMATS

    async def _answer(self, request: Request, path: tuple[str, ...], base: str) -> Answer | Response:
        call: Call | None = None
        event = "bulk-status" if path[0] == "bulk" else "import"
        reason = ""
        response: Answer | Response
        try:
            query = request.scope["query_string"].decode("latin-1")
            pairs = tuple(parse_qsl(query, keep_blank_values=True))
            headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in request.scope["headers"]}
            principal = await self.inner.authenticate(request)
            call = Call(request.method, path, pairs, headers, base, principal, b"", None, query)
            if path[0] == "$import":
                encoding = request.headers.get("content-encoding", "").lower()
                response = await self.kickoff.upload(call, request.stream(), encoding)
            elif len(path) == 2:
                response = await self._status(call, path[1])
            elif len(path) == 3:
                return await self._file(call, path[1], path[2])
            else:
                raise NotFound("a job is at bulk/[job], its files are at bulk/[job]/[file]")
        except Refused as refused:
            response, reason = refused.answer, "refused"
        except WardbridgeError as error:
            response, reason = of_error(error), error.message
        except AWAY as error:
            response = of_error(Unavailable(f"the database is away: {type(error).__name__}", "database"))
        if call is not None:
            status = response.status if isinstance(response, Answer) else response.status_code
            job = path[1] if len(path) > 1 else ""
            try:
                await self.inner.audit.record(access(call, event, "", job, (), status, reason))
            except WardbridgeError as error:
                return of_error(error)
        return response

    async def _job(self, call: Call, id_: str) -> Job:
        """The job, if it is theirs, or they are an administrator. Raises NotFound, Forbidden."""
        job = await jobs.get(self.kickoff.record.pool, id_)
        if job is None or job.state == "cancelled":
            raise NotFound("there is no such job; it was deleted, or its results have expired")
        if job.principal.id != call.principal.id and "administrator" not in call.principal.roles:
            raise Forbidden("this job is somebody else's")
        return job

    async def _status(self, call: Call, id_: str) -> Answer | Response:
        job = await self._job(call, id_)
        now = self._clock.now()
        if call.method == "DELETE":
            await jobs.cancel(self.kickoff.record.pool, id_, now)
            return Answer(202)
        if call.method not in ("GET", "HEAD"):
            raise Refused(refusal(405, "not-supported", f"{call.method} is not allowed here", headers=_ALLOW))
        if job.state in OPEN:
            headers = {"x-progress": progress(job), "retry-after": str(pause(job, now)), "cache-control": "no-store"}
            return Response(status_code=202, headers=headers)
        if job.state == "failed":
            status, _, text = job.reason.partition(" ")
            return refusal(int(status), "processing", f"the {job.kind} failed: {text}")
        listed = await jobs.files(self.kickoff.record.pool, id_)
        headers = {"expires": http_date(job.expires), "cache-control": "private, no-cache"}
        return JSONResponse(manifest(job, listed, call.base), headers=headers)

    async def _file(self, call: Call, id_: str, name: str) -> Response:
        """Decided upon by the type of its lines; each patient they are about is on record before the first byte."""
        if call.method not in ("GET", "HEAD"):
            raise Refused(refusal(405, "not-supported", f"{call.method} is not allowed here", headers=_ALLOW))
        job = await self._job(call, id_)
        listed = await jobs.files(self.kickoff.record.pool, id_)
        file = next((one for one in listed if one.name == name), None)
        path = self.kickoff.folder / id_ / name
        if file is None or job.state != "done" or not path.is_file():
            raise NotFound("there is no such file; it was deleted, or has expired")
        if file.kind == "output":
            check(self.inner.decide, call, "read", file.type)
            check(self.inner.decide, call, "search", file.type)
        await self._attest(call, job, file, path)
        headers = {"cache-control": "private, no-cache", "content-disposition": f'attachment; filename="{name}"'}
        if call.method == "HEAD":
            return Response(media_type=NDJSON, headers={**headers, "content-length": str(file.bytes)})
        if "gzip" in call.headers.get("accept-encoding", ""):
            headers |= {"content-encoding": "gzip", "vary": "accept-encoding"}
            return StreamingResponse(_stream(zipped(path, file.bytes)), media_type=NDJSON, headers=headers)
        headers["content-length"] = str(file.bytes)
        return StreamingResponse(_stream(plain(path, file.bytes)), media_type=NDJSON, headers=headers)

    async def _attest(self, call: Call, job: Job, file: File, path: Path) -> None:
        about = await asyncio.to_thread(patients, path, file.type) if file.kind == "output" else []
        for at in range(0, max(len(about), 1), MOST_PATIENTS):
            some = tuple(about[at : at + MOST_PATIENTS])
            type_name = file.type if file.kind == "output" else ""
            await self.inner.audit.record(access(call, "bulk-file", type_name, f"{job.id}/{file.name}", some))

    @property
    def _clock(self) -> Clock:
        return self.kickoff.clock


_ALLOW = (("allow", "GET, HEAD, DELETE"),)


def plain(path: Path, size: int) -> Iterator[bytes]:
    """The first ``size`` bytes of a file."""
    with path.open("rb") as file:
        while size > 0 and (piece := file.read(min(_PIECE, size))):
            size -= len(piece)
            yield piece


def zipped(path: Path, size: int) -> Iterator[bytes]:
    deflate = zlib.compressobj(1, wbits=31)
    for piece in plain(path, size):
        if out := deflate.compress(piece):
            yield out
    yield deflate.flush()


async def _stream(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece
