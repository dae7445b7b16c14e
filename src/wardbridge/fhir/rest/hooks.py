"""What the API needs from elsewhere, as protocols: who asks, may they, proof, and the audit record to serve."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from starlette.requests import HTTPConnection

from wardbridge.core.db import Connection
from wardbridge.security.audit import Access
from wardbridge.security.principal import Decision, Principal, Target


class Authenticate(Protocol):
    """Raises Unauthenticated."""

    def __call__(self, request: HTTPConnection, /) -> Awaitable[Principal]: ...


class Decide(Protocol):
    """A Decision may carry ``filter``, search parameters that narrow what the principal sees: they are added to every
    search, and other interactions are refused until they can be narrowed too."""

    def __call__(self, principal: Principal, action: str, target: Target, /) -> Decision: ...


class Audit(Protocol):
    """``within`` appends in the writer's transaction; ``row`` is an entry for a statement that writes more than it;
    ``record`` returns once the row is committed."""

    def row(self, access: Access) -> tuple[Any, ...]: ...

    async def within(self, conn: Connection, *accesses: Access) -> None: ...

    async def record(self, access: Access) -> None: ...


class AuditSource(Protocol):
    """The audit record as AuditEvent resources. ``search`` raises Invalid for a parameter that it does not know;
    it gives the resources newest first and the position to go on from ('' at the end)."""

    async def read(self, id_: str) -> dict[str, Any] | None: ...

    async def search(
        self, parameters: Sequence[tuple[str, str]], count: int, after: str
    ) -> tuple[list[dict[str, Any]], str]: ...


class Validate(Protocol):
    """The problems of a resource, bindings and profiles included; each has severity, code, diagnostics, expression."""

    async def __call__(self, resource: dict[str, Any], /) -> Sequence[Any]: ...


class Prepare(Protocol):
    """What the server makes of a valid resource of one type before it is stored (a Subscription: its status, its
    secrets). Gives the resource to store. Raises Invalid or another refusal; ``status`` 422 for a rule of ours."""

    async def __call__(self, principal: Principal, resource: dict[str, Any], /) -> dict[str, Any]: ...


class Declare(Protocol):
    """What a part beside the API adds to its CapabilityStatement, which is then given as it is returned.
    ``base`` is our URL."""

    async def __call__(self, statement: dict[str, Any], base: str, /) -> dict[str, Any]: ...
