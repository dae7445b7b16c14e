"""A machine's life for its page: where it is in it, what leads on, what happened."""

from __future__ import annotations

import msgspec

from wardbridge.core.errors import NotFound
from wardbridge.equipment.lifecycle import moves
from wardbridge.equipment.lifecycle.store import checks, needs
from wardbridge.equipment.lifecycle.store import moves as store
from wardbridge.equipment.lifecycle.values import Certificate, Facts, Inspection, Item, Medium, Move, Need
from wardbridge.equipment.register.store import now
from wardbridge.equipment.register.values import Now
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.store.rows import Source
from wardbridge.equipment.timeline import Event
from wardbridge.security.principal import Principal


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the page of a machine's life shows; moves, inspections and certificates the newest first."""

    machine: Now
    facts: Facts
    choices: tuple[moves.Choice, ...]
    moves: tuple[Move, ...]
    inspections: tuple[Inspection, ...]
    items: tuple[Item, ...]
    media: tuple[Medium, ...]
    certificates: tuple[Certificate, ...]
    need: Need | None


async def about(shop: Shop, device_id: str, by: Principal) -> Life:
    """The life of one machine, with the moves that ``by`` may make. Raises NotFound."""
    async with shop.pool.acquire() as conn:
        machines = await now(conn, [device_id])
        if not machines:
            raise NotFound("there is no such machine in the register", f"Device/{device_id}")
        inspections = await checks.inspections(conn, device_id)
        return Life(
            machine=machines[0],
            facts=(await store.facts(conn, [device_id]))[0],
            choices=tuple(await moves.choices(conn, device_id, by)),
            moves=tuple(await store.of_device(conn, device_id)),
            inspections=tuple(inspections),
            items=tuple(await checks.items(conn, inspections[0].inspection_id)) if inspections else (),
            media=tuple(await checks.media(conn, device_id)),
            certificates=tuple(await checks.certificates(conn, device_id)),
            need=await needs.need_of(conn, device_id),
        )


async def events(source: Source, device_id: str) -> list[Event]:
    """Moves, inspections and certificates as events of the timeline, the newest first."""
    url = f"/equipment/devices/{device_id}/life"
    found = [
        Event(at=one.at, kind="state", by=one.display, url=url,
              text=" · ".join([f"{one.from_state} → {one.to_state}", *one.evidence.values()]))
        for one in await store.of_device(source, device_id)
    ]  # fmt: skip
    for certificate in await checks.certificates(source, device_id):
        page = f"/equipment/certificates/{certificate.certificate_id}"
        what = f"{certificate.method} ({certificate.technique}) of {len(certificate.media)} media"
        found.append(Event(at=certificate.done_at, kind="sanitised", text=what, by=certificate.done_name, url=page))
        if certificate.verified_at is not None:
            found.append(Event(at=certificate.verified_at, kind="signature", by=certificate.verified_name, url=page,
                               text=f"sanitisation verified: {certificate.result}"))  # fmt: skip
    return sorted(found, key=lambda one: one.at, reverse=True)
