"""A person's duties as iCalendar (RFC 5545) behind a secret address; only the secret's digest is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping

from wardbridge.core.clock import DAY, to_datetime
from wardbridge.core.db import Connection
from wardbridge.core.errors import NotFound
from wardbridge.equipment.crew import oncall
from wardbridge.equipment.crew.rota import Duty
from wardbridge.equipment.crew.store import rota as store
from wardbridge.equipment.crew.store.rota import Source
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

BACK, AHEAD = 14 * DAY, 182 * DAY


def _text(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n").replace("\r", "")


def _fold(line: str) -> str:
    """Lines of at most 75 octets, continued after a blank (RFC 5545 §3.1); no character is torn apart."""
    out, row = [], ""
    for char in line:
        if len((row + char).encode()) > 75:
            out.append(row)
            row = " "
        row += char
    return "\r\n".join([*out, row])


def _moment(at: int) -> str:
    return f"{to_datetime(at):%Y%m%dT%H%M%SZ}"


def ics(duties: Iterable[Duty], titles: Mapping[str, str], site: str, stamp: int) -> str:
    """Duties as a calendar; ``titles``: rota id -> title, ``stamp`` when it was made (µs)."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Wardbridge//On call//EN", "CALSCALE:GREGORIAN",
             "METHOD:PUBLISH", f"X-WR-CALNAME:{_text(f'On call, {site}')}"]  # fmt: skip
    for duty in duties:
        lines += [
            "BEGIN:VEVENT", f"UID:{duty.rota_id}-{duty.start}-{duty.person_id}@wardbridge", f"DTSTAMP:{_moment(stamp)}",
            f"DTSTART:{_moment(duty.start)}", f"DTEND:{_moment(duty.stop)}",
            f"SUMMARY:{_text(f'On call: {titles.get(duty.rota_id, duty.side)}')}",
            f"DESCRIPTION:{_text(f'{duty.side}, level {duty.level}')}", "TRANSP:TRANSPARENT", "END:VEVENT",
        ]  # fmt: skip
    return "\r\n".join(_fold(line) for line in [*lines, "END:VCALENDAR"]) + "\r\n"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def open_address(shop: Shop, conn: Connection, *, by: Principal) -> str:
    """A new secret for one's own calendar: shown once; an earlier one is void from now on."""
    token = secrets.token_urlsafe(32)
    await store.put_token(conn, by.id, _digest(token), shop.clock.now())
    return token


async def close_address(conn: Connection, *, by: Principal) -> None:
    """No calendar address any more."""
    await store.drop_token(conn, by.id)


async def of_token(source: Source, token: str, site: str, now: int) -> str:
    """The calendar that a secret opens, from two weeks back to half a year ahead. Raises NotFound."""
    who = await store.token_of(source, _digest(token)) if len(token) < 100 else None
    if who is None:
        raise NotFound("there is no such calendar")
    line = await oncall.duties(source, now - BACK, now + AHEAD)
    titles = {one.rota_id: one.title for one in await store.rotas(source, since=now - BACK)}
    return ics([duty for duty in line if duty.person_id == who[0]], titles, site, now)
