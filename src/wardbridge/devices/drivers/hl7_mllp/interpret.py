"""One HL7 message to the values it states: the driver's pure heart.

`interpret` never raises on bad content: what is wrong comes back as problems that say what and where.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import NamedTuple

import msgspec

from wardbridge.devices.drivers.hl7_mllp.alarms import read_alarms, signal_key
from wardbridge.devices.drivers.hl7_mllp.containment import numbered
from wardbridge.devices.drivers.hl7_mllp.mapping import key_of
from wardbridge.devices.drivers.hl7_mllp.memory import Dialect, Habits, Memory
from wardbridge.devices.drivers.hl7_mllp.observations import MARK, Group, Report, identities
from wardbridge.devices.drivers.hl7_mllp.shapes import MAX_SHAPES, Shape
from wardbridge.devices.drivers.hl7_mllp.subject import hint_of
from wardbridge.devices.values import AlertSignal, AnyValue, Identity, SubjectHint
from wardbridge.exchange.codecs import pcd
from wardbridge.exchange.codecs.hl7v2.ack import NO_HEADER
from wardbridge.exchange.codecs.hl7v2.errors import (
    INTERNAL,
    UNSUPPORTED_MESSAGE,
    Hl7Error,
    Problem,
)
from wardbridge.exchange.codecs.hl7v2.message import Message, parse
from wardbridge.exchange.codecs.hl7v2.msh import Msh, msh_of

INTERPRETED = frozenset({"PCD-01", "PCD-04"})
NOT_INTERPRETED = "profile-not-interpreted"


class Part(NamedTuple):
    """What a message says of one machine, by the machine's key."""

    device: str
    values: tuple[AnyValue, ...]


class Interpretation(msgspec.Struct, frozen=True):
    """All that one message says.

    `reason` is '' when it was interpreted, `profile-not-interpreted` when it is kept for later, and
    `unreadable` when it has no header. `parts` has one entry a machine.
    """

    msh: Msh
    parts: tuple[Part, ...] = ()
    problems: tuple[Problem, ...] = ()
    profile: str = ""
    reason: str = ""

    @property
    def values(self) -> list[AnyValue]:
        """The values of all machines in order."""
        return [value for part in self.parts for value in part.values]


def interpret(raw: bytes, received: int, zone: tzinfo = UTC, memory: Memory | None = None) -> Interpretation:
    """The meaning of `raw`, received at microseconds since 1970 UTC at a site in `zone`.

    `memory` carries what was learned from earlier messages; without one nothing is remembered.
    """
    try:
        message = parse(raw)
    except Hl7Error as error:
        return Interpretation(NO_HEADER, (), (error.problem(),), "", "unreadable")
    msh = msh_of(message)
    profile = pcd.profile_of(msh)
    if profile == "PCD-01" and not msh.profiles and "^MDC" not in message.text:
        profile = ""  # a result of a laboratory or another system, not of a device
    if profile not in INTERPRETED:
        problem = Problem("this profile is not interpreted yet", "MSH[1]-9", UNSUPPORTED_MESSAGE)
        return Interpretation(msh, (), (*message.problems, problem), profile, NOT_INTERPRETED)
    try:
        return _read(message, msh, profile, received, zone, memory or Memory())
    except (ValueError, LookupError, ArithmeticError) as error:
        # A gap in this program, not in the message: it is stored, counted, and can be read again.
        problem = Problem(f"not interpreted: {type(error).__name__}", "", INTERNAL)
        return Interpretation(msh, (), (*message.problems, problem), profile, "failed")


def _read(message: Message, msh: Msh, profile: str, received: int, zone: tzinfo, memory: Memory) -> Interpretation:
    marks = message.separators
    dialect = memory.dialect(marks, message.charset)
    assumed = msh.zone(zone)
    habits = Habits(assumed) if MARK in message.text else dialect.habits(assumed)
    stamp = msh.raw(7)
    sent = (habits.times[stamp] if stamp else 0) or received
    pid, pv1, order_row = _head(message.rows)
    hint = dialect.hint(pid, pv1, hint_of)
    if profile == "PCD-04":
        parts, problems = _alarms(message, msh, dialect, habits, sent, hint)
    else:
        known = _recall(message, msh, habits, pv1, order_row)
        if known is not None:
            parts, problems = [known], []
        else:
            parts, problems = _report(message, msh, dialect, habits, sent, hint, pv1, order_row)
    if hint is not None:
        parts = [Part(part.device, (hint, *part.values)) for part in parts] or [
            Part(sender_key(msh, dialect, hint.place), (hint,))
        ]
    return Interpretation(msh, tuple(parts), (*message.problems, *problems), profile)


def _head(rows: list[str]) -> tuple[str, str, int]:
    """(PID, PV1, place of the first OBR or -1)."""
    pid = pv1 = ""
    for at, row in enumerate(rows):
        name = row[:3]
        if name == "PID" and not pid:
            pid = row
        elif name == "PV1" and not pv1:
            pv1 = row
        elif name == "OBR":
            return pid, pv1, at
    return pid, pv1, -1


def _shape_key(message: Message, msh: Msh, pv1: str, order_row: int) -> tuple[str, ...] | None:
    """What tells a machine's reports from others before they are read; None where nothing can."""
    rows = message.rows
    if order_row < 0 or len(rows) < order_row + 3 or msh.raw(11)[:1] != "P":
        return None
    first = rows[order_row + 1]
    fields = first.split(message.separators.field)
    if len(fields) > 5 and fields[5]:  # a value: its place and owner name the machine
        fields[1] = fields[5] = ""
        fields[14:18] = []
        first = "|".join(fields)
    return (msh.raw(3), pv1, str(len(rows)), first)


def _recall(message: Message, msh: Msh, habits: Habits, pv1: str, order_row: int) -> Part | None:
    """The report read by its known shape; None where it has none, or another."""
    key = _shape_key(message, msh, pv1, order_row)
    shape = habits.shapes.get(key) if key else None
    if not isinstance(shape, Shape) or shape.order_row != order_row:
        return None
    order = message.rows[order_row].split(message.separators.field, 9)
    start = habits.times[order[7]] if len(order) > 7 and order[7] else 0
    if not start:
        return None
    end = habits.times[order[8]] if len(order) > 8 and order[8] else 0
    values = shape.read(message.rows, start, end, habits.times)
    return None if values is None else Part(shape.device, (*shape.heads, *values))


def _report(
    message: Message,
    msh: Msh,
    dialect: Dialect,
    habits: Habits,
    sent: int,
    hint: SubjectHint | None,
    pv1: str,
    order_row: int,
) -> tuple[list[Part], list[Problem]]:
    """The report read in full, and its shape learned where it has one."""
    field = message.separators.field
    report = Report(dialect, field, habits, msh.raw(7), sent)
    groups = report.read(message.rows, msh.raw(11))
    place = hint.place if hint else ""
    keys = [machine_key(group, msh, dialect) for group in groups]
    named = next((key for key in keys if key), "") or sender_key(msh, dialect, place)
    parts = _join(groups, [key or named for key in keys], msh, place)
    key = _shape_key(message, msh, pv1, order_row)
    if key and len(groups) == 1 and not report.problems and not message.problems:
        try:
            shape = Shape(message.rows, groups[0], order_row, field, message.separators.escape)
        except ValueError:
            return parts, report.problems
        shape.device = parts[0].device
        shape.heads = tuple(parts[0].values[: -len(groups[0].values)])
        if len(habits.shapes) >= MAX_SHAPES:
            habits.shapes.clear()
        habits.shapes[key] = shape
    return parts, report.problems


def _alarms(
    message: Message, msh: Msh, dialect: Dialect, habits: Habits, sent: int, hint: SubjectHint | None
) -> tuple[list[Part], list[Problem]]:
    found, problems = read_alarms(message, msh, dialect, habits, sent)
    place = hint.place if hint else ""
    parts: dict[str, list[AnyValue]] = {}
    for group, values in found:
        key = (
            machine_key(group, msh, dialect)
            or signal_key(group, dialect)
            or next(iter(parts), "")
            or sender_key(msh, dialect, place)
        )
        known = parts.setdefault(key, [])
        known += [value for value in identities(group, key, msh.get(3), place) if value not in known]
        ids = {value.event_id for value in known if isinstance(value, AlertSignal)}
        for value in values:
            if isinstance(value, AlertSignal) and value.event_id in ids:
                # A second OBR under the same number: kept, told apart from the first.
                value = msgspec.structs.replace(value, event_id=numbered(value.event_id, ids))
            known.append(value)
    return [Part(key, tuple(values)) for key, values in parts.items()], problems


def machine_key(group: Group, msh: Msh, dialect: Dialect) -> str:
    """The machine a group is about: its MDS row's id, else the one id that its rows share, else ''."""
    for path, _, own in group.devices:
        if len(path) == 1 and own:
            return key_of(own)
    if group.row_ids:
        ids = {key_of(dialect.ids[text]) for text in group.row_ids}
        if len(ids) == 1:
            return ids.pop()
    return ""


def sender_key(msh: Msh, dialect: Dialect, place: str) -> str:
    """A key for a message that names no machine: the sender's own id, else its name and the place."""
    parts = dialect.parts(msh.raw(3)) + [""] * 3 if msh.raw(3) else [""] * 4
    if parts[1] and parts[2].upper() in ("EUI-64", "EUI64", "UUID"):
        return parts[1].strip()
    name = parts[0].strip() or parts[1].strip() or msh.get(4)
    return f"{name}@{place}" if place else name


def _join(groups: list[Group], keys: list[str], msh: Msh, place: str) -> list[Part]:
    """One part a machine, its identities first, its readings in the message's order."""
    label = msh.get(3)
    heads: dict[str, list[AnyValue]] = {}
    bodies: dict[str, list[AnyValue]] = {}
    for group, key in zip(groups, keys, strict=True):
        if key not in heads:
            heads[key] = identities(group, key, label, place)
            bodies[key] = []
        elif group.devices:
            machine, *rest = identities(group, key, label, place)
            known = heads[key]
            if isinstance(known[0], Identity) and not known[0].type_refid:
                known[0] = machine  # an earlier group named the machine, this one says what it is
            known += [part for part in rest if part not in known]
        bodies[key] += group.values
    return [Part(key, (*heads[key], *bodies[key])) for key in heads]
