"""Words of people without a login: who scans the label on a machine says what is wrong with it.

The label's token is the only key; nothing but the machine's name and number is told. Words on one machine that has a
request open join its order. The sender gets a reference that cannot be guessed, and may ask with it how far it is.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec

from wardbridge.core.clock import HOUR, MINUTE
from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid, NotFound, TooMany
from wardbridge.equipment.register.values import Now
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk
from wardbridge.equipment.work.store import orders, requests
from wardbridge.security.principal import Principal

TEXT_LIMIT = 1000
ANONYMOUS = Principal("request", "Request without login", "system", frozenset({"anonymous"}))
LIMITS = ((10 * MINUTE, 5), (HOUR, 12))
"""So many requests of one address in so long."""
MACHINE_LIMITS = ((10 * MINUTE, 6), (HOUR, 20))
EVERYBODY = (HOUR, 300)
GONE = frozenset({"disposed", "sanitised", "retired", "need", "assessed", "ordered"})


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``work_request``; ``joined``: an order for it was open already."""

    request_id: str
    reference: str
    device_id: str
    work_id: str
    text: str
    at: int
    joined: bool
    sender: str
    name: str = ""
    contact: str = ""
    urgent: bool = False


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What the sender may know: how far it is, nothing of who works on it."""

    reference: str
    machine: str
    tag: str
    text: str
    at: int
    state: str
    waiting_for: str
    since: int


async def submit(
    shop: Shop, conn: Connection, machine: Now, text: str, *, sender: str, name: str = "", contact: str = "",
    urgent: bool = False, reference: Callable[[], str] = lambda: secrets.token_urlsafe(16),
) -> Request:  # fmt: skip
    """Keep a request and order the work, or join it to the order that an earlier one opened. ``sender`` is a keyed
    digest of the address: enough to count by.

    Raises Invalid without a text, NotFound for a machine that is gone, TooMany when an address, a machine or everybody
    together asked too often.
    """
    text = text.strip()
    if not 3 <= len(text) <= TEXT_LIMIT:
        raise Invalid(f"say in 3 to {TEXT_LIMIT} characters what is wrong", "text")
    if machine.state in GONE:
        raise NotFound("there is no such machine", "token")
    now = shop.clock.now()
    await requests.alone(conn)
    for longest, most in LIMITS:
        if await requests.count(conn, now - longest, sender=sender) >= most:
            raise TooMany("too many requests from here; please call the workshop", "sender")
    for longest, most in MACHINE_LIMITS:
        if await requests.count(conn, now - longest, device_id=machine.device_id) >= most:
            raise TooMany("this machine was reported several times just now; please call the workshop", "device")
    if await requests.count(conn, now - EVERYBODY[0]) >= EVERYBODY[1]:
        raise TooMany("too many requests just now; please call the workshop", "everybody")
    request_id = shop.ids()
    running = await requests.running(conn, machine.device_id)
    work_id = running
    if work_id is None:
        priority = "urgent" if urgent or machine.in_use else "routine"
        work = await desk.report(shop, conn, machine.device_id, text, ANONYMOUS, priority=priority, source="request",
                                 source_id=request_id)  # fmt: skip
        work_id = work.work_id
    else:
        await desk.note(shop, conn, work_id, f"Reported again: {text}", ANONYMOUS)
    found = Request(
        request_id=request_id, reference=reference(), device_id=machine.device_id, work_id=work_id, text=text, at=now,
        joined=running is not None, sender=sender, name=name.strip()[:100], contact=contact.strip()[:100],
        urgent=urgent,
    )  # fmt: skip
    await requests.add(conn, found)
    return found


async def status(shop: Shop, reference: str) -> Status:
    """How far a request is. Raises NotFound for a reference that nobody was given."""
    found = await requests.by_reference(shop.pool, reference) if 8 <= len(reference) <= 64 else None
    if found is None:
        raise NotFound("there is no request with this reference", "reference")
    request, machine, tag = found
    (work,) = await orders.get(shop.pool, [request["work_id"]])
    return Status(
        reference=request["reference"], machine=machine, tag=tag, text=request["text"], at=request["at"],
        state=work.state, waiting_for=work.waiting_for, since=work.done_at or work.taken_at or request["at"],
    )  # fmt: skip
