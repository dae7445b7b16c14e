"""Which interaction a request asks for: method and path to a name (R4 http.html#summary)."""

from __future__ import annotations

from dataclasses import dataclass

from wardbridge.fhir.definitions.search import compartment, compartments
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
_TYPE = {
    "GET": "search",
    "POST": "create",
    "PUT": "update-where",
    "PATCH": "patch-where",
    "DELETE": "delete-where",
}
_INSTANCE = {"GET": "read", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_GET = {"GET": ""}
_OPERATION = {"GET": "operation", "POST": "operation"}
OF_VERSIONS = frozenset({"$meta", "$meta-add", "$meta-delete"})
"""Operations on one version of a resource."""
_GET_SEARCH = {"GET": "search"}


@dataclass(frozen=True)
class Inside:
    """A search in a compartment: ``Patient/123/Observation``; ``type`` '' stands for ``*``."""

    compartment: str
    id: str
    type: str


def compartment_of(path: tuple[str, ...]) -> Inside | None:
    """What a path like ``Patient/123/Observation`` or ``Patient/123/*`` asks for (R4 http.html#vsearch)."""
    if not 3 <= len(path) <= 4 or path[3:] not in ((), ("_search",)) or path[0] not in compartments():
        return None
    type_name = path[2]
    if type_name != "*" and type_name != path[0] and type_name not in compartment(path[0]):
        return None
    return Inside(path[0], path[1], "" if type_name == "*" else type_name)


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
    if path[2] == "_history" and len(path) == 5 and path[4] in OF_VERSIONS:
        return Route(_allowed(method, _OPERATION), head, path[1], path[3], path[4][1:])
    if path[2] == "_history" and len(path) == 4:
        _allowed(method, _GET)
        return Route("vread", head, path[1], path[3])
    if path[2][:1] in ("$", "_"):
        return _special(method, path[2:], head, path[1])
    if (inside := compartment_of(path)) is not None:
        return Route(_allowed(method, _GET_SEARCH if len(path) == 3 else {"POST": "search"}), inside.type)
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
        return Route(_allowed(method, _OPERATION), type_name, id_, "", name[1:])
    raise _nothing(path)


def _allowed(method: str, actions: dict[str, str]) -> str:
    if method not in actions:
        allow = ", ".join(sorted({*actions, *(["HEAD"] if "GET" in actions else [])}))
        text = f"{method} is not allowed here; allowed: {allow}"
        raise Refused(refusal(405, "not-supported", text, headers=(("allow", allow),)))
    return actions[method]


def _nothing(path: tuple[str, ...]) -> Refused:
    answer: Answer = refusal(404, "not-found", f"there is nothing at {'/'.join(path)[:100]!r}")
    return Refused(answer)
