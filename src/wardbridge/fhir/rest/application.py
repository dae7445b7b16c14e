"""The FHIR API as one ASGI application: parse → decide → validate → store → index → respond.

parse: ``receive.py`` (HTTP), ``routing.py`` (which interaction), ``formats.py`` (JSON, XML), ``entries.py`` (bundles);
decide: ``access.py``, asked by each interaction; validate: ``Single.valid``; store and index: ``repository.py``, the
search rows being written in the statement that writes the resource; respond: ``formats.py`` and ``wire.py``.

Mount it at ``/fhir``. Every request ends as an OperationOutcome or with what was asked for, and, but for
``/metadata``, as one entry of the audit record: writes in their own transaction, all else before the answer leaves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from wardbridge import __version__
from wardbridge.core.clock import Clock
from wardbridge.core.db import AWAY
from wardbridge.core.errors import Invalid, NotFound, Unavailable, WardbridgeError
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.rest.access import access, check
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.audit_events import AuditEvents
from wardbridge.fhir.rest.batch import post_bundle
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.capability import statement
from wardbridge.fhir.rest.conditional import Conditional
from wardbridge.fhir.rest.formats import PLAIN, format_of, rendered
from wardbridge.fhir.rest.histories import Histories
from wardbridge.fhir.rest.hooks import Audit, AuditSource, Authenticate, Decide, Declare, Prepare, Validate
from wardbridge.fhir.rest.operation_definitions import OperationDefinitions
from wardbridge.fhir.rest.operations import Operation, find
from wardbridge.fhir.rest.outcome import Refused, of_error, refusal
from wardbridge.fhir.rest.receive import place as place
from wardbridge.fhir.rest.receive import receive as read
from wardbridge.fhir.rest.repository import Repository
from wardbridge.fhir.rest.routing import Route, route
from wardbridge.fhir.rest.searching import Searching
from wardbridge.fhir.rest.single import Single
from wardbridge.fhir.rest.transaction import Transaction
from wardbridge.fhir.rest.wire import send_answer

log = structlog.get_logger(__name__)

ATTESTED = frozenset({"create", "update", "patch", "delete", "update-where", "patch-where", "delete-where", "bundle"})
"""A success of these has its audit entries in its own transaction."""


@dataclass
class Application:
    """``base`` is our public URL of the API, '' to take it from each request. ``most_bytes`` bounds a body.

    ``prepare``: rules by resource type; ``cascade``: whether ``_cascade=delete`` is offered. ``enforced``:
    whether the repository refuses references that lead nowhere. ``statements``: what
    ``/metadata`` says in other modes than full (R4 http.html#capabilities), given the base URL.
    """

    repository: Repository
    authenticate: Authenticate
    decide: Decide
    audit: Audit
    clock: Clock
    validate: Validate | None = None
    audit_source: AuditSource | None = None
    operations: Sequence[Operation] = ()
    base: str = ""
    most_bytes: int = 64 * 1024 * 1024
    prepare: Mapping[str, Prepare] = field(default_factory=dict)
    cascade: bool = False
    enforced: bool = False
    declare: Declare | None = None
    statements: Mapping[str, Callable[[str], Awaitable[dict[str, Any]]]] = field(default_factory=dict)
    started: int = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock.now() // 1_000_000 * 1_000_000
        self.single = Single(self.repository, self.decide, self.validate, self.prepare, self.cascade)
        self.conditional = Conditional(self.single)
        self.searching = Searching(self.repository, self.decide)
        self.histories = Histories(self.repository, self.decide)
        self.definitions = OperationDefinitions(self.operations, self.searching, self.started)
        self.audit_events = AuditEvents(self.audit_source, self.decide) if self.audit_source is not None else None
        reserved = frozenset({"AuditEvent"}) if self.audit_events is not None else frozenset()
        self.transaction = Transaction(self.single, self.searching, reserved)

        one, some = self.single, self.conditional
        self._interactions: dict[str, Callable[[Call, Route], Awaitable[Answer]]] = {
            "read": lambda call, at: one.read(call, at.type, at.id),
            "vread": lambda call, at: one.vread(call, at.type, at.id, at.version),
            "search": lambda call, at: self.searching.search(call, at.type),
            "history": lambda call, at: self.histories.history(call, at.type, at.id),
            "create": lambda call, at: one.create(call, at.type),
            "update": lambda call, at: one.update(call, at.type, at.id),
            "patch": lambda call, at: one.patch(call, at.type, at.id),
            "delete": lambda call, at: one.delete(call, at.type, at.id),
            "update-where": lambda call, at: some.update(call, at.type),
            "patch-where": lambda call, at: some.patch(call, at.type),
            "delete-where": lambda call, at: some.delete(call, at.type),
            "bundle": lambda call, at: post_bundle(call, self.transaction, self.handle),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        form = PLAIN
        try:
            form = format_of(request)
            answer = rendered(await self._answer(request), form)
        except (Refused, WardbridgeError, *AWAY) as error:
            answer = rendered(_of(error), form)
        await send_answer(request, answer, send)

    async def _answer(self, request: Request) -> Answer:
        path, base = place(request, self.base)
        found = route(request.method, path)
        if found.action == "capabilities":
            other = self.statements.get(request.query_params.get("mode", "full"))
            if other is not None:
                return Answer(200, dumps(await other(base)))
            body = self._statement(base)
            return Answer(200, dumps(await self.declare(loads(body), base)) if self.declare else body)
        principal = await self.authenticate(request)
        call = await read(request, path, base, found, principal, self.most_bytes, self._accepts(found))
        return await self.handle(call, found)

    async def handle(self, call: Call, found: Route | None = None) -> Answer:
        """Run one call; every failure becomes an answer, and every answer is on record before it leaves."""
        reason, attested = "", False
        action, type_name, id_ = "", "", ""
        try:
            found = found or route(call.method, call.path)
            action, type_name, id_ = found.action, found.type, found.id
            answer = await self._run(call, found)
            attested = action in ATTESTED
        except Refused as refused:
            answer, attested, reason = refused.answer, refused.attested, "refused"
        except (WardbridgeError, *AWAY) as error:
            answer, reason = _of(error), getattr(error, "message", "")
        except RecursionError:
            answer = refusal(400, "too-long", "the request is nested too deeply")
        except Exception:
            log.exception("fhir.failed", action=action, type=type_name)
            answer = refusal(500, "exception", "an error of ours; it has been logged")
        if not attested:
            event = action.removesuffix("-where") or "request"
            event = f"${found.name}" if found is not None and action == "operation" else event
            try:
                await self.audit.record(access(call, event, type_name, id_, answer.patients, answer.status, reason))
            except WardbridgeError as error:
                return of_error(error)
        return answer

    async def _run(self, call: Call, found: Route) -> Answer:
        name, id_ = found.type, found.id
        if name == "AuditEvent" and self.audit_events is not None:
            return await self.audit_events.answer(call, found)
        if name == "OperationDefinition" and (found.action == "search" or self.definitions.has(id_)):
            return await self._operation_definition(call, found)
        return await self._interactions.get(found.action, self._operate)(call, found)

    def _accepts(self, found: Route) -> tuple[str, ...]:
        """Media types of bodies that an operation takes beside JSON."""
        if found.action != "operation":
            return ()
        operation = find(self.operations, found.name, found.type, found.id)
        return operation.accepts if operation else ()

    async def _operate(self, call: Call, found: Route) -> Answer:
        operation = find(self.operations, found.name, found.type, found.id)
        if operation is None:
            raise NotFound(f"there is no operation ${found.name} here")
        if call.method == "GET" and operation.affects_state:
            raise Invalid(f"${found.name} changes the record: use POST")
        if not operation.decides:
            check(self.decide, call, "operate", found.type, found.id)
        return await operation.perform(call, found.type, found.id)

    async def _operation_definition(self, call: Call, found: Route) -> Answer:
        if found.action == "search":
            return await self.definitions.search(call)
        if found.action == "read":
            return self.definitions.read(call, found.id)
        raise Refused(
            refusal(405, "not-supported", "made by the server and only read here", headers=(("allow", "GET, HEAD"),))
        )

    def _statement(self, base: str) -> bytes:
        audits, validates = self.audit_source is not None, self.validate is not None
        return statement(base, __version__, self.started, tuple(self.operations), audits, validates, self.enforced)


def _of(error: BaseException) -> Answer:
    """The answer that an error ends in."""
    if isinstance(error, Refused):
        return error.answer
    if isinstance(error, WardbridgeError):
        return of_error(error)
    return of_error(Unavailable(f"the database is away: {type(error).__name__}", "database"))
