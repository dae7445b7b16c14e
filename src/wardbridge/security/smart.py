"""``.well-known/smart-configuration`` of the FHIR API (SMART App Launch 2.2, conformance).

It names what this server offers today, nothing else: OAuth 2.0 client credentials and SMART v2 scopes.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PATH = "/fhir/.well-known/smart-configuration"
CORS = {"access-control-allow-origin": "*"}


def configuration(site: str) -> dict[str, object]:
    """``site`` is our public URL without the final slash."""
    return {
        "token_endpoint": f"{site}/auth/token",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": ["system/*.cruds", "system/*.rs", "user/*.cruds", "user/*.rs"],
        "capabilities": ["client-confidential-symmetric", "permission-v2"],
    }


def smart_routes(site: Callable[[Request], str]) -> list[Route]:
    """The document; public, as the specification wants it."""

    async def document(request: Request) -> Response:
        return JSONResponse(configuration(site(request)), headers=CORS)

    return [Route(PATH, document, methods=["GET"])]
