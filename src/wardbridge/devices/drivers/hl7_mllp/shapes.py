"""Reports that differ from an earlier one of the same machine in values and time only.

A monitor sends the same rows every second: same codes, units, limits, flags. Once such a report has
been read in full without a problem, the next one is checked against it row by row (same text before
and after the value, same time in every row) and its Readings are made column by column. Any
difference, and any value that is not plainly a number where one belongs, sends the whole report back
to the full reading, which decides; so a shape can be slow but never wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from operator import itemgetter

from wardbridge.devices.drivers.hl7_mllp.containment import PLAIN_TYPES
from wardbridge.devices.drivers.hl7_mllp.memory import Known
from wardbridge.devices.drivers.hl7_mllp.observations import Group
from wardbridge.devices.values import AnyValue, Reading

MAX_SHAPES = 1024
MAX_TEXT = 1024
MAX_SIZES = 16
Rows = Sequence[str]


class Shape:
    """The parts of one report that stayed, and where its values stand."""

    __slots__ = (
        "_after", "_all_numeric", "_before", "_columns", "_escape", "_fixed", "_fixed_rows", "_numeric",
        "_separator", "_slices", "_stamp_row", "_take", "device", "heads", "order_row",
    )  # fmt: skip

    def __init__(self, rows: Rows, group: Group, order_row: int, separator: str, escape: str) -> None:
        """Raises ValueError where the report is not one that a shape can hold."""
        if group.times or group.about or group.waves:
            raise ValueError("times, identity or waveforms depend on values")
        readings = [value for value in group.values if type(value) is Reading]
        plain: list[tuple[int, list[str]]] = []
        fixed: list[tuple[int, list[str]]] = []
        for at in range(order_row + 1, len(rows)):
            fields = rows[at].split(separator)
            if fields[0] != "OBX" or len(rows[at]) > MAX_TEXT:
                raise ValueError("a row of another kind")
            (plain if len(fields) > 5 and fields[5] else fixed).append((at, fields))
        if len(plain) < 2 or len(plain) != len(group.values) or len(readings) != len(plain):
            raise ValueError("rows and readings do not pair")
        stamp = next((f[14] for _, f in plain if len(f) > 14 and f[14]), "")
        self._stamp_row = next((at for at, f in plain if len(f) > 14 and f[14]), -1)
        self._separator = separator
        self._take: Callable[[Rows], tuple[str, ...]] = itemgetter(*[at for at, _ in plain])
        self._fixed = tuple(at for at, _ in fixed)
        self._fixed_rows = tuple(rows[at] for at in self._fixed)
        self._before: list[str] = []
        self._after: list[tuple[str, str]] = []
        for (_, fields), reading in zip(plain, readings, strict=True):
            if fields[5] != reading.text or (escape and escape in fields[5]):
                raise ValueError("a value that is not its own text")
            if fields[2].strip().upper() not in PLAIN_TYPES or (fields[2] == "NM") != (reading.number is not None):
                raise ValueError("quality or label depend on the value")
            timed = len(fields) > 14 and bool(fields[14])
            if timed != bool(stamp) or (timed and fields[14] != stamp):
                raise ValueError("rows of several times")
            self._before.append(separator.join(fields[:5]) + separator)
            after = ["", *fields[6:]]
            if timed:
                self._after.append((separator.join([*after[:9], ""]), separator.join(["", *after[10:]])))
            else:
                self._after.append((separator.join(after), ""))
        self._slices: dict[int, list[slice]] = {}
        self._numeric = [reading.number is not None for reading in readings]
        self._all_numeric = all(self._numeric)
        self._columns = tuple(zip(*[_constants(reading) for reading in readings], strict=True))
        self._escape = escape or "_"
        self.order_row = order_row
        self.device = ""
        self.heads: tuple[AnyValue, ...] = ()

    def read(self, rows: Rows, start: int, end: int, times: Known[int]) -> list[AnyValue] | None:
        """The Readings of a report of this shape with the time or interval of its OBR; None for any
        other report."""
        for at, row in zip(self._fixed, self._fixed_rows, strict=True):
            if rows[at] != row:
                return None
        body = self._take(rows)
        stamp = ""
        if self._stamp_row >= 0:
            fields = rows[self._stamp_row].split(self._separator, 15)
            stamp = fields[14] if len(fields) > 14 else ""
            start, end = (times[stamp], 0) if stamp else (0, 0)
            if not start:
                return None
        after = [head + stamp + tail for head, tail in self._after]
        if not all(map(str.startswith, body, self._before)) or not all(map(str.endswith, body, after)):
            return None
        texts: list[str] = list(map(str.__getitem__, body, self._places(len(stamp))))
        joined = "\r".join(texts)
        if self._separator in joined or "_" in joined or self._escape in joined or not all(texts):
            return None
        try:
            numbers = self._numbers(texts)
        except ValueError:
            return None
        count = len(texts)
        channel, code, refid, unit, ucum, quality, method, low, high, site, system, kind, label = self._columns
        return list(
            map(
                Reading, channel, code, refid, texts, numbers, unit, ucum, [start] * count,
                [end] * count, quality, method, low, high, site, system, kind, label,
            )
        )  # fmt: skip

    def _places(self, size: int) -> list[slice]:
        """Where the values stand when the time has `size` characters."""
        places = self._slices.get(size)
        if places is None:
            if len(self._slices) >= MAX_SIZES:
                self._slices.clear()
            places = self._slices[size] = [
                slice(len(before), -(len(head) + len(tail) + size) or None)
                for before, (head, tail) in zip(self._before, self._after, strict=True)
            ]
        return places

    def _numbers(self, texts: list[str]) -> Sequence[float | None]:
        """The values as numbers where they are; raises ValueError for one that is not finite."""
        if self._all_numeric:
            numbers = list(map(float, texts))
            if not all(map(isfinite, numbers)):
                raise ValueError("not finite")
            return numbers
        mixed = [float(text) if numeric else None for text, numeric in zip(texts, self._numeric, strict=True)]
        if not all(number is None or isfinite(number) for number in mixed):
            raise ValueError("not finite")
        return mixed


def _constants(reading: Reading) -> tuple[str | int, ...]:
    return (
        reading.channel, reading.code, reading.refid, reading.unit, reading.ucum, reading.quality,
        reading.method, reading.low, reading.high, reading.body_site, reading.system, reading.kind,
        reading.label,
    )  # fmt: skip
