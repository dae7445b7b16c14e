"""The FHIR API as one ASGI application: negotiate → authenticate → parse → decide → validate → store → respond.

Mount it at ``/fhir``. Every request ends as an OperationOutcome or with what was asked for, and, but for
``/metadata``, as one entry of the audit record: writes in their own transaction, all else before the answer leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

import structlog
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from wardbridge import __version__
from wardbridge.core.clock import Clock
from wardbridge.core.db import AWAY
from wardbridge.core.errors import Invalid, NotFound, Unavailable, WardbridgeError
from wardbridge.fhir.json import dumps
from wardbridge.fhir.rest.access import access, check
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.audit_events import search_audit
from wardbridge.fhir.rest.batch import post_bundle
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.capability import statement
from wardbridge.fhir.rest.histories import Histories
from wardbridge.fhir.rest.hooks import Audit, AuditSource, Authenticate, Decide, Prepare, Validate
from wardbridge.fhir.rest.operation_definitions import OperationDefinitions
from wardbridge.fhir.rest.operations import Operation, find
from wardbridge.fhir.rest.outcome import Refused, of_error, refusal
from wardbridge.fhir.rest.repository import Repository
from wardbridge.fhir.rest.routing import Route, route
from wardbridge.fhir.rest.searching import Searching
from wardbridge.fhir.rest.single import Single
from wardbridge.fhir.rest.transaction import Transaction
from wardbridge.fhir.rest.wire import body_of, check_accept, check_content, send_answer

log = structlog.get_logger(__name__)

ATTESTED = frozenset({"create", "update", "delete", "update-where", "delete-where", "bundle"})
"""A success of these has its audit entries in its own transaction."""


@dataclass
class Application:
    """``base`` is our public URL of the API, '' to take it from each request. ``most_bytes`` bounds a body."""

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
    started: int = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock.now() // 1_000_000 * 1_000_000
        self.single = Single(self.repository, self.decide, self.validate, self.prepare)
        self.searching = Searching(self.repository, self.decide)
        self.histories = Histories(self.repository, self.decide)
        self.definitions = OperationDefinitions(self.operations, self.searching, self.started)
        self.transaction = Transaction(self.single, self.searching)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        answer = await self._answer(request)
        await send_answer(request, answer, send)

    async def _answer(self, request: Request) -> Answer:
        try:
            path, base = place(request, self.base)
            check_accept(request)
            found = route(request.method, path)
            if found.action == "capabilities":
                return Answer(
                    200,
                    statement(
                        base,
                        __version__,
                        self.started,
                        tuple(self.operations),
                        self.audit_source is not None,
                        self.validate is not None,
                    ),
                )
            principal = await self.authenticate(request)
            form = found.action == "search" and request.method == "POST"
            check_content(request, form, self._accepts(found))
            body = await body_of(request, self.most_bytes) if request.method in ("POST", "PUT", "PATCH") else b""
            query = request.scope["query_string"].decode("latin-1")
            parameters = parse_qsl(query, keep_blank_values=True) if query else []
            if form:
                parameters += parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
                query = "&".join(filter(None, (query, body.decode("utf-8", "replace"))))
            headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in request.scope["headers"]}
            call = Call(request.method, path, tuple(parameters), headers, base, principal, body, None, query)
        except Refused as refused:
            return refused.answer
        except WardbridgeError as error:
            return of_error(error)
        except AWAY as error:
            return of_error(Unavailable(f"the database is away: {type(error).__name__}", "database"))
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
        except WardbridgeError as error:
            answer, reason = of_error(error), error.message
        except AWAY as error:
            answer = of_error(Unavailable(f"the database is away: {type(error).__name__}", "database"))
        except Exception:
            log.exception("fhir.failed", action=action, type=type_name)
            answer = refusal(500, "exception", "an error of ours; it has been logged")
        if not attested:
            event = {"update-where": "update", "delete-where": "delete"}.get(action, action or "request")
            event = f"${found.name}" if found is not None and action == "operation" else event
            try:
                await self.audit.record(access(call, event, type_name, id_, answer.patients, answer.status, reason))
            except WardbridgeError as error:
                return of_error(error)
        return answer

    async def _run(self, call: Call, found: Route) -> Answer:
        type_name, id_ = found.type, found.id
        if type_name == "AuditEvent" and self.audit_source is not None:
            return await self._audit_event(call, found, self.audit_source)
        if type_name == "OperationDefinition" and (found.action == "search" or self.definitions.has(id_)):
            return await self._operation_definition(call, found)
        match found.action:
            case "read":
                return await self.single.read(call, type_name, id_)
            case "vread":
                return await self.single.vread(call, type_name, id_, found.version)
            case "search":
                return await self.searching.search(call, type_name)
            case "create":
                return await self.single.create(call, type_name)
            case "update":
                return await self.single.update(call, type_name, id_)
            case "delete":
                return await self.single.delete(call, type_name, id_)
            case "update-where":
                return await self.single.update_where(call, type_name)
            case "delete-where":
                return await self.single.delete_where(call, type_name)
            case "history":
                return await self.histories.history(call, type_name, id_)
            case "bundle":
                return await post_bundle(call, self.transaction, self.handle)
            case _:
                return await self._operate(call, found)

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

    async def _audit_event(self, call: Call, found: Route, source: AuditSource) -> Answer:
        if found.action == "read":
            check(self.decide, call, "read", "AuditEvent", found.id)
            resource = await source.read(found.id)
            if resource is None:
                raise NotFound(f"AuditEvent/{found.id} does not exist")
            return Answer(200, dumps(resource), 'W/"1"')
        if found.action == "search":
            return await search_audit(call, source, self.decide)
        raise Refused(
            refusal(
                405,
                "not-supported",
                "the audit record is written by the server and only read here",
                headers=(("allow", "GET, HEAD"),),
            )
        )


def place(request: Request, base: str) -> tuple[tuple[str, ...], str]:
    """(path below the base, base URL)."""
    scope = request.scope
    root = scope.get("root_path", "")
    path = scope["path"].removeprefix(root)
    if not base:
        host = request.headers.get("host", "localhost")
        base = f"{scope.get('scheme', 'http')}://{host}{root}".rstrip("/")
    return tuple(unquote(part) for part in path.split("/") if part), base
