"""What the operations are made of, and what they share: reading one resource that the caller may read."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from wardbridge.core.errors import Gone, NotFound
from wardbridge.fhir.rest.access import check, filter_of
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.hooks import Audit, Decide
from wardbridge.fhir.rest.repository import Repository
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Stored
from wardbridge.fhir.validate import Issue
from wardbridge.security.principal import Target


class Check(Protocol):
    """The problems of a resource: against R4, the profiles that it claims, and those that are named (canonical URLs).

    A profile that is not known is a problem of its own.
    """

    def __call__(self, resource: dict[str, Any], profiles: Sequence[str], /) -> Awaitable[Sequence[Issue]]: ...


@dataclass(frozen=True)
class Services:
    """``expunge``: whether the site allows that resources are removed for good."""

    record: Record
    repository: Repository
    decide: Decide
    audit: Audit
    check: Check
    expunge: bool = False

    def may(self, call: Call, action: str, type_name: str, id_: str = "") -> bool:
        """Whether the caller may without any limit."""
        decision = self.decide(call.principal, action, Target("fhir", type_name, id_))
        return decision.permit and not filter_of(decision)

    async def read(self, call: Call, type_name: str, id_: str) -> Stored:
        """The current version. Raises Forbidden, NotFound, Gone."""
        check(self.decide, call, "read", type_name, id_)
        stored = await self.repository.read(type_name, id_)
        if stored is None:
            raise NotFound(f"{type_name}/{id_} does not exist")
        if stored.deleted:
            raise Gone(f"{type_name}/{id_} was deleted; its last content is version {stored.version - 1}")
        return stored
