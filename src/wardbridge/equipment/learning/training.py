"""Departments teach each other: sessions with seats, attendance and feedback; and who taught and helped.

The list of who gave what is by name, counts only what was given, and ranks nobody. Times are µs since the epoch (UTC).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from wardbridge.core.clock import from_datetime, to_datetime
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.learning import competence
from wardbridge.equipment.learning.store import competence as competences
from wardbridge.equipment.learning.store import paths as path_store
from wardbridge.equipment.learning.store import training as store
from wardbridge.equipment.learning.store.training import Given, Source, Training
from wardbridge.equipment.learning.values import AUDIENCES
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import SYSTEM, Principal


async def plan(shop: Shop, conn: Connection, session: Training, teachers: Sequence[str], *, by: Principal) -> str:
    """A new session; its id. Raises Invalid, NotFound."""
    if not 1 <= len(session.topic.strip()) <= 160:
        raise Invalid("a session has a topic", "topic")
    if session.department not in AUDIENCES or not session.audiences or not set(session.audiences) <= set(AUDIENCES):
        raise Invalid(f"departments are: {', '.join(AUDIENCES)}", "department")
    if not 5 <= session.minutes <= 1440 or not 1 <= session.seats <= 1000:
        raise Invalid("5 minutes to a day, 1 to 1000 seats", "seats")
    if session.at <= shop.clock.now():
        raise Invalid("a session is planned for a time to come", "at")
    if not teachers:
        raise Invalid("say who teaches", "teachers")
    names = [(one, await competences.display(conn, one)) for one in dict.fromkeys(teachers)]
    if not all(display for _, display in names):
        raise NotFound("there is no such person", "teachers")
    if session.code and session.code not in {one.code for one in await competences.competences(conn)}:
        raise NotFound(f"there is no competence {session.code!r}", "code")
    one = msgspec.structs.replace(session, training_id=shop.ids(), state="planned", created_by=by.id)
    await store.put(conn, one, names)
    return one.training_id


async def _planned(conn: Connection, training_id: str) -> Training:
    session = await store.training(conn, training_id, lock=True)
    if session is None:
        raise NotFound("there is no such session", "training")
    if session.state != "planned":
        raise Conflict(f"this session is {session.state}", "state")
    return session


async def sign_up(shop: Shop, conn: Connection, training_id: str, *, by: Principal) -> None:
    """Take a seat. Raises NotFound, Conflict when it is full, held, cancelled or one's own."""
    session = await _planned(conn, training_id)
    if by.id in {person for person, _ in await store.teachers(conn, training_id)}:
        raise Conflict("you teach this session", "person")
    if len(await store.seats(conn, training_id)) >= session.seats:
        raise Conflict("every seat is taken", "seats")
    if not await store.sign_up(conn, training_id, (by.id, by.display), shop.clock.now()):
        raise Conflict("you have a seat already", "person")


async def leave(conn: Connection, training_id: str, *, by: Principal) -> None:
    """Give one's seat back. Raises NotFound, Conflict."""
    await _planned(conn, training_id)
    if not await store.leave(conn, training_id, by.id):
        raise Conflict("you have no seat", "person")


async def cancel(conn: Connection, training_id: str, *, by: Principal) -> None:
    """Raises NotFound, Conflict, Forbidden for whoever neither planned nor teaches it."""
    session = await _planned(conn, training_id)
    await _leads(conn, session, by)
    await store.put(conn, msgspec.structs.replace(session, state="cancelled"), ())


async def hold(shop: Shop, conn: Connection, training_id: str, present: Sequence[str], *, by: Principal) -> None:
    """The session took place, and these came: those who prove a competence by it get their record.

    Raises NotFound, Forbidden, Conflict, Invalid for somebody who had no seat, or before its time.
    """
    session = await _planned(conn, training_id)
    await _leads(conn, session, by)
    if session.at > shop.clock.now():
        raise Invalid("the session has not begun yet", "at")
    seats = {one.person_id for one in await store.seats(conn, training_id)}
    if not set(present) <= seats:
        raise Invalid("only those who signed up can have come", "present")
    await store.put(conn, msgspec.structs.replace(session, state="held"), ())
    await store.attend(conn, training_id, present)
    for person_id in sorted(set(present)) if session.code else ():
        teacher = by if by.id != person_id else SYSTEM
        await competence.assess(shop, conn, person_id, session.code, by=teacher, at=session.at,
                                evidence=f"attended: {session.topic}")  # fmt: skip
        await path_store.fulfil(conn, person_id, ("training",), session.code, "mentor", (by.id, by.display),
                                shop.clock.now(), f"attended: {session.topic}")  # fmt: skip


async def _leads(conn: Connection, session: Training, by: Principal) -> None:
    people = {person for person, _ in await store.teachers(conn, session.training_id)} | {session.created_by}
    if by.id not in people and "administrator" not in by.roles:
        raise Forbidden("whoever planned or teaches the session does this", "person")


async def rate(conn: Connection, training_id: str, rating: int, feedback: str, *, by: Principal) -> None:
    """What somebody who came thinks of it, 1 to 5. Raises Invalid, Conflict."""
    if not 1 <= rating <= 5:
        raise Invalid("a rating is 1 to 5", "rating")
    if not await store.rate(conn, training_id, by.id, rating, feedback.strip()[:1000]):
        raise Conflict("feedback is given by those who came", "person")


async def thank(shop: Shop, conn: Connection, person_id: str, text: str, *, by: Principal) -> None:
    """Say thank you, for all to read. Raises NotFound, Invalid, Conflict for oneself."""
    if person_id == by.id:
        raise Conflict("thank somebody else", "person")
    if not 5 <= len(text.strip()) <= 500:
        raise Invalid("say what for, in 5 to 500 characters", "text")
    display = await competences.display(conn, person_id)
    if not display:
        raise NotFound("there is no such person", "person")
    await store.thank(conn, shop.ids(), (person_id, display), (by.id, by.display), shop.clock.now(), text.strip())


def quarter(at: int, back: int = 0) -> tuple[str, int, int]:
    """(name, start, end) of the quarter that holds ``at`` (UTC calendar), or of one that lies ``back`` before it."""
    moment = to_datetime(at)
    number = moment.year * 4 + (moment.month - 1) // 3 - back
    edges = [from_datetime(datetime(n // 4, n % 4 * 3 + 1, 1, tzinfo=UTC)) for n in (number, number + 1)]
    return f"{number // 4}-Q{number % 4 + 1}", edges[0], edges[1]


async def recognition(source: Source, since: int, until: int) -> list[Given]:
    """What people gave to others within a time, by name."""
    return await store.given(source, since, until, SYSTEM.id)
