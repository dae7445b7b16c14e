"""AuditEvent served from security's append-only record: read and search, nothing else (DESIGN §4)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wardbridge.core.errors import Invalid, NotFound
from wardbridge.fhir.json import dumps
from wardbridge.fhir.rest.access import check
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.hooks import AuditSource, Decide
from wardbridge.fhir.rest.outcome import Refused, refusal
from wardbridge.fhir.rest.routing import Route, compartment_of
from wardbridge.fhir.rest.searching import links
from wardbridge.fhir.search.prefix import Now, date_range
from wardbridge.fhir.search.result import LARGEST_COUNT
from wardbridge.security.audit import Audit, as_fhir


class SecurityAudit:
    """:class:`AuditSource` over ``security.audit``."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    async def read(self, id_: str) -> dict[str, Any] | None:
        try:
            text = str(uuid.UUID(id_))
        except ValueError:
            return None
        rows = await self._audit.find(audit_id=text, limit=1)
        return as_fhir(rows[0]) if rows else None

    async def search(
        self, parameters: Sequence[tuple[str, str]], count: int, after: str
    ) -> tuple[list[dict[str, Any]], str]:
        criteria: dict[str, Any] = {}
        for name, value in parameters:
            _criterion(criteria, name, value)
        if after:
            if not after.isdecimal() or len(after) > 18:
                raise Invalid("_cursor is not one of ours", "_cursor")
            criteria["before"] = int(after)
        rows = await self._audit.find(**criteria, limit=count + 1)
        return [as_fhir(row) for row in rows[:count]], str(rows[count - 1]["sequence"]) if len(rows) > count else ""


def _criterion(criteria: dict[str, Any], name: str, value: str) -> None:
    """One parameter as a criterion of :meth:`Audit.find`. Raises Invalid."""
    if name == "date":
        try:
            wanted = date_range(value, Now(0))
        except ValueError as error:
            raise Invalid(f"date: {error}", "date") from error
        low, high = int(wanted.low), int(wanted.high)
        since, until = {
            "eq": (low, high - 1),
            "ge": (low, None),
            "gt": (high, None),
            "sa": (high, None),
            "le": (None, high - 1),
            "lt": (None, low - 1),
            "eb": (None, low - 1),
        }.get(wanted.prefix, (None, None))
        if since is None and until is None:
            raise Invalid(f"date: the prefix {wanted.prefix} is not supported for AuditEvent", "date")
        if since is not None:
            criteria["since"] = max(since, criteria.get("since", 0))
        if until is not None:
            criteria["until"] = min(until, criteria.get("until", 1 << 62))
    elif name == "_id":
        try:
            criteria["audit_id"] = str(uuid.UUID(value))
        except ValueError:
            criteria["audit_id"] = str(uuid.UUID(int=0))
    elif name == "patient":
        criteria["patient"] = value.removeprefix("Patient/")
    elif name == "agent":
        criteria["actor"] = value
    elif name == "action":
        criteria["action"] = value.rpartition("|")[2]
    elif name == "outcome":
        code = value.rpartition("|")[2]
        if not code.isdecimal() or len(code) > 2:
            raise Invalid("outcome must be 0, 4, 8 or 12", "outcome")
        criteria["outcome"] = int(code)
    elif name == "entity":
        criteria["target_type"], _, criteria["target_id"] = value.partition("/")
    else:
        raise Invalid(f"unknown search parameter {name!r} for AuditEvent", name)


@dataclass(frozen=True)
class AuditEvents:
    """The interactions with AuditEvent: read and search."""

    source: AuditSource
    decide: Decide

    async def answer(self, call: Call, found: Route) -> Answer:
        if found.action == "read":
            check(self.decide, call, "read", "AuditEvent", found.id)
            resource = await self.source.read(found.id)
            if resource is None:
                raise NotFound(f"AuditEvent/{found.id} does not exist")
            return Answer(200, dumps(resource), 'W/"1"')
        if found.action == "search":
            return await search_audit(call, self.source, self.decide)
        text = "the audit record is written by the server and only read here"
        raise Refused(refusal(405, "not-supported", text, headers=(("allow", "GET, HEAD"),)))


async def search_audit(call: Call, source: AuditSource, decide: Decide) -> Answer:
    """``GET AuditEvent?…`` as a Bundle."""
    check(decide, call, "search", "AuditEvent")
    count, after, rest = 20, "", list[tuple[str, str]]()
    for name, value in call.parameters:
        if name == "_count":
            if not value.isdecimal() or not int(value[:9]) > 0:
                raise Invalid("_count must be a whole number above 0", "_count")
            count = min(int(value[:9]), LARGEST_COUNT)
        elif name == "_cursor":
            after = value
        elif name not in ("_format", "_pretty"):
            rest.append((name, value))
    inside = compartment_of(call.path)
    if inside is not None:
        if inside.compartment != "Patient":
            raise Invalid(f"AuditEvent cannot be searched by {inside.compartment}; ask for agent or entity")
        rest.append(("patient", inside.id))
    found, cursor = await source.search(rest, count, after)
    path = "AuditEvent" if inside is None else "/".join(call.path[:3])
    shown = [p for p in call.parameters if p[0] not in ("_format", "_pretty")]
    body = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": links(call, path, shown, cursor),
        "entry": [
            {"fullUrl": f"{call.base}/AuditEvent/{one['id']}", "resource": one, "search": {"mode": "match"}}
            for one in found
        ],
    }
    if not found:
        del body["entry"]
    return Answer(200, dumps(body))
