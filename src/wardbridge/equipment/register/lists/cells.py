"""What a cell of a list says, as a value; and a value as a cell that says the same again."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from wardbridge.core.clock import DAY, from_datetime, to_datetime
from wardbridge.core.errors import Invalid
from wardbridge.equipment.register import net
from wardbridge.equipment.register.values import CLASSES, CRITICALITIES, STATES

LONGEST = 4000
_ISO = re.compile(r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?")
_NUMBERS = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})")
_COMPACT = re.compile(r"(19|20)(\d{2})(\d{2})(\d{2})")
_NAMED = re.compile(r"(\d{1,2})[-. ]+([A-Za-z]{3,9})[-., ]+(\d{4})|([A-Za-z]{3,9})[. ]+(\d{1,2}),? +(\d{4})")
_MONTHS = {name: number for number, name in enumerate(
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1)}  # fmt: skip
_STATES = {"active": "in-service", "in use": "in-service", "in service": "in-service", "in repair": "in-repair",
           "repair": "in-repair", "on loan": "on-loan", "loan": "on-loan", "lost": "missing",
           "inactive": "retired", "decommissioned": "retired", "maintenance due": "maintenance-due",
           "scrapped": "disposed"}  # fmt: skip
_CONTROL = re.compile("[\x00-\x08\x0b-\x1c\x1e\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_YES = {"yes": "yes", "y": "yes", "true": "yes", "1": "yes", "no": "no", "n": "no", "false": "no", "0": "no",
        "unknown": "unknown", "?": "unknown"}  # fmt: skip


def ambiguous(text: str) -> bool:
    """Whether a date of numbers could be day-first as well as month-first."""
    found = _NUMBERS.fullmatch(text.strip())
    if found is None or len(found[1]) > 2:
        return False
    return int(found[1]) <= 12 and int(found[3]) <= 12 and int(found[1]) != int(found[3])


def order_of(texts: Sequence[str]) -> str:
    """Which order the unambiguous dates of a column prove for the others: 'day', 'month', or '' for neither or both."""
    proved = set()
    for text in texts:
        found = _NUMBERS.fullmatch(text.strip())
        if found and len(found[1]) < 3 and found[2] != ".":
            first, second = int(found[1]), int(found[3])
            if 31 >= first > 12 >= second:
                proved.add("day")
            elif 31 >= second > 12 >= first:
                proved.add("month")
    return proved.pop() if len(proved) == 1 else ""


def moment(text: str, order: str = "") -> int | None:
    """A date as µs of its midnight in UTC, or a moment as it stands.

    ISO, ``31.12.2025``, ``12/31/2025``, ``31 Dec 2025``, ``20251231``, ``2025-12`` (its first day). A date that could
    be day-first or month-first is taken only with ``order``. Raises Invalid.
    """
    body = text.strip()
    if not body:
        return None
    if _MOMENT.fullmatch(body):
        try:
            found = datetime.fromisoformat(body.replace("Z", "+00:00"))
        except ValueError as error:
            raise Invalid(f"{body!r} is no date") from error
        return from_datetime(found if found.tzinfo else found.replace(tzinfo=UTC))
    year, month, day = _parts(body, order)
    try:
        return from_datetime(datetime(year, month, day, tzinfo=UTC))
    except ValueError as error:
        raise Invalid(f"{body!r} is no date") from error


def _parts(body: str, order: str) -> tuple[int, int, int]:
    if found := _ISO.fullmatch(body):
        return int(found[1]), int(found[2]), int(found[3] or 1)
    if found := _COMPACT.fullmatch(body):
        return int(found[1] + found[2]), int(found[3]), int(found[4])
    if found := _NAMED.fullmatch(body):
        day, name, year = (found[1], found[2], found[3]) if found[1] else (found[5], found[4], found[6])
        month = _MONTHS.get(name[:3].lower())
        if month is None:
            raise Invalid(f"{body!r} is no date")
        return int(year), month, int(day)
    found = _NUMBERS.fullmatch(body)
    if not found:
        raise Invalid(f"{body[:40]!r} is no date: write 2026-12-31")
    if len(found[1]) == 4:
        return int(found[1]), int(found[3]), int(found[4])
    if len(found[4]) != 4:
        raise Invalid(f"{body!r} has no year of four digits: write 2026-12-31")
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    # Day first is the only use of dots (DIN 1355, and all of Europe); strokes mean either.
    if ambiguous(body) and found[2] != ".":
        if not order:
            raise Invalid(f"{body!r} may be day-first or month-first: write 2026-12-31")
        return (year, second, first) if order == "day" else (year, first, second)
    return (year, first, second) if second > 12 else (year, second, first)


def day(at: int | None) -> str:
    """µs as a date when it is midnight in UTC, as a moment when it is not."""
    if at is None:
        return ""
    if at % DAY == 0:
        return to_datetime(at).date().isoformat()
    return to_datetime(at).isoformat(timespec="microseconds").replace("+00:00", "Z")


def money(text: str) -> Decimal | None:
    """``12345.67``, ``12,345.67``, ``12.345,67``, with or without a currency's sign. Raises Invalid."""
    body = re.sub(r"[\s$€£]|(?i:usd|eur|chf|gbp)", "", text)
    if not body:
        return None
    mark = _decimal_mark(body)
    if mark is None:
        raise Invalid(f"{text.strip()[:40]!r} may be thousands or a fraction: write 12345.67")
    plain = body.replace("." if mark == "," else ",", "").replace(mark, ".").replace("'", "")
    try:
        found = Decimal(plain)
    except InvalidOperation as error:
        raise Invalid(f"{text.strip()[:40]!r} is no amount: write 12345.67") from error
    if not found.is_finite() or found < 0 or found >= 10**12 or not re.fullmatch(r"[0-9.]+", plain):
        raise Invalid(f"{text.strip()[:40]!r} is no price")
    return found


def _decimal_mark(body: str) -> str | None:
    """Which of , and . divides the fraction; None when it cannot be known (1,234 or 1.234)."""
    comma, dot = body.rfind(","), body.rfind(".")
    if comma >= 0 and dot >= 0:
        return "," if comma > dot else "."
    mark, at = (",", comma) if comma >= 0 else (".", dot)
    if body.count(mark) > 1:
        return "." if mark == "," else ","
    return None if at >= 0 and len(body) - at - 1 == 3 else mark


def word(text: str) -> str:
    """A cell of one line or more, without control characters (but for GS1's separator). Raises Invalid for one that is
    too long."""
    body = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if len(body) > LONGEST:
        raise Invalid(f"this text is longer than {LONGEST} characters")
    return body


def _choice(offered: Sequence[str], what: str, also: dict[str, str] | None = None) -> Callable[[str, str], str]:
    def read(text: str, order: str) -> str:
        body = text.strip().casefold()
        for form in (body, body.replace(" ", "-").replace("_", "-")):
            found = form if form in offered else (also or {}).get(form, "")
            if found:
                return found
        raise Invalid(f"{text.strip()[:40]!r} is no {what}: {', '.join(offered)}")

    return read


def _ident(text: str, order: str) -> str:
    body = text.strip()
    if not re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", body):
        raise Invalid("a device id has 1 to 64 letters, digits, - and .")
    return body


def _currency(text: str, order: str) -> str:
    body = text.strip().upper()
    if not re.fullmatch(r"[A-Z]{3}", body):
        raise Invalid(f"{text.strip()[:20]!r} is no currency: three letters, such as EUR")
    return body


def _place(text: str, order: str) -> str:
    body = word(text)
    if len(body) > 60:
        raise Invalid("a name of a place is longer than 60 characters")
    return body


READERS: dict[str, Callable[[str, str], Any]] = {
    "text": lambda text, order: word(text),
    "ident": _ident,
    "udi": lambda text, order: word(text),
    "di": lambda text, order: word(text),
    "date": moment,
    "money": lambda text, order: money(text),
    "mac": lambda text, order: net.mac(text),
    "ip": lambda text, order: net.ip(text),
    "vlan": lambda text, order: net.vlan(text),
    "place": _place,
    "class": _choice(CLASSES, "class of device", {"radiology": "radiologic", "lab": "laboratory"}),
    "state": _choice(STATES, "state of the life cycle", _STATES),
    "criticality": _choice(CRITICALITIES, "criticality", {"life support": "life-support"}),
    "storage": _choice(("yes", "no", "unknown"), "answer", _YES),
    "currency": _currency,
}
"""How cells are read: (text, order of ambiguous dates) → value. Each raises Invalid."""


def shown(value: Any) -> str:
    """A value as people read it in a preview and as a list carries it."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        # Three digits after the point would read as thousands.
        return f"{value:f}0" if value.as_tuple().exponent == -3 else f"{value:f}"
    return str(value)
