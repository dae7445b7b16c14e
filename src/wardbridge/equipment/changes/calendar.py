"""The joint calendar of changes: what collides, a month as a grid, a feed for other calendars (RFC 5545)."""

from __future__ import annotations

import calendar as months
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

import msgspec

from wardbridge.core.clock import from_datetime, to_datetime
from wardbridge.equipment.changes.rules import ENDED
from wardbridge.equipment.changes.values import Change


class Freeze(msgspec.Struct, frozen=True, kw_only=True):
    """A time (µs, [start, stop)) in which nothing is changed: everywhere, or in a ward or zone."""

    freeze_id: str
    start: int
    stop: int
    reason: str
    ward: str = ""
    zone: str = ""


class Absence(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which a side has nobody on call; ``side`` biomed or it."""

    start: int
    stop: int
    side: str
    text: str = ""


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """Why a change had better be moved. kind: overlap, freeze, absent. ``other`` the id of what it collides with."""

    kind: str
    text: str
    other: str = ""


def hints(change: Change, others: Iterable[Change], freezes: Iterable[Freeze] = (),
          absences: Iterable[Absence] = ()) -> list[Hint]:  # fmt: skip
    """Everything that speaks against the window of a change."""
    if change.start is None or change.stop is None or change.state in ENDED:
        return []
    found = []
    for other in others:
        if other.change_id == change.change_id or other.state in ENDED or not _meets(change, other.start, other.stop):
            continue
        shared = _shared(change, other)
        if shared:
            found.append(Hint(kind="overlap", other=other.change_id, text=f"{other.title}: {', '.join(shared)}"))
    found += [
        Hint(kind="freeze", other=freeze.freeze_id, text=freeze.reason)
        for freeze in freezes
        if _meets(change, freeze.start, freeze.stop) and _frozen(change, freeze)
    ]
    for absence in absences:
        if _meets(change, absence.start, absence.stop):
            text = absence.text or f"nobody of {absence.side} is on call"
            found.append(Hint(kind="absent", other=absence.side, text=text))
    return found


def _meets(change: Change, start: int | None, stop: int | None) -> bool:
    return (start is not None and stop is not None and change.start is not None and change.stop is not None
            and change.start < stop and start < change.stop)  # fmt: skip


def _shared(one: Change, other: Change) -> list[str]:
    found = []
    for name in ("devices", "models", "zones", "wards"):
        both = sorted(set(getattr(one.file, name)) & set(getattr(other.file, name)))
        if both:
            found.append(f"the same {name}" if name == "devices" else f"the same {name} ({', '.join(both[:3])})")
    return found


def _frozen(change: Change, freeze: Freeze) -> bool:
    wards, zones = change.file.wards, change.file.zones
    if not freeze.ward and not freeze.zone:
        return True
    return bool(freeze.ward and (freeze.ward in wards or not wards)) or bool(freeze.zone and freeze.zone in zones)


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A day of the grid with what runs on it; ``inside``: it belongs to the month."""

    day: date
    inside: bool
    changes: tuple[Change, ...] = ()
    freezes: tuple[Freeze, ...] = ()


def month(
    year: int, number: int, changes: Sequence[Change], freezes: Sequence[Freeze], zone: tzinfo
) -> list[list[Day]]:
    """A month in weeks from Monday to Sunday, days in the site's time zone."""
    weeks = []
    for week in months.Calendar().monthdatescalendar(year, number):
        days = []
        for day in week:
            start, stop = bounds(day, day, zone)
            days.append(
                Day(
                    day=day, inside=day.month == number,
                    changes=tuple(c for c in changes if _meets(c, start, stop)),
                    freezes=tuple(f for f in freezes if f.start < stop and start < f.stop),
                )
            )  # fmt: skip
        weeks.append(days)
    return weeks


def bounds(first: date, last: date, zone: tzinfo) -> tuple[int, int]:
    """From the midnight that starts ``first`` to the one that ends ``last``, in µs."""
    start = datetime(first.year, first.month, first.day, tzinfo=zone)
    after = last + timedelta(days=1)
    return from_datetime(start), from_datetime(datetime(after.year, after.month, after.day, tzinfo=zone))


_STATUS = {"draft": "TENTATIVE", "assessed": "TENTATIVE", "signed": "TENTATIVE", "rejected": "CANCELLED",
           "cancelled": "CANCELLED", "rolled-back": "CANCELLED"}  # fmt: skip


def ical(changes: Iterable[Change], url: str, host: str = "wardbridge") -> str:
    """The changes as an iCalendar (RFC 5545): CRLF, lines folded at 75 octets, times in UTC. No patient is in it."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Wardbridge//Changes//EN", "CALSCALE:GREGORIAN",
             "METHOD:PUBLISH", "X-WR-CALNAME:Joint changes"]  # fmt: skip
    for one in changes:
        if one.start is None or one.stop is None:
            continue
        where = ", ".join(one.file.wards)
        lines += [
            "BEGIN:VEVENT",
            f"UID:change-{one.change_id}@{host}",
            f"DTSTAMP:{_utc(one.state_at)}",
            f"SEQUENCE:{one.version}",
            f"DTSTART:{_utc(one.start)}",
            f"DTEND:{_utc(one.stop)}",
            f"SUMMARY:{_text(one.title)}",
            f"DESCRIPTION:{_text(f'{one.kind}, {one.state}. {one.file.purpose}')}",
            f"CATEGORIES:{_text(one.kind)}",
            f"STATUS:{_STATUS.get(one.state, 'CONFIRMED')}",
            *([f"LOCATION:{_text(where)}"] if where else []),
            *([f"URL:{url}/equipment/changes/{one.change_id}"] if url else []),
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(_fold(line) + "\r\n" for line in lines)


def _utc(micros: int) -> str:
    return to_datetime(micros).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(text: str) -> str:
    plain = "".join(c for c in text.replace("\r\n", "\n").replace("\r", "\n") if c == "\n" or c >= " ")
    for sign, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        plain = plain.replace(sign, escaped)
    return plain


def _fold(line: str) -> str:
    """RFC 5545 section 3.1: at most 75 octets a line, never inside of a character."""
    parts: list[str] = []
    part, size = "", 0
    for char in line:
        octets = len(char.encode())
        if size + octets > (75 if not parts else 74):
            parts.append(part)
            part, size = "", 0
        part, size = part + char, size + octets
    return "\r\n ".join([*parts, part])
