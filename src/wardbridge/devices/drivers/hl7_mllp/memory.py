"""What the driver remembers from one message to the next: field texts it has already understood.

Senders repeat their units, limits, times and device rows. Every table is bounded and is emptied when
full, so a hostile sender costs speed, never memory.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import Any, Generic, TypeVar

from wardbridge.devices.drivers.hl7_mllp.containment import Layouts
from wardbridge.devices.drivers.hl7_mllp.mapping import (
    Limits,
    Unit,
    limits_of,
    method_of,
    quality_of,
    site_of,
    unit_of,
)
from wardbridge.devices.values import SubjectHint
from wardbridge.exchange.codecs.hl7v2.dtm import parse_dtm
from wardbridge.exchange.codecs.hl7v2.escapes import unescape
from wardbridge.exchange.codecs.hl7v2.separators import Separators

T = TypeVar("T")
LIMIT = 4096
MAX_TEXT = 256
MAX_DIALECTS = 64
MAX_HINTS = 512


class Known(dict[str, T], Generic[T]):
    """Texts and what they mean; a new text is worked out on first use."""

    def __init__(self, work_out: Callable[[str], T]) -> None:
        super().__init__()
        self._work_out = work_out

    def __missing__(self, text: str) -> T:
        found = self._work_out(text)
        if len(text) <= MAX_TEXT:
            if len(self) >= LIMIT:
                self.clear()
            self[text] = found
        return found


class Habits:
    """Times as microseconds since 1970 UTC (0 where unreadable), and the tails of rows."""

    def __init__(self, zone: tzinfo) -> None:
        days: dict[str, int] = {}

        def work_out(text: str) -> int:
            day = text[:8] + text[14:]
            if len(text) == 19 and text[:14].isdigit() and text.isascii() and day in days:
                hour, minute, second = int(text[8:10]), int(text[10:12]), int(text[12:14])
                if hour < 24 and minute < 60 and second < 60:
                    return days[day] + (hour * 3600 + minute * 60 + second) * 1_000_000
            moment = parse_dtm(text, zone)
            if moment is None:
                return 0
            if len(text) == 19 and moment.zoned and moment.precision == "second":
                midnight = parse_dtm(text[:8] + "000000" + text[14:], zone)
                if midnight is not None:
                    if len(days) >= LIMIT:
                        days.clear()
                    days[day] = midnight.micros
            return moment.micros

        self.times: Known[int] = Known(work_out)
        self.shapes: dict[tuple[str, ...], Any] = {}
        self.tails: dict[str, tuple[str, str, str, str, int, str, str, str, int]] = {}


class Dialect:
    """The tables for one set of separators and one charset."""

    def __init__(self, separators: Separators, codec: str) -> None:
        marks = separators

        def parts(text: str) -> list[str]:
            first = text.split(marks.repetition, 1)[0] if marks.repetition else text
            items = first.split(marks.component) if marks.component else [first]
            return [unescape(item, marks, codec) for item in items]

        self.parts = parts
        self.escape = marks.escape
        self.plain: Callable[[str], str] = lambda text: unescape(text, marks, codec)
        self.samples: Callable[[str], list[str]] = lambda text: text.replace(
            marks.repetition or "^", marks.component or "^"
        ).split(marks.component or "^")
        self.repeat: Callable[[str], list[str]] = lambda text: (
            text.split(marks.repetition) if marks.repetition else [text]
        )
        self.layouts = Layouts()
        self.units: Known[Unit] = Known(lambda text: unit_of(parts(text)))
        self.limits: Known[Limits] = Known(lambda text: limits_of(unescape(text, marks, codec)))
        self.flags: Known[tuple[int, bool]] = Known(lambda text: quality_of(text, marks.repetition))
        self.methods: Known[str] = Known(lambda text: method_of(text, marks.repetition, marks.component))
        self.sites: Known[str] = Known(lambda text: site_of(parts(text)))
        self.ids: Known[list[str]] = Known(parts)
        self._habits: dict[tzinfo, Habits] = {}
        self._marks = marks
        self._hints: dict[tuple[str, str], SubjectHint | None] = {}

    def hint(self, pid: str, pv1: str, read: Callable[..., SubjectHint | None]) -> SubjectHint | None:
        """The hint of two rows, remembered for as long as the table has room."""
        key = (pid, pv1)
        if key not in self._hints:
            if len(self._hints) >= MAX_HINTS:
                self._hints.clear()
            self._hints[key] = read(pid, pv1, self._marks, self)
        return self._hints[key]

    def habits(self, zone: tzinfo) -> Habits:
        """What depends on the zone that times without offset are in."""
        found = self._habits.get(zone)
        if found is None:
            if len(self._habits) >= MAX_DIALECTS:
                self._habits.clear()
            found = self._habits[zone] = Habits(zone)
        return found


class Memory:
    """All dialects that this process has met."""

    def __init__(self) -> None:
        self._dialects: dict[tuple[Separators, str], Dialect] = {}

    def dialect(self, separators: Separators, codec: str) -> Dialect:
        """The tables for these separators and this charset."""
        key = (separators, codec)
        found = self._dialects.get(key)
        if found is None:
            if len(self._dialects) >= MAX_DIALECTS:
                self._dialects.clear()
            found = self._dialects[key] = Dialect(separators, codec)
        return found
