"""Who sent this HTTP request: a bearer token (RFC 6750) or the session cookie."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wardbridge.core.errors import Invalid, TooMany, Unauthenticated
from wardbridge.security.audit import MINOR, Access, Audit
from wardbridge.security.identity import Identity
from wardbridge.security.principal import Principal

COOKIE = "wardbridge_session"


def address_of(connection: HTTPConnection) -> str:
    """The peer's address; empty where there is none (in-process tests)."""
    return connection.client.host if connection.client else ""


async def authenticate(identity: Identity, connection: HTTPConnection) -> Principal:
    """The principal of a request or WebSocket. Raises Unauthenticated."""
    address = address_of(connection)
    header = connection.headers.get("authorization", "")
    if header:
        kind, _, token = header.partition(" ")
        if kind.lower() != "bearer" or not token:
            raise Unauthenticated("the Authorization header must be: Bearer <token>")
        return identity.tokens.verify(token.strip(), address)
    cookie = connection.cookies.get(COOKIE)
    if cookie:
        return await identity.by_cookie(cookie, address)
    raise Unauthenticated("please sign in, or send a bearer token")


def check_csrf(principal: Principal, sent: str) -> None:
    """Raises Invalid unless ``sent`` is the session's CSRF token. Bearer requests need none."""
    from wardbridge.security.tokens import same

    if principal.session and not (sent and same(sent, principal.csrf)):
        raise Invalid("the form is too old or came from elsewhere; please load the page again", "csrf")


def token_routes(identity: Identity, audit: Audit) -> list[Route]:
    """``POST /auth/token``: OAuth 2.0 client credentials."""

    async def token(request: Request) -> Response:
        form = await request.form()
        client_id, secret = str(form.get("client_id", "")), str(form.get("client_secret", ""))
        header = request.headers.get("authorization", "")
        if header.lower().startswith("basic "):
            try:
                client_id, _, secret = base64.b64decode(header[6:]).decode().partition(":")
                client_id, secret = unquote(client_id), unquote(secret)
            except (binascii.Error, UnicodeDecodeError):
                return _refuse(400, "invalid_request", "the Basic header is malformed")
        address = address_of(request)
        who = Principal(client_id or "unknown", client_id, "service", frozenset({"service"}), (), address)
        if form.get("grant_type") != "client_credentials":
            return _refuse(400, "unsupported_grant_type", "only client_credentials is offered here")
        try:
            issued, scope = await identity.client_token(client_id, secret, str(form.get("scope", "")), address)
        except Unauthenticated as error:
            await audit.record(Access(who, "token", "service", outcome=MINOR, reason=error.message))
            return _refuse(401, "invalid_client", error.message)
        except TooMany as error:
            return _refuse(429, "slow_down", error.message)
        except Invalid as error:
            await audit.record(Access(who, "token", "service", outcome=MINOR, reason=error.message))
            return _refuse(400, "invalid_scope", error.message)
        await audit.record(Access(who, "token", "service"))
        return JSONResponse(
            {"access_token": issued, "token_type": "Bearer", "expires_in": 900, "scope": scope},
            headers={"cache-control": "no-store"},
        )

    return [Route("/auth/token", token, methods=["POST"])]


def _refuse(status: int, error: str, text: str) -> JSONResponse:
    headers = {"cache-control": "no-store"}
    if status == 401:
        headers["www-authenticate"] = 'Basic realm="wardbridge"'
    return JSONResponse({"error": error, "error_description": text}, status, headers)
