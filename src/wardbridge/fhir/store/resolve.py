"""``:in :not-in :above :below`` on codes: what the terminology service says stands in the query before it becomes SQL.

R4 search §3.1.1.4.1. Without a service, or for a value set or system that it does not know, the search is refused: an
answer that heeds only a part of the question is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.fhir.json import loads
from wardbridge.fhir.search.clauses import UnknownParameter
from wardbridge.fhir.search.query import (
    And,
    Asked,
    Chain,
    Clause,
    Condition,
    Link,
    Not,
    Or,
    Query,
    Reverse,
    Token,
    Value,
)
from wardbridge.fhir.search.references import split
from wardbridge.fhir.search.written import token
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.read import read
from wardbridge.fhir.terms import Terms


async def resolved(query: Query, terms: Terms | None, db: Connection | Pool, numbers: Numbers) -> Query:
    """The query with codes in place of questions. Raises UnknownParameter, Invalid, TooCostly (of the service)."""
    if not any(map(_asks, query.clauses)):
        return query
    if terms is None:
        raise UnknownParameter("the modifiers :in, :not-in, :above and :below of codes need a terminology service")
    answer = _Answer(terms, db, numbers)
    return replace(query, clauses=tuple([await answer.condition(one) for one in query.clauses]))


def _asks(condition: Condition) -> bool:
    match condition:
        case Clause(values=values):
            return any(isinstance(value, Asked) for value in values)
        case Chain(links=links):
            return any(_asks(link.condition) for link in links)
        case Reverse(condition=inner) | Not(part=inner):
            return _asks(inner)
        case And(parts=parts) | Or(parts=parts):
            return any(map(_asks, parts))
        case _:
            return False


class _Answer:
    def __init__(self, terms: Terms, db: Connection | Pool, numbers: Numbers) -> None:
        self.terms = terms
        self.db = db
        self.numbers = numbers

    async def condition(self, one: Condition) -> Condition:
        if not _asks(one):
            return one
        match one:
            case Clause():
                return replace(one, values=await self.values(one))
            case Chain(links=links):
                return replace(
                    one, links=tuple([Link(link.type, await self.condition(link.condition)) for link in links])
                )
            case Reverse(condition=inner):
                return replace(one, condition=await self.condition(inner))
            case Not(part=part):
                return Not(await self.condition(part))
            case And(parts=parts) | Or(parts=parts):
                return type(one)(tuple([await self.condition(part) for part in parts]))
            case _:
                return one

    async def values(self, clause: Clause) -> tuple[Value, ...]:
        out: dict[Value, None] = {}
        for value in clause.values:
            name = f"{clause.code}:{clause.modifier}"
            try:
                found = await self.tokens(value, name) if isinstance(value, Asked) else [value]
            except NotFound as error:
                raise Invalid(f"{name}: {error.message}", name) from error
            out.update(dict.fromkeys(found))
        return tuple(out)

    async def tokens(self, asked: Asked, name: str) -> Sequence[Token]:
        if asked.word in ("in", "not-in"):
            members = await self.terms.members(await self.canonical(asked.text))
            return [Token(system, code.casefold()) for system, code in members]
        try:
            concept = token(asked.text)
        except ValueError as error:
            raise Invalid(f"{name}: {error}", name) from error
        if not concept.system or concept.code is None:
            raise Invalid(f"{name}: expected system|code: a hierarchy belongs to a code system", name)
        code = asked.text.partition("|")[2]  # a system may heed case
        related = await self.terms.related(concept.system, code, "above" if asked.word == "above" else "below")
        return [Token(concept.system, one.casefold()) for one in related]

    async def canonical(self, text: str) -> str:
        """``ValueSet/id`` of this record as its URL; any other text as it is. Raises NotFound."""
        type_name, id_, _ = split(text)
        if type_name != "ValueSet":
            return text
        stored = await read(self.db, self.numbers, type_name, id_)
        if stored is None or stored.body is None:
            raise NotFound(f"{text} does not exist")
        return str(loads(stored.body).get("url") or text)
