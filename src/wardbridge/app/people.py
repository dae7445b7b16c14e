"""A person who signs in is a Practitioner of the record: what they chart or verify names them."""

from __future__ import annotations

from typing import Any

from wardbridge.core.db import transaction
from wardbridge.devices.ports import Record
from wardbridge.security.identity import Identity


def practitioner(person_id: str, display: str) -> dict[str, Any]:
    """The Practitioner of a person, under the same id."""
    return {"resourceType": "Practitioner", "id": person_id, "active": True, "name": [{"text": display}]}


async def add_person(
    identity: Identity, record: Record, login: str, display: str, roles: tuple[str, ...], password: str
) -> str:
    """A new person's id. Raises as :meth:`Identity.add_person` does."""
    person_id = await identity.add_person(login, display, roles, password)
    async with transaction(identity.pool) as conn:
        await record.put(conn, [practitioner(person_id, display or login)])
    return person_id
