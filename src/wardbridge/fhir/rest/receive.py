"""Parse: an HTTP request becomes a :class:`Call` with its body, bounded and of a type that is understood."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

from starlette.requests import Request

from wardbridge.core.errors import Invalid
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.formats import JSON, JSON_PATCH, XML, media_of
from wardbridge.fhir.rest.outcome import Refused, refusal
from wardbridge.fhir.rest.routing import Route
from wardbridge.fhir.rest.wire import body_of
from wardbridge.security.principal import Principal

FORM = "application/x-www-form-urlencoded"
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def place(request: Request, base: str) -> tuple[tuple[str, ...], str]:
    """(path below the base, base URL)."""
    scope = request.scope
    root = scope.get("root_path", "")
    path = scope["path"].removeprefix(root)
    if not base:
        host = request.headers.get("host", "localhost")
        base = f"{scope.get('scheme', 'http')}://{host}{root}".rstrip("/")
    return tuple(unquote(part) for part in path.split("/") if part), base


async def receive(
    request: Request,
    path: tuple[str, ...],
    base: str,
    found: Route,
    principal: Principal,
    most_bytes: int,
    accepts: tuple[str, ...] = (),
) -> Call:
    """The call. ``accepts``: media types beside those of FHIR. Raises Refused (413, 415), Invalid."""
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in request.scope["headers"]}
    query = request.scope["query_string"].decode("latin-1")
    parameters = _pairs(query) if query else []
    body = b""
    if request.method in _WITH_BODY:
        form = found.action == "search"
        _check_content(headers, form, (JSON_PATCH,) if request.method == "PATCH" else accepts)
        body = await body_of(request, most_bytes)
        if form:
            text = body.decode("utf-8", "replace")
            parameters += _pairs(text)
            query = "&".join(filter(None, (query, text)))
    return Call(request.method, path, tuple(parameters), headers, base, principal, body, None, query)


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=1000)
    except ValueError as error:
        raise Invalid("more than 1000 parameters") from error


def _check_content(headers: dict[str, str], form: bool, also: tuple[str, ...]) -> None:
    """Raises Refused (415) for a body that is neither FHIR nor, for a search, a form, nor of the types ``also``."""
    media = media_of(headers.get("content-type", ""))
    if (form and media in (FORM, "")) or media in also:
        return
    if not form and (media in JSON or media in XML):
        return
    if not media and headers.get("content-length", "0") == "0":
        return
    expected = FORM if form else " or ".join(("application/fhir+json", "application/fhir+xml", *also))
    raise Refused(refusal(415, "not-supported", f"the body must be {expected}, not {media[:60]!r}"))
