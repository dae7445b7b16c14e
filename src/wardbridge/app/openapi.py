"""``/fhir/openapi.json``: the whole API as OpenAPI 3.1, made from the same tables that serve it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wardbridge import __version__
from wardbridge.fhir.definitions.search import custom_state
from wardbridge.fhir.json import dumps
from wardbridge.fhir.rest.openapi import description
from wardbridge.fhir.rest.operations import Operation


def openapi_routes(base: Callable[[Request], str], operations: Sequence[Operation]) -> list[Route]:
    """The document is public, like ``/fhir/metadata``: it holds no patient's data."""

    @lru_cache(maxsize=8)
    def text(url: str, custom: int) -> bytes:
        return dumps(description(url, __version__, tuple(operations)))

    async def document(request: Request) -> Response:
        return Response(
            text(base(request), custom_state()), media_type="application/json", headers={"cache-control": "max-age=300"}
        )

    return [Route("/fhir/openapi.json", document, methods=["GET"])]
