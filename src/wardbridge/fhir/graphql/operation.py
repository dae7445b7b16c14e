"""`$graphql` on the whole system and on one resource, by GET and by POST (R4 graphql.html, operation-resource-graphql).

The answer is ``application/json``: ``data`` and ``errors``. A document that cannot be run is answered with 400 and
``errors`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wardbridge.core.errors import Gone, Invalid, NotFound
from wardbridge.fhir.graphql.check import Check
from wardbridge.fhir.graphql.document import Document, read
from wardbridge.fhir.graphql.errors import RequestError, as_error
from wardbridge.fhir.graphql.reach import Reach
from wardbridge.fhir.graphql.run import Place, Run, Value
from wardbridge.fhir.graphql.schema import QUERY
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.rest.access import check
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.hooks import Audit, Decide
from wardbridge.fhir.rest.operations import Operation, Parameter
from wardbridge.fhir.store.record import Record

DEFINITION = "http://hl7.org/fhir/OperationDefinition/Resource-graphql"
MEDIA = "application/json; charset=utf-8"
DOCUMENT = "application/graphql"
INPUTS = (
    Parameter("query", "string", 1, 1, "The GraphQL document"),
    Parameter("variables", "string", 0, 1, "Values of its variables, as a JSON object"),
    Parameter("operationName", "string", 0, 1, "Which operation of the document to run"),
)
OUTPUTS = (Parameter("result", "Binary", 1, 1, "application/json with data and errors"),)


@dataclass(frozen=True)
class GraphQL:
    """The operation over a record."""

    record: Record
    decide: Decide
    audit: Audit

    def operations(self) -> tuple[Operation, ...]:
        return (
            Operation(
                "graphql",
                DEFINITION,
                self.perform,
                system=True,
                instance=True,
                inputs=INPUTS,
                outputs=OUTPUTS,
                about="Query the record with GraphQL",
                accepts=(DOCUMENT,),
                decides=True,
            ),
        )

    async def perform(self, call: Call, type_name: str, id_: str) -> Answer:
        """Raises Forbidden, NotFound and Gone for the resource that the path names, Invalid for no query at all."""
        reach = Reach(self.record, self.decide, call)
        root = await self._root(call, reach, type_name, id_) if id_ else Value(QUERY, {}, Place())
        try:
            document = read(*request(call))
            Check(document).run(root.type)
        except RequestError as error:
            errors = [as_error(error.message, "invalid", error.node, error.path)]
            return Answer(400, dumps({"errors": errors}), media=MEDIA)
        data, errors = await self._run(document, reach, root)
        await reach.attest(self.audit)
        body = {"data": data, **({"errors": errors} if errors else {})}
        return Answer(200, dumps(body), patients=tuple(reach.patients), media=MEDIA)

    async def _run(self, document: Document, reach: Reach, root: Value) -> tuple[Any, list[dict[str, Any]]]:
        run = Run(document, reach, self.record.clock.now())
        try:
            data = await run.data(root)
            return data, sorted(run.errors, key=_place)
        except RequestError as error:  # fields of one type that contradict each other
            return None, [as_error(error.message, "invalid", error.node, error.path)]
        except RecursionError:
            return None, [as_error("the query is nested too deeply", "too-costly", None, ())]

    async def _root(self, call: Call, reach: Reach, type_name: str, id_: str) -> Value:
        check(self.decide, call, "read", type_name, id_)
        stored = await self.record.read(type_name, id_)
        if stored is None:
            raise NotFound(f"{type_name}/{id_} does not exist")
        if stored.body is None:
            raise Gone(f"{type_name}/{id_} was deleted")
        found = loads(stored.body)
        reach.seen(stored)
        return Value(type_name, found, Place(found, found))


def _place(error: dict[str, Any]) -> tuple[Any, ...]:
    """Errors in the order of the document, then of the lists that they stand in."""
    at: dict[str, int] = next(iter(error.get("locations", ())), {})
    return at.get("line", 0), at.get("column", 0), [part for part in error.get("path", ()) if isinstance(part, int)]


def request(call: Call) -> tuple[str, Mapping[str, Any], str]:
    """(document, variables, operation name) of a request. Raises Invalid."""
    members: dict[str, Any] = dict(call.parameters)
    unknown = sorted(set(members) - {p.name for p in INPUTS} - {"_format", "_pretty"})
    if unknown:
        raise Invalid(f"$graphql has no parameter {unknown[0]!r}", unknown[0])
    if isinstance(members.get("variables"), str):
        members["variables"] = loads(members["variables"].encode())
    if call.method == "POST" and (call.body or call.resource is not None):
        if call.headers.get("content-type", "").split(";")[0].strip().lower() == DOCUMENT:
            members["query"] = _utf8(call.body)
        else:
            members |= _json(call.json())
    text, name = members.get("query"), members.get("operationName") or ""
    variables = {} if members.get("variables") is None else members["variables"]
    if not isinstance(text, str) or not text.strip():
        raise Invalid("$graphql needs a query", "query")
    if not isinstance(variables, dict):
        raise Invalid("variables must be an object", "variables")
    if not isinstance(name, str):
        raise Invalid("operationName must be a string", "operationName")
    return text, variables, name


def _utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Invalid("the query is not UTF-8") from error


def _json(body: dict[str, Any]) -> dict[str, Any]:
    """The members of a JSON body, or of a Parameters resource."""
    if body.get("resourceType") != "Parameters":
        return body
    rows = body.get("parameter")
    out = {
        row["name"]: row.get("valueString")
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict) and isinstance(row.get("name"), str)
    }
    variables = out.get("variables")
    return {**out, "variables": loads(variables.encode())} if isinstance(variables, str) else out
