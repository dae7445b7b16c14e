"""DTM: date and time with written precision and zone (HL7 v2.9 section 2A.3.22)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Literal

import msgspec

Precision = Literal["year", "month", "day", "hour", "minute", "second", "fraction"]

_BY_LENGTH: dict[int, Precision] = {
    4: "year", 6: "month", 8: "day", 10: "hour", 12: "minute", 14: "second",
}  # fmt: skip


class Moment(msgspec.Struct, frozen=True):
    """A written time: its first instant in UTC microseconds since 1970, and how exact it is.

    `zoned` says that the text itself carried an offset.
    """

    micros: int
    precision: Precision
    zoned: bool

    @property
    def utc(self) -> datetime:
        """The instant as an aware datetime in UTC."""
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=self.micros)


def parse_dtm(text: str, zone: tzinfo = UTC) -> Moment | None:
    """The moment a DTM (or TS) names, None where it names none.

    `zone` applies where the text has no offset: the offset of MSH-7, else the site's zone.
    Accepts a space before the offset, as some senders write it.
    """
    digits, offset, zoned = text.strip(), zone, False
    for sign in "+-":
        at = digits.find(sign, 4)
        if at > 0:
            found = parse_offset(digits[at:])
            if found is None:
                return None
            offset, zoned, digits = found, True, digits[:at].rstrip()
            break
    whole, dot, fraction = digits.partition(".")
    precision = _BY_LENGTH.get(len(whole))
    if precision is None or not (whole.isascii() and whole.isdigit()):
        return None
    micro = 0
    if dot:
        if precision != "second" or not (fraction.isascii() and fraction.isdigit()):
            return None
        micro = int(fraction[:6].ljust(6, "0"))
        precision = "fraction"
    whole = (whole + "00000101000000"[len(whole) :])[:14]
    try:
        local = datetime(
            int(whole[:4]), int(whole[4:6]), int(whole[6:8]),
            int(whole[8:10]), int(whole[10:12]), int(whole[12:14]), micro, tzinfo=offset,
        )  # fmt: skip
        return Moment(micros_of(local), precision, zoned)
    except (ValueError, OverflowError):
        return None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def micros_of(when: datetime) -> int:
    """Microseconds since 1970 UTC of an aware datetime, exact."""
    return (when - _EPOCH) // _MICRO


@lru_cache(maxsize=256)
def parse_offset(text: str) -> timezone | None:
    """`+0130` or `-06:00` as a time zone, None where it is neither."""
    digits = text[1:].replace(":", "").strip()
    if text[:1] not in ("+", "-") or len(digits) != 4:
        return None
    if not (digits.isascii() and digits.isdigit()):
        return None
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 14 or minutes > 59:
        return None
    shift = timedelta(hours=hours, minutes=minutes)
    return timezone(-shift if text[0] == "-" else shift)


def offset_of(text: str) -> timezone | None:
    """The offset a DTM carries, None where it carries none."""
    for sign in "+-":
        at = text.find(sign, 4)
        if at > 0:
            return parse_offset(text[at:])
    return None


def format_dtm(micros: int, zone: tzinfo = UTC, precision: Precision = "second") -> str:
    """A DTM with offset for microseconds since 1970 UTC, `fraction` meaning milliseconds."""
    local = (_EPOCH + timedelta(microseconds=micros)).astimezone(zone)
    stamp = local.strftime("%Y%m%d%H%M%S").rjust(14, "0")
    if precision == "fraction":
        stamp = f"{stamp}.{local.microsecond // 1000:03d}"
    elif precision != "second":
        length = next(n for n, name in _BY_LENGTH.items() if name == precision)
        return stamp[:length]
    return stamp + local.strftime("%z")[:5]
