"""What a machine's page shows of vendors: its cover, calls, remote access; and its events."""

from __future__ import annotations

import msgspec

from wardbridge.equipment.shop import Shop
from wardbridge.equipment.store.rows import Source
from wardbridge.equipment.timeline import Event
from wardbridge.equipment.vendors import access, firms
from wardbridge.equipment.vendors.store import access as access_store
from wardbridge.equipment.vendors.store import firms as store
from wardbridge.equipment.vendors.values import Call


class Dealings(msgspec.Struct, frozen=True, kw_only=True):
    """A machine's cover at this moment, its latest calls, and its sessions with their states."""

    cover: firms.Answer
    calls: tuple[Call, ...]
    sessions: tuple[tuple[access_store.Row, str], ...]


async def about(shop: Shop, device_id: str) -> Dealings:
    """Raises NotFound for a machine that the register does not know."""
    now = shop.clock.now()
    async with shop.pool.acquire() as conn:
        rows = await access_store.sessions(conn, device_id=device_id, limit=20)
        return Dealings(
            cover=await firms.coverage(conn, device_id, now),
            calls=tuple(await store.calls(conn, device_id=device_id, limit=20)),
            sessions=tuple((row, access.state(row.session, now)) for row in rows),
        )


async def events(source: Source, device_id: str) -> list[Event]:
    """Calls and remote access as events of the timeline, the newest first. Calls of work orders are the workshop's."""
    found = []
    for call in await store.calls(source, device_id=device_id):
        if call.by_id:
            url = f"/equipment/calls/{call.call_id}"
            found.append(Event(at=call.opened, kind="vendor", text=f"called: {call.text}", by=call.by_name, url=url))
            found += [
                Event(at=at, kind="vendor", text=" · ".join(filter(None, [what, note])), url=url)
                for what, at, note in (("answered", call.answered, ""), ("on site", call.on_site, ""),
                                       ("resolved", call.resolved, call.resolution)) if at is not None
            ]  # fmt: skip
    for row in await access_store.sessions(source, device_id=device_id):
        one, url = row.session, f"/equipment/access/{row.session.access_id}"
        text = f"remote access by {row.vendor}: {one.purpose}"
        found.append(Event(at=one.requested_at, kind="access", text=text, by=one.requested_name, url=url))
        found += [
            Event(at=at, kind="access", text=what, by=by, url=url)
            for what, at, by in ((f"remote access {one.decision}", one.decided_at, one.decided_name),
                                 ("remote access began", one.started_at, ""),
                                 ("remote access ended", one.ended_at, one.ended_name)) if at is not None
        ]  # fmt: skip
    return sorted(found, key=lambda one: one.at, reverse=True)
