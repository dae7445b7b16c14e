"""The server's word on a Subscription: a new version of the resource with its status and, for ``error``, the reason."""

from __future__ import annotations

from wardbridge.core.errors import Conflict, NotFound
from wardbridge.fhir.json import loads
from wardbridge.fhir.rest.hooks import Audit
from wardbridge.fhir.store.group import repeat
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Put
from wardbridge.fhir.subscriptions.store import state
from wardbridge.security.audit import Access
from wardbridge.security.principal import SYSTEM


async def stand(record: Record, audit: Audit, id_: str, version: int, status: str, reason: str = "") -> int:
    """Write ``status`` over ``version``; the new version. 0 where somebody has written a newer one meanwhile: then
    that one is read from the change log and decides."""

    async def work(conn: object) -> int:
        found = await record.read("Subscription", id_, conn)
        if found is None or found.body is None or found.version != version:
            return 0
        resource = {key: value for key, value in loads(found.body).items() if key != "error"}
        resource |= {"status": status} | ({"error": reason} if reason else {})
        stored = (await record.write(conn, [Put(resource, if_match=str(version))]))[0]
        await state.put(conn, id_, stored.version, status, resource["channel"]["type"])
        await audit.within(conn, Access(SYSTEM, "update", "Subscription", id_, (), 0, reason[:200]))
        return stored.version

    try:
        return await repeat(record.pool, work)
    except (Conflict, NotFound):
        return 0
