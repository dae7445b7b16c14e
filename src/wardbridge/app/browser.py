"""Who is asked at ``/fhir``: a browser gets pages, all other clients the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.types import ASGIApp, Message, Scope

DOCUMENTS = frozenset({"/fhir/openapi.json", "/fhir/.well-known/smart-configuration"})
"""Below ``/fhir``, but no interaction of the API."""


def for_people(scope: Scope) -> bool:
    """Whether this HTTP request wants a page: it accepts HTML, names no ``_format`` and carries no bearer token."""
    if scope["method"] not in ("GET", "HEAD", "POST") or b"_format=" in scope["query_string"]:
        return False
    accepts = False
    for name, value in scope["headers"]:
        if name == b"authorization":
            return False
        if name == b"accept":
            accepts = b"text/html" in value and b"fhir+" not in value
    return accepts


def asker(api: ASGIApp) -> Callable[[Scope, str, list[tuple[str, str]]], Awaitable[tuple[int, bytes]]]:
    """The API asked from within, with the cookie of the person whose page is being made: it decides and records."""

    async def ask(page: Scope, path: str, parameters: list[tuple[str, str]]) -> tuple[int, bytes]:
        kept = [pair for pair in page["headers"] if pair[0] in (b"cookie", b"host", b"user-agent")]
        parts: list[bytes] = []
        status = 500
        scope = {
            **page,
            "method": "GET",
            "root_path": "/fhir",
            "path": f"/fhir/{path}",
            "raw_path": b"",
            "query_string": urlencode(parameters).encode(),
            "headers": [*kept, (b"accept", b"application/fhir+json")],
        }

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await api(scope, receive, send)
        return status, b"".join(parts)

    return ask
