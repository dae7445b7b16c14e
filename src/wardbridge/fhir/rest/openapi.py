"""The API as OpenAPI 3.1, from the tables that serve it: types, search parameters, operations (R4 http.html)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wardbridge.fhir.definitions.search import SearchParameter
from wardbridge.fhir.definitions.table import resource_types, type_names
from wardbridge.fhir.rest.operations import Operation, Parameter
from wardbridge.fhir.rest.schemas import REF, schemas
from wardbridge.fhir.search.parse import supported

MEDIA = "application/fhir+json"
RESULT = ("_count", "_sort", "_include", "_revinclude", "_summary", "_elements", "_total")
COUNT = {"type": "integer", "minimum": 0}
WRITTEN_BY_US = frozenset({"AuditEvent"})
ERRORS = {
    "400": "the request is not understood; the OperationOutcome says what and where",
    "401": "no valid token",
    "403": "not permitted; the OperationOutcome names the rule",
    "404": "there is no such resource",
    "406": "the answer cannot be given in the format asked for",
    "503": "cannot be done now; try again",
}
ON_WRITE = {
    "409": "it conflicts with what is there",
    "412": "the condition does not hold",
    "413": "the body is too large",
    "415": "the body is of another media type",
    "422": "the resource breaks a rule of FHIR; every problem is listed",
}
JSON_PATCH: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["op", "path"],
        "properties": {
            "op": {"enum": ["add", "remove", "replace", "move", "copy", "test"]},
            "path": {"type": "string"},
            "from": {"type": "string"},
            "value": {},
        },
    },
}
"""RFC 6902."""


def description(base: str, version: str, operations: Sequence[Operation]) -> dict[str, Any]:
    """The document for the API at ``base``."""
    metadata = _call("metadata", "System", "What this server can do", _ok("CapabilityStatement"))
    paths: dict[str, Any] = {
        "/metadata": {"get": metadata | {"security": []}},
        "/": {
            "get": _call("search", "System", "Search all types", _ok("Bundle"), _results([])),
            "post": _call("transaction", "System", "Run a batch or a transaction", _ok("Bundle"), body="Bundle"),
        },
        "/_history": {"get": _call("history", "System", "Every change, newest first", _ok("Bundle"), _history())},
    }  # fmt: skip
    for name in sorted(resource_types()):
        paths |= _type(name)
    for operation in operations:
        for path, tag in _places(operation):
            paths.setdefault(path, {}).update(_operation(operation, path, tag))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Wardbridge FHIR R4 API",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "FHIR 4.0.1. Unknown parameters are refused unless `Prefer: handling=lenient` is sent.",
        },
        "servers": [{"url": base}],
        "security": [{"bearer": []}],
        "tags": [{"name": name} for name in ("System", *sorted(resource_types()))],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "responses": {
                "Problem": {"description": "What went wrong and where", "content": _content("OperationOutcome")}
            },
            "parameters": {
                "id": {"name": "id", "in": "path", "required": True, "schema": {"$ref": REF + "id"}},
                "version": {"name": "version", "in": "path", "required": True, "schema": {"$ref": REF + "id"}},
                "ifMatch": {"name": "If-Match", "in": "header", "schema": {"type": "string"}, "example": 'W/"1"'},
                "ifNoneExist": {"name": "If-None-Exist", "in": "header", "schema": {"type": "string"}},
                "ifNoneMatch": {
                    "name": "If-None-Match",
                    "in": "header",
                    "schema": {"type": "string"},
                    "description": "`*`: create, never overwrite",
                },
                "once": {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
                    "description": "a repetition within a day gets the first answer again",
                },
                "prefer": {"name": "Prefer", "in": "header", "schema": {"type": "string"}},
            },
            "schemas": schemas(),
        },
    }


def _type(name: str) -> dict[str, Any]:
    search = _call(f"search-{name}", name, f"Search {name}", _ok("Bundle"), _results(_searches(name)))
    read = _call(f"read-{name}", name, f"Read one {name}", _ok(name), [_use("id"), *_shown()])
    history = _call(f"history-{name}", name, "Its versions", _ok("Bundle"), [_use("id"), *_history()])
    out = {f"/{name}": {"get": search}, f"/{name}/{{id}}": {"get": read}}
    if name in WRITTEN_BY_US:
        return out
    gone = {"410": _problem("it was deleted")}
    read["responses"] |= gone
    out[f"/{name}"]["post"] = _call(
        f"create-{name}",
        name,
        f"Create a {name}",
        _done(name, 200, 201),
        [_use("ifNoneExist"), _use("once"), _use("prefer")],
        name,
    )
    put = [_use("id"), _use("ifMatch"), _use("prefer")]
    out[f"/{name}/{{id}}"] |= {
        "put": _call(
            f"update-{name}",
            name,
            f"Update or create a {name}",
            _done(name, 200, 201),
            [*put, _use("ifNoneMatch")],
            name,
        ),
        "patch": _patch(name, put),
        "delete": _call(f"delete-{name}", name, f"Delete a {name}", _done("", 200, 204) | ON_WRITE_PROBLEMS, put[:2]),
    }
    vread = _call(f"vread-{name}", name, "One version", _ok(name) | gone, [_use("id"), _use("version"), *_shown()])
    all_ = _call(f"history-type-{name}", name, f"Changes of every {name}", _ok("Bundle"), _history())
    return out | {
        f"/{name}/{{id}}/_history": {"get": history},
        f"/{name}/{{id}}/_history/{{version}}": {"get": vread},
        f"/{name}/_history": {"get": all_},
    }


def _patch(name: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    """JSON Patch (RFC 6902) or FHIRPath Patch (Parameters)."""
    gone = {"410": _problem("it was deleted")}
    out = _call(f"patch-{name}", name, f"Change a part of a {name}", _done(name, 200) | gone, parameters, "Parameters")
    out["requestBody"]["content"]["application/json-patch+json"] = {"schema": JSON_PATCH}
    return out


def _call(
    id_: str, tag: str, summary: str, answers: dict[str, Any], parameters: Sequence[dict[str, Any]] = (), body: str = ""
) -> dict[str, Any]:
    out: dict[str, Any] = {"operationId": id_, "tags": [tag], "summary": summary}
    if parameters:
        out["parameters"] = list(parameters)
    out["responses"] = answers | {status: _problem(text) for status, text in ERRORS.items()}
    if body:
        out["requestBody"] = {"required": True, "content": _content(body)}
        out["responses"] |= ON_WRITE_PROBLEMS
    return out


def _content(schema: str) -> dict[str, Any]:
    return {MEDIA: {"schema": {"$ref": REF + schema}}}


def _problem(text: str) -> dict[str, Any]:
    return {"description": text, "content": _content("OperationOutcome")}


ON_WRITE_PROBLEMS = {status: _problem(text) for status, text in ON_WRITE.items()}


def _ok(schema: str) -> dict[str, Any]:
    return {"200": {"description": schema, "content": _content(schema)}}


def _done(schema: str, *statuses: int) -> dict[str, Any]:
    content = {"content": {MEDIA: {"schema": {"$ref": REF + "Resource"}}}} if schema else {}
    return {str(s): {"description": "done"} | (content if s != 204 else {}) for s in statuses}


def _use(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/parameters/{name}"}


def _query(name: str, schema: dict[str, Any] | None = None, about: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {"name": name, "in": "query", "schema": schema or {"type": "string"}}
    return out | ({"description": about} if about else {})


def _shown() -> list[dict[str, Any]]:
    return [_query("_summary", {"enum": ["true", "text", "data", "false"]}), _query("_elements")]


def _history() -> list[dict[str, Any]]:
    return [
        _query("_count", COUNT),
        _query("_since", {"$ref": REF + "instant"}),
        _query("_at"),
    ]


def _results(own: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kinds: dict[str, dict[str, Any]] = {"_count": COUNT, "_total": {"enum": ["none", "estimate", "accurate"]}}
    return [*own, *(_query(name, kinds.get(name)) for name in RESULT)]


def _searches(name: str) -> list[dict[str, Any]]:
    return [_search(parameter) for _code, parameter in sorted(supported(name).items())]


def _search(parameter: SearchParameter) -> dict[str, Any]:
    return _query(parameter.code, about=f"{parameter.type}; modifiers as in R4 search")


def _places(operation: Operation) -> list[tuple[str, str]]:
    out = [(f"/${operation.name}", "System")] if operation.system else []
    for name in operation.types:
        if operation.type:
            out.append((f"/{name}/${operation.name}", name))
        if operation.instance:
            out.append((f"/{name}/{{id}}/${operation.name}", name))
    return out


def _operation(operation: Operation, path: str, tag: str) -> dict[str, Any]:
    inputs = operation.inputs or ()
    own = [_use("id")] if "{id}" in path else []
    id_ = path.strip("/").replace("/", "-").replace("{id}", "id").replace("$", "")
    answers = {"200": {"description": "the result", "content": _content("Resource")}, "202": {"description": "begun"}}
    about = operation.about or f"${operation.name}"
    out = {"post": _call(f"{id_}-post", tag, about, answers, own, "Resource")}
    if not operation.affects_state:
        simple = [_query(p.name, about=p.about) for p in inputs if _simple(p)]
        out["get"] = _call(f"{id_}-get", tag, about, answers, [*own, *simple])
    return out


def _simple(parameter: Parameter) -> bool:
    """Only primitives travel in a query (R4 operations.html#request)."""
    return bool(parameter.type) and parameter.type in type_names() and parameter.type[:1].islower()
