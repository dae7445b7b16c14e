"""A synchronisation: the operations of one person, each applied exactly once, and what they are answered."""

from __future__ import annotations

from typing import Any

import msgspec
import structlog

from wardbridge.core.db import AWAY, Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable, WardbridgeError
from wardbridge.equipment.bench import merge, protocol
from wardbridge.equipment.bench.protocol import REFERENCE, Answer, Sent, Timed
from wardbridge.equipment.bench.store import operations as store
from wardbridge.equipment.bench.store import work as lines
from wardbridge.equipment.bench.store.operations import Kept
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

log = structlog.get_logger(__name__)


async def receive(shop: Shop, request: protocol.Request, by: Principal) -> list[Answer]:
    """Apply what was sent, in the order of the tablet's counter; an answer each, in that order.

    An operation and its answer are one transaction: whatever is lost on the way, the next time it is ``already``.
    Operations of somebody else are not touched: they stay on the tablet until that person signs in.
    Raises Unavailable when the database is away: what was applied until then is answered the next time.
    """
    now = shop.clock.now()
    sent = protocol.ordered(request.operations)
    return [
        await _once(shop, request.tablet, one, when, now, by)
        for one, when in zip(sent, protocol.times(sent, request.clock, now), strict=True)
    ]


async def settle(shop: Shop, operation_id: str, text: str, by: Principal) -> None:
    """A person has seen a conflict or refusal, and says what came of it.

    Raises Invalid without a text, NotFound, Conflict where nothing is left to settle.
    """
    if not 0 < len(text.strip()) <= protocol.TEXT_LIMIT:
        raise Invalid("say how it was settled", "text")
    if await store.get(shop.pool, operation_id) is None:
        raise NotFound("there is no such operation", "operation")
    async with shop.acting(by, "bench: settled") as conn:
        if not await store.settle(conn, operation_id, shop.clock.now(), by.display, text.strip()):
            raise Conflict("this is settled already", "operation")


async def _once(shop: Shop, tablet: str, sent: Sent, when: Timed, now: int, by: Principal) -> Answer:
    if sent.person != by.id:
        return Answer(id=sent.id, state="kept", text="this was done by somebody else: they must sign in to send it")
    try:
        async with shop.acting(by, f"bench: {sent.kind}") as conn:
            await store.lock(conn, by.id)
            known = await store.get(conn, sent.id)
            if known is not None:
                if known.person_id != by.id:
                    return Answer(id=sent.id, state="kept", text="this id is another operation's")
                return Answer(id=sent.id, state="already", was=known.state, text=known.text, work=known.work_id,
                              there=known.there)  # fmt: skip
            outcome = await _try(shop, conn, sent, when, by)
            await store.add(
                conn,
                Kept(operation_id=sent.id, tablet=tablet, counter=sent.counter, person_id=by.id, display=by.display,
                     kind=sent.kind, work_id=outcome.work_id, device_id=outcome.device_id, body=_body(sent),
                     at=when.at, happened=when.happened, received=now, offset_us=when.offset, jumped=when.jumped,
                     state=outcome.state, text=outcome.text, there=outcome.there),
            )  # fmt: skip
    except store.AGAIN as error:
        raise Unavailable("the database is busy; please try again", "database") from error
    return Answer(id=sent.id, state=outcome.state, text=outcome.text, work=outcome.work_id, there=outcome.there)


async def _try(shop: Shop, conn: Connection, sent: Sent, when: Timed, by: Principal) -> merge.Outcome:
    work_id, device_id = sent.work, sent.device
    try:
        body = protocol.body_of(sent)
        async with conn.transaction():
            work_id, device_id = await _target(conn, sent, by)
            doing = merge.Doing(shop, conn, sent.id, by, when, work_id, device_id)
            return await merge.apply(doing, body)
    except (Invalid, NotFound, Conflict, Forbidden) as error:
        text = f"{error.message} ({error.where})" if error.where else error.message
    except (*AWAY, *store.AGAIN):
        raise
    except Exception as error:
        if isinstance(error, WardbridgeError) and error.status == Unavailable.status:
            raise
        # An operation that finds a fault of ours must not hold up those behind it; what it said is kept.
        log.error("bench.crashed", kind=sent.kind, cause=type(error).__name__)
        text = "this could not be applied; please tell your IT operators"
    return merge.Outcome(state="refused", text=text, work_id=_word(work_id), device_id=_word(device_id))


async def _target(conn: Connection, sent: Sent, by: Principal) -> tuple[str, str]:
    """The order and the machine that an operation is about; ``op:…`` names the operation that began the order."""
    work_id = sent.work
    if work_id.startswith(REFERENCE):
        began = await store.get(conn, work_id.removeprefix(REFERENCE))
        if began is None or began.person_id != by.id or began.state == "refused" or not began.work_id:
            raise NotFound("the fault that this belongs to was not accepted", "work")
        work_id = began.work_id
    if not work_id:
        if sent.kind in ("fault", "down", "up") and sent.device:
            return "", sent.device
        raise Invalid("this operation names no work order", "work")
    line = await lines.of(conn, work_id)
    if line is None:
        raise NotFound("there is no such work order", "work")
    return work_id, line.device_id


def _body(sent: Sent) -> dict[str, Any]:
    """What was sent, for the person who settles it; what is no JSON object that can be kept, as text."""
    try:
        found = msgspec.json.decode(bytes(sent.body))
    except (msgspec.DecodeError, RecursionError):
        found = None
    if isinstance(found, dict) and b"\\u0000" not in bytes(sent.body):
        return found | {key: value for key, value in (("work", sent.work), ("device", sent.device)) if value}
    return {"sent": _word(bytes(sent.body).decode("utf-8", "replace"))}


def _word(text: str) -> str:
    return "".join(sign if protocol.clean(sign) else "\ufffd" for sign in text[:2000])
