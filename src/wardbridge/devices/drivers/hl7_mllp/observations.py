"""PCD-01: one report of a device to values (IHE PCD TF-2 section 3.1 and appendix B).

Each OBR opens a group: its time or interval [OBR-7, OBR-8) holds for every row below without an own
time (OBX-14); a device row's OBX-14 holds for the rows below that device. Device rows become
Identities, rows with a value become Readings, number arrays become Waveforms. A row that cannot be
understood stays a Reading with its text as sent.
"""

from __future__ import annotations

import msgspec

from wardbridge.devices.drivers.hl7_mllp.containment import (
    ANONYMOUS,
    PLAIN_TYPES,
    Layout,
    Metric,
    Path,
    numbered,
    read_metric,
)
from wardbridge.devices.drivers.hl7_mllp.mapping import (
    IDENTITY_ATTRIBUTES,
    PROCESSING_FLAGS,
    RESULT_FLAGS,
    WAVE_FACETS,
    key_of,
    serial_of,
)
from wardbridge.devices.drivers.hl7_mllp.memory import LIMIT, MAX_TEXT, Dialect, Habits
from wardbridge.devices.drivers.hl7_mllp.waveforms import Facets, Wave, cut
from wardbridge.devices.values import AnyValue, Identity, Quality, Reading
from wardbridge.exchange.codecs import pcd
from wardbridge.exchange.codecs.hl7v2.errors import DATA_TYPE, REQUIRED_FIELD, TABLE_VALUE, Problem

MARK = "\x01"
"""Stands for the message's own time in a remembered tail; a message that has it is not remembered."""
STAMPED = -1
MAX_HEADS = 64
UNAVAILABLE = int(Quality.UNAVAILABLE)
_WHAT = {
    "unknown": "the code is not in the nomenclature",
    "mismatch": "the code has another name in the nomenclature",
    "no-code": "the code is missing; its name is known",
    "wrong-code": "the code is not in the nomenclature, its name has another",
}


class Tail(msgspec.Struct, frozen=True, gc=False):
    """OBX-6 and what follows, understood. `time` is microseconds, 0 for none, or STAMPED."""

    unit: str
    ucum: str
    low: str
    high: str
    quality: int
    method: str
    site: str
    owner: str
    time: int
    time_text: str
    odd: tuple[tuple[str, int, str], ...]


class Group:
    """One OBR group (of one machine) while it is read."""

    def __init__(self, layout: Layout, start: int, end: int) -> None:
        self.layout = layout
        self.templates = layout.templates
        self.start = start
        self.end = end
        self.seen: set[str] = set()
        self.times: dict[Path, int] = {}
        self.devices: list[tuple[Path, Metric, list[str]]] = []
        self.about: dict[str, str] = {}
        self.row_ids: dict[str, None] = {}
        self.waves: list[Wave] = []
        self.facets: dict[Path, Facets] = {}
        self.values: list[AnyValue] = []
        self.machine: Path = ()
        self.last: Path = ()
        self.last_channel = ""

    def time_at(self, path: Path) -> tuple[int, int]:
        """(device time, end) of a row without an own time."""
        if not self.times:
            return self.start, self.end
        for depth in range(len(path) - 1, 0, -1):
            inherited = self.times.get(path[:depth])
            if inherited:
                return inherited, 0
        return self.start, self.end

    def channel(self, metric: Metric) -> str:
        """The channel of a row that is none of the plain ones, told apart from its equals.

        A facet (five parts in OBX-4) follows its metric and is named below it.
        """
        name = metric.channel
        if len(metric.path) >= 5 and self.last == metric.path[:-1]:
            name = f"{self.last_channel}/{name.rsplit('/', 1)[-1]}"
        if name in self.seen:
            name = numbered(name, self.seen)
        self.seen.add(name)
        return name


class Report:
    """Reads the rows of one PCD-01 message."""

    def __init__(self, dialect: Dialect, separator: str, habits: Habits, stamp: str, fallback: int) -> None:
        self.dialect = dialect
        self.separator = separator
        self.times = habits.times
        self.tails = habits.tails
        self.stamp = stamp or "\x02"
        self.stamped = fallback
        self.fallback = fallback
        self.base = 0
        self.problems: list[Problem] = []
        self.groups: list[Group] = []
        self.orders = 0
        self.count = 0

    def read(self, rows: list[str], processing: str) -> list[Group]:  # noqa: C901 - see below
        """All groups of the message in order. `processing` is MSH-11.

        One loop for the rows that are a clean value in words known from earlier messages; every other
        row takes the slow road, which also learns. A call a field would cost half the speed.
        """
        self.base = base = int(PROCESSING_FLAGS.get(processing[:1].upper(), 0))
        separator, escape, plain = self.separator, self.dialect.escape or MARK, self.dialect.plain
        tails, stamp, stamped = self.tails, self.stamp, self.fallback
        group = self.start(self.fallback, 0)
        templates, values, seen, owner = group.templates, group.values, group.seen, ""
        count = 0
        for row in rows:
            if row[:3] == "OBX":
                count += 1
                try:
                    _, _, value_type, code, sub_id, value, rest = row.split(separator, 6)
                    channel, number, refid, system, kind, label, numeric, path = templates[value_type, code, sub_id]
                    unit, ucum, low, high, quality, method, site, row_owner, start = tails[rest.replace(stamp, MARK)]
                    amount = float(value) if numeric else None
                    clean = value and (amount is None or amount - amount == 0.0) and "_" not in value
                except (KeyError, ValueError):
                    clean = False
                if not clean:
                    self.count = count
                    group = self.slow(group, row)
                    templates, values, seen, owner = group.templates, group.values, group.seen, ""
                    stamp, stamped = self.stamp, self.stamped
                    continue
                if row_owner is not owner:
                    owner = row_owner
                    group.row_ids[owner] = None
                if start == STAMPED:
                    start, end = stamped, 0
                elif start:
                    end = 0
                else:
                    start, end = group.time_at(path)
                if base:
                    quality |= base
                if channel in seen:
                    channel = numbered(channel, seen)
                seen.add(channel)
                if escape in value:
                    value = plain(value)
                values.append(
                    Reading(
                        channel, number, refid, value, amount, unit, ucum, start, end, quality,
                        method, low, high, site, system, kind, label,
                    )
                )  # fmt: skip
                group.last = path
                group.last_channel = channel
            elif row[:3] == "OBR":
                group = self.open(row.split(separator))
                templates, values, seen, owner = group.templates, group.values, group.seen, ""
            elif row[:3] == "PRT":
                self.participant(group, row.split(separator))
        self.groups = [g for g in self.groups if g.values or g.devices or g.waves]
        for found in self.groups:
            if found.waves:
                self.finish(found)
        return self.groups

    def slow(self, group: Group, row: str) -> Group:
        """One OBX row in full; the group that later rows belong to."""
        known = group.layout.moves.get(row)
        if known is not None:
            return self.enter(group, *known)
        fields = pad(row.split(self.separator), 21)
        metric = self.learn(group.layout, fields[2], fields[3], fields[4])
        value, path = fields[5], metric.path
        if metric.refid in WAVE_FACETS and value and any(wave.metric.path == path[:-1] for wave in group.waves):
            group.facets.setdefault(path[:-1], Facets()).take(metric.refid, value, self.read_tail(fields).ucum)
            return group
        if metric.problem:
            self.report(self.what(metric), 3, TABLE_VALUE)
        if not value and (metric.device or (not metric.value_type and 0 < len(path) <= 3)):
            return self.device_row(group, metric, fields, row)
        tail = self.read_tail(fields)
        self.report_odd(tail.odd)
        rest = row.split(self.separator, 6)
        if not tail.odd and len(rest) == 7:
            self.learn_tail(rest[6], tail)
        if tail.owner:
            group.row_ids[tail.owner] = None
        if value and not metric.value_type:
            self.report("a value without its type", 2, REQUIRED_FIELD)
        start, end = (tail.time, 0) if tail.time else group.time_at(path)
        if metric.value_type in ("NA", "MA") and value:
            self.wave(group, metric, value, tail, start, end)
            return group
        if metric.refid in IDENTITY_ATTRIBUTES and value:
            group.about.setdefault(IDENTITY_ATTRIBUTES[metric.refid], self.dialect.plain(value))
        group.facets.setdefault(path[:-1], Facets()).take(metric.refid, value, tail.ucum)
        self.reading(group, metric, value, tail, start, end)
        return group

    def learn_tail(self, rest: str, tail: Tail) -> None:
        """Remember OBX-6 and what follows, in a form that holds for any message time."""
        if tail.time and tail.time_text != self.stamp:
            self.stamp, self.stamped = tail.time_text, tail.time
        key = rest.replace(self.stamp, MARK)
        time = tail.time
        if MARK in key:
            if key.count(MARK) != 1 or key.split(self.separator, 9)[8:9] != [MARK]:
                return
            time = STAMPED
        if len(key) <= MAX_TEXT:
            if len(self.tails) >= LIMIT:
                self.tails.clear()
            self.tails[key] = (
                tail.unit, tail.ucum, tail.low, tail.high, tail.quality, tail.method, tail.site,
                tail.owner, time,
            )  # fmt: skip

    def read_tail(self, fields: list[str]) -> Tail:
        """OBX-6 to OBX-20 of one row."""
        dialect = self.dialect
        unit, limit = dialect.units[fields[6]], dialect.limits[fields[7]]
        odd: list[tuple[str, int, str]] = []
        if not unit.known:
            odd.append(("the unit is not known", 6, TABLE_VALUE))
        if limit.odd:
            odd.append(("the alarm limits cannot be read", 7, DATA_TYPE))
        quality, known = dialect.flags[fields[8]]
        if not known:
            odd.append(("a status flag is not known", 8, TABLE_VALUE))
        status = fields[11].strip()
        quality |= int(RESULT_FLAGS.get(status, 0))
        if status and status not in pcd.RESULT_STATUS:
            odd.append(("the result status is not in table 0085", 11, TABLE_VALUE))
        time = 0
        if fields[14]:
            time = self.times[fields[14]]
            if not time:
                odd.append(("the time cannot be read", 14, DATA_TYPE))
        return Tail(
            unit.text,
            unit.ucum,
            limit.low,
            limit.high,
            quality,
            dialect.methods[fields[17]],
            dialect.sites[fields[20]],
            fields[18],
            time,
            fields[14],
            tuple(odd),
        )

    def what(self, metric: Metric) -> str:
        """The problem of a metric's code in words."""
        return _WHAT[metric.problem]

    def report_odd(self, odd: tuple[tuple[str, int, str], ...]) -> None:
        """The problems of a row's tail."""
        for what, field, code in odd:
            self.report(what, field, code)

    def report(self, what: str, field: int, code: str) -> None:
        """A problem of the present OBX."""
        self.problems.append(Problem(what, f"OBX[{self.count}]-{field}", code))

    def not_a_number(self, metric: Metric, value: str) -> int:
        """Quality bits of an NM value that is no number: bounds and HL7 null are known forms."""
        text = value.strip()
        if text == '""':
            return UNAVAILABLE
        if text and text[0] in "<>":
            return int(Quality.UNDERFLOW if text[0] == "<" else Quality.OVERFLOW)
        if metric.value_type == "NM":
            self.report("the value is not a number", 5, DATA_TYPE)
        return 0

    def learn(self, layout: Layout, value_type: str, code: str, sub_id: str) -> Metric:
        """The meaning of a row's OBX-2 to OBX-4 at its place."""
        key = (value_type, code, sub_id)
        metric = layout.metrics.get(key)
        if metric is None:
            metric = read_metric(layout, value_type, self.dialect.parts(code), sub_id)
            if len(code) + len(sub_id) <= 2 * MAX_TEXT:
                layout.keep(key, metric)
        return metric

    def open(self, fields: list[str]) -> Group:
        """A new group for an OBR."""
        self.orders += 1
        where = f"OBR[{self.orders}]"
        start, end = self.fallback, 0
        text = fields[7] if len(fields) > 7 else ""
        if not text:
            self.problems.append(Problem("the observation time is missing", f"{where}-7", REQUIRED_FIELD))
        elif self.times[text]:
            start = self.times[text]
            if len(fields) > 8 and fields[8]:
                end = self.times[fields[8]]
        else:
            self.problems.append(Problem("the time cannot be read", f"{where}-7", DATA_TYPE))
        return self.start(start, end)

    def start(self, start: int, end: int) -> Group:
        """A new group at a time or interval."""
        group = Group(self.dialect.layouts.root(), start, end)
        self.groups.append(group)
        return group

    def participant(self, group: Group, fields: list[str]) -> None:
        """PRT-10: the device's identifier since HL7 v2.7, for the row above it."""
        text = fields[10] if len(fields) > 10 else ""
        if text:
            group.row_ids[text] = None
            if group.devices and not group.devices[-1][2]:
                path, metric, _ = group.devices[-1]
                group.devices[-1] = (path, metric, self.dialect.ids[text])

    def device_row(self, group: Group, metric: Metric, fields: list[str], row: str) -> Group:
        """An MDS, VMD or channel row, or one that only groups what follows it."""
        path = metric.path
        own = self.dialect.ids[fields[18]] if fields[18] else []
        if not metric.device:  # a compound metric: its parts follow
            start, end = group.time_at(path)
            self.reading(group, metric, "", self.read_tail(fields), start, end, "group")
        if fields[14]:
            found = self.times[fields[14]]
            if found:
                group.times[path] = found
        below = group.layout.below(path, metric, key_of(own))
        device = (path, metric, own) if metric.device else None
        if device and not fields[14] and not metric.problem and len(row) <= MAX_TEXT:
            group.layout.moves[row] = (device, below)
        return self.enter(group, device, below)

    def enter(self, group: Group, device: tuple[Path, Metric, list[str]] | None, below: Layout) -> Group:
        """Go on below a device row; a second machine in one OBR opens a group of its own."""
        if device is not None:
            path = device[0]
            if len(path) == 1:
                if group.machine and group.machine != path:
                    group = self.start(group.start, group.end)
                    below = group.layout.below(path, device[1], key_of(device[2]))
                group.machine = path
            group.devices.append(device)
        group.layout = below
        group.templates = below.templates
        return group

    def reading(
        self, group: Group, metric: Metric, value: str, tail: Tail, start: int, end: int, kind: str = ""
    ) -> None:
        """A Reading of any type, in full and without haste."""
        dialect = self.dialect
        quality = self.base | tail.quality
        label, number, text = metric.label, None, value
        if not value:
            quality |= 0 if kind else UNAVAILABLE
        elif metric.value_type in ("CWE", "CE", "CNE", "CF"):
            parts = dialect.parts(value)
            label = (parts[8] if len(parts) > 8 else "") or (parts[1] if len(parts) > 1 else "") or label
        elif metric.value_type == "SN":
            number, bits = structured(dialect.parts(value))
            quality |= bits
        elif metric.value_type in PLAIN_TYPES:
            text = dialect.plain(value)
        if metric.numeric and metric.value_type != "SN" and value:
            number, bits = structured(["", value])
            quality |= bits or (self.not_a_number(metric, value) if number is None else 0)
        channel = group.channel(metric)
        if len(metric.path) < 5:
            group.last, group.last_channel = metric.path, channel
        group.values.append(
            Reading(
                channel,
                metric.code,
                metric.refid,
                text,
                number,
                tail.unit,
                tail.ucum,
                start,
                end,
                quality,
                tail.method,
                tail.low,
                tail.high,
                tail.site,
                metric.system,
                kind or metric.kind,
                label,
            )
        )

    def wave(self, group: Group, metric: Metric, value: str, tail: Tail, start: int, end: int) -> None:
        """A number array, to be cut into Waveforms once its rate is known."""
        channel = group.channel(metric)
        group.last, group.last_channel = metric.path, channel
        group.waves.append(
            Wave(
                channel,
                metric,
                value,
                self.dialect.samples(value),
                start,
                end or group.end,
                tail.unit,
                tail.ucum,
                self.base | tail.quality,
                f"OBX[{self.count}]",
            )
        )

    def finish(self, group: Group) -> None:
        """Waveforms, whose facets may stand below them."""
        for wave in group.waves:
            facets = group.facets.get(wave.metric.path) or Facets()
            above = group.facets.get(wave.metric.path[:-1])
            values, problems = cut(wave, facets, above or Facets())
            group.values.extend(values)
            self.problems.extend(problems)


def pad(fields: list[str], size: int) -> list[str]:
    """Exactly `size` fields."""
    return (fields + [""] * size)[:size]


def structured(parts: list[str]) -> tuple[float | None, int]:
    """SN (comparator, number, separator, number): a number and OVERFLOW or UNDERFLOW."""
    comparator = parts[0].strip()
    text = parts[1].strip() if len(parts) > 1 else ""
    bits = 0
    if comparator.startswith(">"):
        bits = int(Quality.OVERFLOW)
    elif comparator.startswith("<") and comparator != "<>":
        bits = int(Quality.UNDERFLOW)
    if len(parts) > 2 and parts[2].strip():
        return None, bits  # a ratio or a range is text
    try:
        number = float(text)
    except ValueError:
        return None, bits
    if number - number != 0.0 or "_" in text:
        return None, bits
    return number, bits


def identities(group: Group, key: str, label: str, place: str) -> list[AnyValue]:
    """The Identity of the machine and of each device part that its rows name, the machine's first."""
    about = group.about
    if about:
        return _identities(group, key, label, place)
    # Device rows repeat from message to message, so do their identities.
    known = group.layout.heads
    sign = (key, label, place, *[f"{metric.refid} {'^'.join(own)}" for _, metric, own in group.devices])
    found = known.get(sign)
    if found is None:
        if len(known) >= MAX_HEADS:
            known.clear()
        found = known[sign] = _identities(group, key, label, place)
    return list(found)


def _identities(group: Group, key: str, label: str, place: str) -> list[AnyValue]:
    found: list[AnyValue] = []
    names = group.layout.names
    for path, metric, own in group.devices:
        if len(path) <= 1:
            continue
        steps = "/".join(names.get(path[:depth], ANONYMOUS) for depth in range(2, len(path) + 1))
        serial = serial_of(own) or key_of(own)
        found.append(Identity(f"{key}/{steps}", key, metric.code, metric.refid, serial=serial))
    top = next(((m, own) for path, m, own in group.devices if len(path) == 1), None)
    code, refid, own = (top[0].code, top[0].refid, top[1]) if top else (0, "", [])
    about = {"label": label, "place": place, "serial": serial_of(own), **group.about}
    return [Identity(key, "", code, refid, **about), *found]
