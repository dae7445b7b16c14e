"""`now()` and the parts of dates (https://hl7.org/fhirpath/N1/#current-date-and-time-functions)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.functions.define import Entry, Make, on_value
from wardbridge.fhir.path.moments import Moment, from_micros
from wardbridge.fhir.path.scope import Fn, Items, Scope


def _clock(kind: str) -> Make:
    def make(before: Fn) -> Fn:
        def run(s: Scope) -> Items:
            if s.env.now is None:
                raise PathError("the environment of this evaluation has no clock")
            # One evaluation sees one time, however long it takes.
            found = s.memo.setdefault("now", [s.env.now()])
            return [from_micros(found[0], kind)]

        return run

    return make


def _part(index: int, kinds: tuple[str, ...]) -> Callable[[Any], int | None]:
    def part(value: Any) -> int | None:
        if not isinstance(value, Moment) or value.kind not in kinds:
            raise PathError("expected a date or time")
        at = index - 3 if value.kind == "Time" else index
        return int(value.parts[at]) if at < len(value.parts) else None

    return part


def _millisecond(value: Any) -> int | None:
    if not isinstance(value, Moment):
        raise PathError("millisecondOf: expected a time")
    last = value.parts[-1]
    return int(last % 1 * 1000) if isinstance(last, Decimal) else None


def _zone(value: Any) -> Decimal | None:
    if not isinstance(value, Moment):
        raise PathError("timezoneOffsetOf: expected a dateTime")
    return None if value.zone is None else Decimal(value.zone) / 60


def _date(value: Any) -> Moment:
    if not isinstance(value, Moment) or value.kind == "Time":
        raise PathError("dateOf: expected a date")
    return Moment("Date", value.parts[:3])


def _time(value: Any) -> Moment | None:
    if not isinstance(value, Moment):
        raise PathError("timeOf: expected a dateTime")
    if value.kind == "Time":
        return value
    return Moment("Time", value.parts[3:]) if len(value.parts) > 3 else None


_DAYS = ("Date", "DateTime")
_TIMES = ("DateTime", "Time")
TABLE: dict[str, Entry] = {
    "now": (0, 0, _clock("DateTime")),
    "today": (0, 0, _clock("Date")),
    "timeOfDay": (0, 0, _clock("Time")),
    "yearOf": (0, 0, on_value("yearOf", _part(0, _DAYS))),
    "monthOf": (0, 0, on_value("monthOf", _part(1, _DAYS))),
    "dayOf": (0, 0, on_value("dayOf", _part(2, _DAYS))),
    "hourOf": (0, 0, on_value("hourOf", _part(3, _TIMES))),
    "minuteOf": (0, 0, on_value("minuteOf", _part(4, _TIMES))),
    "secondOf": (0, 0, on_value("secondOf", _part(5, _TIMES))),
    "millisecondOf": (0, 0, on_value("millisecondOf", _millisecond)),
    "timezoneOffsetOf": (0, 0, on_value("timezoneOffsetOf", _zone)),
    "dateOf": (0, 0, on_value("dateOf", _date)),
    "timeOf": (0, 0, on_value("timeOf", _time)),
}
