"""OperationDefinition of every operation that this server performs, made from its table (R4 operationdefinition.html).

They stand before the OperationDefinitions of the record in read and search, and cannot be written. ``base`` names the
standard's definition that ours follows; a search by ``url`` finds ours by either URL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.core.errors import Invalid
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.rest.access import check
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.operations import Operation, Parameter
from wardbridge.fhir.rest.searching import Searching, bundle
from wardbridge.fhir.search.query import Clause, Missing, Query, Text, Token, Uri
from wardbridge.fhir.store.values import Stored

_CURSOR = "op."


def id_of(operation: Operation) -> str:
    """The logical id: the last part of the standard's URL, or [type]-[name]."""
    tail = operation.definition.rpartition("/")[2]
    if "OperationDefinition/" in operation.definition and tail:
        return tail
    return f"{operation.types[0] if len(operation.types) == 1 else 'Resource'}-{operation.name}"


def canonical(operation: Operation, base: str) -> str:
    """The URL of the standard's definition, or of ours where there is none."""
    return operation.definition or f"{base}/OperationDefinition/{id_of(operation)}"


def definition_of(operation: Operation, base: str, updated: int) -> dict[str, Any]:
    """The resource; ``updated`` in µs."""
    id_ = id_of(operation)
    out: dict[str, Any] = {
        "resourceType": "OperationDefinition",
        "id": id_,
        "meta": {"versionId": "1", "lastUpdated": iso(updated)},
        "url": f"{base}/OperationDefinition/{id_}",
        "name": "".join(part[:1].upper() + part[1:] for part in operation.name.split("-")),
        "title": operation.about or f"${operation.name}",
        "status": "active",
        "kind": "query" if operation.searches else "operation",
        "affectsState": operation.affects_state,
        "code": operation.name,
    }
    if operation.definition and operation.definition != out["url"]:
        out["base"] = operation.definition
    if operation.type or operation.instance:
        out["resource"] = list(operation.types) or ["Resource"]
    out |= {"system": operation.system, "type": operation.type, "instance": operation.instance}
    rows = [_parameter(p, "in") for p in operation.inputs or ()] + [_parameter(p, "out") for p in operation.outputs]
    if rows:
        out["parameter"] = rows
    return out


def _parameter(parameter: Parameter, use: str) -> dict[str, Any]:
    out: dict[str, Any] = {
        "name": parameter.name,
        "use": use,
        "min": parameter.least,
        "max": str(parameter.most) if parameter.most else "*",
    }
    if parameter.about:
        out["documentation"] = parameter.about
    types = parameter.type.split("|")
    if parameter.parts:
        out["part"] = [_parameter(part, use) for part in parameter.parts]
    elif len(types) == 1 and types[0] != "*":
        out["type"] = types[0]
        if parameter.search:
            out["searchType"] = parameter.search
        if parameter.targets and types[0] in ("Reference", "canonical"):
            out["targetProfile"] = [f"http://hl7.org/fhir/StructureDefinition/{name}" for name in parameter.targets]
    else:
        out["type"] = "Element"
    return out


@dataclass(frozen=True)
class OperationDefinitions:
    """The definitions beside those of the record. ``updated``: when the server started, µs."""

    operations: Sequence[Operation]
    searching: Searching
    updated: int

    def has(self, id_: str) -> bool:
        return any(id_of(operation) == id_ for operation in self.operations)

    def read(self, call: Call, id_: str) -> Answer:
        check(self.searching.decide, call, "read", "OperationDefinition", id_)
        stored = next(one for one in self._all(call.base) if one.id == id_)
        return Answer(200, stored.body, stored.etag, stored.updated)

    async def search(self, call: Call) -> Answer:
        """A page of ours first, then of the record's. Raises Invalid, Forbidden."""
        check(self.searching.decide, call, "search", "OperationDefinition")
        cursor = next((value for name, value in call.parameters if name == "_cursor"), "")
        mine = cursor.startswith(_CURSOR) or not cursor
        at = _offset(cursor) if mine else 0
        parameters = [(n, v) for n, v in call.parameters if not (mine and n == "_cursor")]
        query = self.searching.repository.query(["OperationDefinition"], parameters, lenient=call.lenient)
        found = [one for one in self._all(call.base) if matches(loads(one.body or b"{}"), query)]
        shown = found[at : at + query.count] if mine else []
        left = query.count - len(shown)
        page = await self.searching.repository.search(replace(query, count=left) if left or not query.count else query)
        total = None if page.total is None else page.total + len(found)
        if query.summary == "count":
            counted = replace(page, matches=(), cursor="", total=total, query=query)
            return Answer(200, bundle(call, "OperationDefinition", counted))
        if left or not query.count:
            page = replace(page, matches=(*shown, *page.matches), total=total)
        else:
            more = at + len(shown) < len(found) or page.matches
            page = replace(
                page, matches=tuple(shown), cursor=f"{_CURSOR}{at + len(shown)}" if more else "", total=total
            )
        return Answer(200, bundle(call, "OperationDefinition", replace(page, query=query)))

    def _all(self, base: str) -> tuple[Stored, ...]:
        return _made(tuple(self.operations), base, self.updated)


@lru_cache(maxsize=8)
def _made(operations: tuple[Operation, ...], base: str, updated: int) -> tuple[Stored, ...]:
    named = {id_of(o): definition_of(o, base, updated) for o in operations}
    return tuple(
        Stored("OperationDefinition", id_, 1, updated, dumps(one), False, False) for id_, one in sorted(named.items())
    )


def _offset(cursor: str) -> int:
    text = cursor.removeprefix(_CURSOR) or "0"
    if not text.isdecimal() or len(text) > 6:
        raise Invalid("_cursor is not one of ours", "_cursor")
    return int(text)


def matches(resource: dict[str, Any], query: Query) -> bool:
    """Whether a definition of ours meets every clause; a clause that asks for what ours never hold is not met."""
    return all(isinstance(clause, Clause) and _meets(resource, clause) for clause in query.clauses)


def _meets(resource: dict[str, Any], clause: Clause) -> bool:
    name = {"_id": "id"}.get(clause.code, clause.code)
    held: Iterable[Any] = [resource[name]] if name in resource else []
    if name == "url":
        held = [resource["url"], *([resource["base"]] if "base" in resource else [])]
    if name == "type":
        held = [str(resource["type"]).lower()]
    texts = [("true" if v else "false") if isinstance(v, bool) else str(v) for v in held]
    found = any(_is(text, value, clause.modifier) for value in clause.values for text in texts)
    if isinstance(clause.values[0], Missing):
        return clause.values[0].absent != bool(texts)
    return not found if clause.modifier == "not" else found


def _is(text: str, value: Any, modifier: str) -> bool:
    match value:
        case Token(_, code):
            return code is not None and text.lower() == code.lower()
        case Uri(wanted):
            return text == wanted if modifier != "below" else text.startswith(wanted)
        case Text(wanted):
            if modifier == "exact":
                return text == wanted
            folded = wanted.casefold()
            return folded in text.casefold() if modifier == "contains" else text.casefold().startswith(folded)
    return False
