"""What a query reads of the record: references gathered into few reads, searches, and each decided upon and on record.

Nothing is given out that the caller may not read or search; a query that touches too much is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from wardbridge.core.errors import Forbidden, WardbridgeError
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.graphql.errors import FieldError
from wardbridge.fhir.json import loads
from wardbridge.fhir.rest.access import access, check, filter_of, patients_of
from wardbridge.fhir.rest.call import ID, Call
from wardbridge.fhir.rest.hooks import Audit, Decide
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.search import Page
from wardbridge.fhir.store.values import Stored
from wardbridge.security.audit import Access

MOST_RESOURCES = 5000
"""Resources that one query may read."""
MOST_SEARCHES = 300
LARGEST = 1000
"""Of ``_count`` and ``_offset`` together."""

Name = tuple[str, str, int]
"""Type, id, and version (0: the current one)."""


@dataclass
class Reach:
    """The record as one query sees it. ``accesses`` is what has been touched, for the audit record."""

    record: Record
    decide: Decide
    call: Call
    accesses: list[Access] = field(default_factory=list)
    patients: dict[str, None] = field(default_factory=dict)
    _read: dict[Name, asyncio.Future[dict[str, Any] | None]] = field(default_factory=dict)
    _waiting: list[Name] = field(default_factory=list)
    _flush: asyncio.Task[None] | None = None
    _resources: int = 0
    _searches: int = 0

    def name_of(self, reference: str) -> Name | None:
        """What a literal reference into this record names; None for fragments, other servers, other forms."""
        path = reference
        base = self.call.base.rstrip("/") + "/"
        for own in (base, *(b.rstrip("/") + "/" for b in self.record.bases)):
            path = path.removeprefix(own)
        if urlsplit(path).scheme or path.startswith("/"):
            return None
        parts = path.split("/")
        if len(parts) not in (2, 4) or parts[0] not in resource_types() or not ID.fullmatch(parts[1]):
            return None
        if len(parts) == 2:
            return parts[0], parts[1], 0
        known = parts[2] == "_history" and parts[3].isdecimal() and 0 < len(parts[3]) < 10
        return (parts[0], parts[1], int(parts[3])) if known else None

    async def read(self, name: Name) -> dict[str, Any] | None:
        """A resource, None where there is none (any more). Raises FieldError where the caller may not read it."""
        try:
            check(self.decide, self.call, "vread" if name[2] else "read", name[0], name[1])
        except Forbidden as error:
            self.accesses.append(access(self.call, "read", name[0], name[1], (), error.status, error.message))
            raise FieldError(error.message, error.code) from error
        found = self._read.get(name)
        if found is None:
            found = self._read[name] = asyncio.get_running_loop().create_future()
            self._waiting.append(name)
            if self._flush is None or self._flush.done():
                self._flush = asyncio.create_task(self._fetch())
        # Many fields may wait for one resource: none of them may cancel it for the others.
        return await asyncio.shield(found)

    async def _fetch(self) -> None:
        """All that was asked for by the time this task gets its turn, in one statement."""
        names, self._waiting = self._waiting, []
        try:
            self._count(len(names))
            current = await self.record.read_many([(t, i) for t, i, version in names if not version])
            stored = {(one.type, one.id, 0): one for one in current}
            for name in names:
                if name[2] and (one := await self.record.vread(*name)) is not None:
                    stored[name] = one
        except Exception as error:
            for name in names:
                self._read[name].set_exception(_as_field_error(error))
                self._read[name].exception()  # seen: nobody may be waiting any more
            return
        for name in names:
            found = stored.get(name)
            body = found.body if found is not None else None
            self._touch(*([found] if found is not None else []), event="read", type_name=name[0], id_=name[1])
            self._read[name].set_result(loads(body) if body is not None else None)

    def _count(self, resources: int) -> None:
        self._resources += resources
        if self._resources > MOST_RESOURCES:
            raise FieldError(f"the query reads more than {MOST_RESOURCES} resources: narrow it", "too-costly")

    def _touch(self, *stored: Stored, event: str, type_name: str, id_: str = "", query: str = "") -> None:
        patients = patients_of(*stored)
        self.patients.update(dict.fromkeys(patients))
        status = 200 if stored or not id_ else 404
        entry = access(self.call, event, type_name, id_, patients, status)
        self.accesses.append(replace(entry, query=query))

    def seen(self, stored: Stored) -> None:
        """The resource that the query starts from has been read."""
        self._touch(stored, event="read", type_name=stored.type, id_=stored.id)

    async def search(self, type_name: str, parameters: Iterable[tuple[str, str]], total: bool = False) -> Page:
        """One page. Raises FieldError."""
        pairs = list(parameters)
        if type_name == "AuditEvent":
            raise FieldError("the audit record is searched by the REST API only", "not-supported")
        self._searches += 1
        if self._searches > MOST_SEARCHES:
            raise FieldError(f"the query runs more than {MOST_SEARCHES} searches: narrow it", "too-costly")
        try:
            extra = filter_of(check(self.decide, self.call, "search", type_name))
            wanted = [*pairs, *extra, ("_total", "accurate" if total else "none")]
            page = await self.record.search(self.record.query([type_name], wanted))
        except WardbridgeError as error:
            self.accesses.append(access(self.call, "search", type_name, "", (), error.status, error.message))
            raise FieldError(error.message, error.code) from error
        self._count(len(page.matches))
        self._touch(*page.matches, event="search", type_name=type_name, query="&".join(f"{n}={v}" for n, v in pairs))
        return page

    async def attest(self, audit: Audit) -> None:
        """Every access on record. Raises Unavailable."""
        await asyncio.gather(*(audit.record(one) for one in self.accesses))


def _as_field_error(error: Exception) -> Exception:
    if isinstance(error, WardbridgeError):
        return FieldError(error.message, error.code)
    return error


def parameters_of(arguments: dict[str, Any]) -> list[tuple[str, str]]:
    """Arguments of a search as its parameters: a GraphQL name has no dash, so `_` stands for it (R4 graphql.html).

    A list is an "or" of its values. Raises FieldError.
    """
    out: list[tuple[str, str]] = []
    for name, value in arguments.items():
        values = value if isinstance(value, list) else [value]
        texts = [_text(name, one) for one in values]
        if texts:
            out.append((name if name.startswith("_") else name.replace("_", "-"), ",".join(texts)))
    return out


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list) or value is None:
        raise FieldError(f"the search argument {name} must be a text, a number, true or false", "invalid")
    return str(value)


def split_window(arguments: dict[str, Any]) -> tuple[dict[str, Any], int, int]:
    """(other arguments, ``_count``, ``_offset``) of a list. Raises FieldError."""
    rest = dict(arguments)
    count, offset = rest.pop("_count", 20), rest.pop("_offset", 0)
    for name, value in (("_count", count), ("_offset", offset)):
        if type(value) is not int or value < 0:
            raise FieldError(f"{name} must be a whole number of at least 0", "invalid")
    if count + offset > LARGEST:
        raise FieldError(
            f"_count and _offset together are at most {LARGEST}: use a Connection, whose cursors go on without end",
            "too-costly",
        )
    return rest, count, offset
