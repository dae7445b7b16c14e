"""ISBT 128 labels of devices with human tissue, and of blood bags (ICCBBA ST-001, ST-011)."""

from __future__ import annotations

import re
from datetime import date, timedelta

import msgspec

from wardbridge.equipment.udi.values import ICCBBA, Udi

# Data identifier, content, name in Udi. The longer identifiers stand first.
STRUCTURES: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("=/", re.compile(r"[A-Z0-9]{16}"), "di"),
    ("=,", re.compile(r"[A-Z0-9]{6}"), "serial"),
    ("=>", re.compile(r"\d{6}"), "expiration"),
    ("=}", re.compile(r"\d{6}"), "manufactured"),
    ("&,1", re.compile(r"[A-Z0-9]{18}"), "lot"),
    ("=)", re.compile(r"[A-Z0-9]{10}"), "di"),
    ("&)", re.compile(r"[A-Z0-9]{10}"), "lot"),
    ("=", re.compile(r"[A-NP-Z1-9][A-Z0-9]{14}"), "donation"),
)


def parse(text: str) -> Udi:
    """Every data structure in turn; what is not one stays in ``rest``."""
    found: dict[str, str] = {}
    notes: list[str] = []
    at = 0
    while at < len(text):
        flag, name, value = _next(text, at)
        if not flag:
            notes.append(f"{text[at : at + 6]!r} is no data structure of a device; the rest was not read")
            break
        at += len(flag) + len(value)
        if name in ("expiration", "manufactured"):
            value = _date(value)
            if not value:
                notes.append(f"{flag} holds no date")
                continue
        if found.setdefault(name, value) != value:
            notes.append(f"{flag} stands there twice")
    if "di" not in found:
        notes.append("there is no device identifier (=/)")
    return msgspec.structs.replace(Udi(text=text, issuer=ICCBBA, rest=text[at:], warnings=tuple(notes)), **found)


def _next(text: str, at: int) -> tuple[str, str, str]:
    for flag, pattern, name in STRUCTURES:
        if text.startswith(flag, at):
            match = pattern.match(text, at + len(flag))
            if match:
                return flag, name, match[0]
    return "", "", ""


def _date(raw: str) -> str:
    """cYYJJJ: century 0 is 2000, 9 is 1900; day of the year."""
    century = 1900 if raw[0] == "9" else 2000 + 100 * int(raw[0])
    year, days = century + int(raw[1:3]), int(raw[3:])
    day = date(year, 1, 1) + timedelta(days=days - 1)
    return day.isoformat() if days and day.year == year else ""
