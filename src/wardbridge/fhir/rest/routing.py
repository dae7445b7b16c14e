"""Which interaction a request asks for: method and path to a name (R4 http.html#summary)."""

from __future__ import annotations

from dataclasses import dataclass

from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import ID
from wardbridge.fhir.rest.outcome import Refused, refusal


@dataclass(frozen=True)
class Route:
    """``action`` is the interaction; '' for type, id, version, name where they have no place."""

    action: str
    type: str = ""
    id: str = ""
    version: str = ""
    name: str = ""


_SYSTEM = {"GET": "search", "POST": "bundle"}
_TYPE = {"GET": "search", "POST": "create", "PUT": "update-where", "DELETE": "delete-where"}
_INSTANCE = {"GET": "read", "PUT": "update", "DELETE": "delete"}
_GET = {"GET": ""}


def route(method: str, path: tuple[str, ...]) -> Route:
    """Raises Refused: 404 for a path that names nothing, 405 with Allow for a method that it does not take."""
    method = "GET" if method == "HEAD" else method
    if not path:
        return Route(_allowed(method, _SYSTEM))
    head = path[0]
    if head[:1] in "$_" or head == "metadata":
        return _special(method, path, "", "")
    if head not in resource_types():
        raise Refused(refusal(404, "not-found", f"{head[:60]!r} is not a resource type of R4"))
    if len(path) == 1:
        return Route(_allowed(method, _TYPE), head)
    if path[1][:1] in ("$", "_"):
        return _special(method, path[1:], head, "")
    if method != "PUT" and not ID.fullmatch(path[1]):
        raise Refused(refusal(404, "not-found", f"there is no {head} with such an id"))
    if len(path) == 2:
        return Route(_allowed(method, _INSTANCE), head, path[1])
    if path[2] == "_history" and len(path) == 4:
        _allowed(method, _GET)
        return Route("vread", head, path[1], path[3])
    if path[2][:1] in ("$", "_"):
        return _special(method, path[2:], head, path[1])
    if path[2] in resource_types() or path[2] == "*":
        raise Refused(refusal(404, "not-supported", "compartment searches are not supported yet"))
    raise _nothing(path)


def _special(method: str, path: tuple[str, ...], type_name: str, id_: str) -> Route:
    name = path[0]
    if len(path) > 1:
        raise _nothing(path)
    if name == "metadata" and not type_name:
        _allowed(method, _GET)
        return Route("capabilities")
    if name == "_history":
        _allowed(method, _GET)
        return Route("history", type_name, id_)
    if name == "_search" and not id_:
        return Route(_allowed(method, {"POST": "search"}), type_name)
    if name[:1] == "$":
        return Route(_allowed(method, {"GET": "operation", "POST": "operation"}), type_name, id_, "", name[1:])
    raise _nothing(path)


def _allowed(method: str, actions: dict[str, str]) -> str:
    if method not in actions:
        allow = ", ".join(sorted({*actions, *(["HEAD"] if "GET" in actions else [])}))
        text = "PATCH is not supported yet" if method == "PATCH" else f"{method} is not allowed here; allowed: {allow}"
        raise Refused(refusal(405, "not-supported", text, headers=(("allow", allow),)))
    return actions[method]


def _nothing(path: tuple[str, ...]) -> Refused:
    answer: Answer = refusal(404, "not-found", f"there is nothing at {'/'.join(path)[:100]!r}")
    return Refused(answer)
