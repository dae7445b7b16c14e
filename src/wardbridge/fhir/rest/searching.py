"""Search over HTTP: the parameters of a request, the Bundle of a page (R4 http.html#search, search.html)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from wardbridge.core.errors import Forbidden
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.json import dumps
from wardbridge.fhir.rest.access import check, filter_of, patients_of
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.hooks import Decide
from wardbridge.fhir.rest.outcome import issue, outcome
from wardbridge.fhir.rest.repository import Repository, Unit
from wardbridge.fhir.rest.routing import Inside, compartment_of
from wardbridge.fhir.rest.subset import elements_of, subset
from wardbridge.fhir.search.query import Compartment, Query, types_of
from wardbridge.fhir.store.compartments import members
from wardbridge.fhir.store.include import INCLUDE_LIMIT
from wardbridge.fhir.store.search import Page
from wardbridge.fhir.store.values import Stored
from wardbridge.security.principal import Target


@dataclass(frozen=True)
class Searching:
    """Search of one type, or ('') of the whole system."""

    repository: Repository
    decide: Decide

    async def search(self, call: Call, type_name: str, unit: Unit | None = None) -> Answer:
        """``unit``: inside that transaction. A path like ``Patient/123/Observation`` is a search in a compartment."""
        inside = compartment_of(call.path)
        query = self._query(call, type_name) if inside is None else self._compartment(call, inside)
        page = await (unit or self.repository).search(query)
        page = replace(page, included=tuple(one for one in page.included if self._may_see(call, one)))
        if query.contained:  # a container may be of any type
            page = replace(page, matches=tuple(one for one in page.matches if self._may_see(call, one)))
        return Answer(200, bundle(call, type_name, page), patients=patients_of(*page.matches, *page.included))

    def _compartment(self, call: Call, inside: Inside) -> Query:
        """The types are the one that the path names, or for ``*`` all that can belong and that may be searched."""
        if inside.type:
            query = self._query(call, inside.type)
        else:
            possible = [name for name in members(inside.compartment) if self._may_search(call, name)]
            if not possible:
                raise Forbidden(f"no type of the {inside.compartment} compartment may be searched")
            query = self.repository.query(possible, call.parameters, lenient=call.lenient)
            self._check_chains(call, query)
        return replace(query, clauses=(Compartment(inside.compartment, (inside.id,)), *query.clauses))

    def _may_search(self, call: Call, name: str) -> bool:
        decision = self.decide(call.principal, "search", Target("fhir", name))
        return decision.permit and not filter_of(decision)

    def _check_chains(self, call: Call, query: Query) -> None:
        """A chain tells something of the resources that it passes: they must be open to this principal, and wholly."""
        for name in sorted(frozenset().union(*map(types_of, query.clauses))):
            if filter_of(check(self.decide, call, "search", name)):
                raise Forbidden(f"a search through {name} is not open to you: you may see a part of them only")

    def _query(self, call: Call, type_name: str) -> Query:
        """Decide and parse. A principal who is limited to a part gets a search that is limited to it."""
        types = [type_name] if type_name else []
        if not type_name:
            named = [name for key, value in call.parameters if key == "_type" for name in value.split(",")]
            if named and set(named) <= resource_types():
                types = named
        extra: list[tuple[str, str]] = []
        for name in types or [""]:
            extra.extend(filter_of(check(self.decide, call, "search", name)))
        query = self.repository.query(
            [type_name] if type_name else [], [*call.parameters, *extra], lenient=call.lenient
        )
        if extra:
            # What narrows the search is not the caller's: it is not shown, and may lead through types closed to them.
            own = self.repository.query([type_name] if type_name else [], call.parameters, lenient=call.lenient)
            self._check_chains(call, own)
            return replace(query, parameters=own.parameters)
        self._check_chains(call, query)
        return query

    def _may_see(self, call: Call, one: Stored) -> bool:
        """Included resources are read too: what this principal may not read is left out."""
        decision = self.decide(call.principal, "read", Target("fhir", one.type, one.id))
        return decision.permit and not filter_of(decision)


def entry(base: str, stored: Stored, mode: str, body: bytes) -> bytes:
    return (
        f'{{"fullUrl":"{base}/{stored.type}/{stored.id}","resource":'.encode()
        + body
        + f',"search":{{"mode":"{mode}"}}}}'.encode()
    )


def links(call: Call, path: str, parameters: Iterable[tuple[str, str]], cursor: str) -> list[dict[str, str]]:
    """``self`` says what was understood; ``next`` goes on where this page ends."""
    known = [(name, value) for name, value in parameters if name != "_cursor"]
    here = [(name, value) for name, value in parameters]
    url = f"{call.base}/{path}".rstrip("/")

    def link(pairs: list[tuple[str, str]]) -> str:
        text = urlencode(pairs, quote_via=quote, safe=":/,$|")
        return f"{url}?{text}" if text else url

    out = [{"relation": "self", "url": link(here)}]
    if cursor:
        out.append({"relation": "next", "url": link([*known, ("_cursor", cursor)])})
    return out


def bundle(call: Call, type_name: str, page: Page) -> bytes:
    """A searchset, put together from the stored bytes without parsing them."""
    query = page.query
    head: dict[str, object] = {"resourceType": "Bundle", "type": "searchset"}
    if page.total is not None:
        head["total"] = page.total
    inside = compartment_of(call.path)
    path = type_name if inside is None else "/".join(call.path[:3])
    plain = inside is not None or (not type_name and not query.types)
    head["link"] = links(call, path, query.parameters if plain else _typed(type_name, query), page.cursor)
    parts = []
    for mode, resources in (("match", page.matches), ("include", page.included)):
        for one in resources:
            body = one.body or b"{}"
            elements = elements_of(one.type, query.elements, included=mode == "include")
            if elements or query.summary in ("true", "text", "data"):
                body = subset(body, query.summary, elements)
            parts.append(entry(call.base, one, mode, body))
    notes = [issue("not-supported", text, severity="warning") for text in query.ignored]
    if page.cut:
        notes.append(issue("incomplete", f"only {INCLUDE_LIMIT} included resources are given", severity="warning"))
    if notes:
        parts.append(b'{"resource":' + dumps(outcome(notes)) + b',"search":{"mode":"outcome"}}')
    raw = dumps(head)
    return raw[:-1] + b',"entry":[' + b",".join(parts) + b"]}" if parts else raw


def _typed(type_name: str, query: Query) -> tuple[tuple[str, str], ...]:
    if type_name:
        return query.parameters
    return (("_type", ",".join(query.types)), *(p for p in query.parameters if p[0] != "_type"))
