"""HTTP itself: body limits, headers, compression (RFC 9110)."""

from __future__ import annotations

import gzip
import zlib

from starlette.requests import Request
from starlette.types import Send

from wardbridge.core.errors import Invalid
from wardbridge.fhir.rest.answer import Answer, http_date
from wardbridge.fhir.rest.outcome import Refused, refusal

COMPRESS_FROM = 1024


async def body_of(request: Request, most: int) -> bytes:
    """The whole body, gunzipped where it says so. Raises Refused (413), Invalid."""
    too_long = refusal(413, "too-long", f"the body is larger than {most} bytes")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise Refused(too_long)
    parts: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise Refused(too_long)
        parts.append(chunk)
    raw = b"".join(parts)
    encoding = request.headers.get("content-encoding", "").lower()
    if encoding in ("", "identity"):
        return raw
    if encoding != "gzip":
        raise Refused(refusal(415, "not-supported", f"Content-Encoding {encoding[:20]!r} is not supported"))
    try:
        inflate = zlib.decompressobj(31)
        out = inflate.decompress(raw, most + 1)
    except zlib.error as error:
        raise Invalid("the body is not gzip") from error
    if len(out) > most:
        raise Refused(too_long)
    return out


async def send_answer(request: Request, answer: Answer, send: Send) -> None:
    """The answer as HTTP; its media type is settled already."""
    headers: list[tuple[bytes, bytes]] = []
    body = answer.body or b""
    if answer.body is not None:
        headers.append((b"content-type", answer.media.encode()))
    if answer.etag:
        headers.append((b"etag", answer.etag.encode()))
    if answer.updated:
        headers.append((b"last-modified", http_date(answer.updated).encode()))
    if answer.location:
        headers.append((b"location", answer.location.encode()))
    headers.extend((name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers)
    headers.append((b"cache-control", b"no-store" if answer.status >= 400 else b"private, no-cache"))
    if len(body) >= COMPRESS_FROM and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, 1, mtime=0)
        headers.append((b"content-encoding", b"gzip"))
        headers.append((b"vary", b"accept-encoding"))
    if answer.status not in (204, 304):
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})
