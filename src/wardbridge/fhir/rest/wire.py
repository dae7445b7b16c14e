"""HTTP itself: media types, body limits, headers, compression (R4 http.html#mime-type, RFC 9110)."""

from __future__ import annotations

import gzip
import zlib

from starlette.requests import Request
from starlette.types import Send

from wardbridge.core.errors import Invalid
from wardbridge.fhir.rest.answer import Answer, http_date
from wardbridge.fhir.rest.outcome import Refused, refusal

MEDIA = b"application/fhir+json; charset=utf-8"
JSON = frozenset(
    {"application/fhir+json", "application/json", "text/json", "application/*", "*/*", "json", "application/json+fhir"}
)
FORM = "application/x-www-form-urlencoded"
COMPRESS_FROM = 1024


def check_accept(request: Request) -> None:
    """Raises Refused (406) where only other formats than JSON are accepted. ``_format`` wins over Accept."""
    wanted = request.query_params.get("_format") if b"_format" in request.scope["query_string"] else None
    header = wanted.replace(" ", "+") if wanted is not None else request.headers.get("accept")
    if not header:
        return
    for part in header.split(","):
        media, *details = (piece.strip().lower() for piece in part.split(";"))
        if media in JSON and not any(d.startswith("q=0") and not d.strip("q=0.") for d in details):
            version = next((d.partition("=")[2] for d in details if d.startswith("fhirversion=")), "4.0")
            if version in ("4.0", "4.0.1"):
                return
    raise Refused(
        refusal(
            406, "not-supported", "only JSON of FHIR R4 is offered (application/fhir+json); XML is not supported yet"
        )
    )


def check_content(request: Request, form: bool, also: tuple[str, ...] = ()) -> None:
    """Raises Refused (415) for a body that is neither JSON nor, for a search, a form, nor of the types ``also``."""
    if request.method not in ("POST", "PUT", "PATCH"):
        return
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if (form and media in (FORM, "")) or media in also:
        return
    if not form and media in JSON - {"*/*", "application/*", "json"}:
        return
    if not media and request.headers.get("content-length", "0") == "0":
        return
    expected = FORM if form else "application/fhir+json"
    raise Refused(refusal(415, "not-supported", f"the body must be {expected}, not {media[:60]!r}"))


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
    headers: list[tuple[bytes, bytes]] = []
    body = answer.body or b""
    if answer.body is not None:
        headers.append((b"content-type", answer.media.encode() or MEDIA))
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
