"""One HL7 message to the values it states: the driver's pure heart.

`interpret` never raises on bad content: what is wrong comes back as problems that say what and where.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import NamedTuple

import msgspec

from wardbridge.devices.drivers.hl7_mllp.alarms import read_alarms
from wardbridge.devices.drivers.hl7_mllp.mapping import key_of
from wardbridge.devices.drivers.hl7_mllp.memory import Dialect, Habits, Memory
from wardbridge.devices.drivers.hl7_mllp.observations import MARK, Group, Report, identities
from wardbridge.devices.drivers.hl7_mllp.subject import hint_of
from wardbridge.devices.values import AnyValue, SubjectHint
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


def interpret(
    raw: bytes, received: int, zone: tzinfo = UTC, memory: Memory | None = None
) -> Interpretation:
    """The meaning of `raw`, received at microseconds since 1970 UTC at a site in `zone`.

    `memory` carries what was learned from earlier messages; without one nothing is remembered.
    """
    try:
        message = parse(raw)
    except Hl7Error as error:
        return Interpretation(NO_HEADER, (), (error.problem(),), "", "unreadable")
    msh = msh_of(message)
    profile = pcd.profile_of(msh)
    if profile not in INTERPRETED:
        problem = Problem("this profile is not interpreted yet", "MSH[1]-9", UNSUPPORTED_MESSAGE)
        return Interpretation(msh, (), (*message.problems, problem), profile, NOT_INTERPRETED)
    try:
        return _read(message, msh, profile, received, zone, memory or Memory())
    except (ValueError, LookupError, ArithmeticError) as error:
        # A gap in this program, not in the message: it is stored, counted, and can be read again.
        problem = Problem(f"not interpreted: {type(error).__name__}", "", INTERNAL)
        return Interpretation(msh, (), (*message.problems, problem), profile, "failed")


def _read(
    message: Message, msh: Msh, profile: str, received: int, zone: tzinfo, memory: Memory
) -> Interpretation:
    marks = message.separators
    dialect = memory.dialect(marks, message.charset)
    habits = dialect.habits(msh.zone(zone)) if MARK not in message.text else Habits(msh.zone(zone))
    stamp = msh.raw(7)
    sent = habits.times[stamp] if stamp else 0
    hint = _hint(message, dialect)
    if profile == "PCD-04":
        parts, problems = read_alarms(message, msh, dialect, habits.times, sent or received)
        keys = [key for key, _ in parts]
        found = [Part(key, values) for key, values in parts]
    else:
        report = Report(dialect, marks.field, habits, stamp if sent else "", sent or received)
        groups = report.read(message.rows, msh.raw(11))
        place = hint.place if hint else ""
        keys = [machine_key(group, msh, dialect) for group in groups]
        named = next((key for key in keys if key), "") or sender_key(msh, dialect, place)
        keys = [key or named for key in keys]
        found = _join(groups, keys, msh, place)
        problems = report.problems
    if hint is not None:
        found = [Part(part.device, (hint, *part.values)) for part in found]
        if not found:
            found = [Part(sender_key(msh, dialect, hint.place), (hint,))]
    return Interpretation(msh, tuple(found), (*message.problems, *problems), profile)


def _hint(message: Message, dialect: Dialect) -> SubjectHint | None:
    pid = pv1 = ""
    for row in message.rows:
        name = row[:3]
        if name == "PID" and not pid:
            pid = row
        elif name == "PV1" and not pv1:
            pv1 = row
        elif name == "OBR":
            break
    return dialect.hint(pid, pv1, hint_of)


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
            heads[key] += [i for i in identities(group, key, label, place)[1:] if i not in heads[key]]
        bodies[key] += group.values
    return [Part(key, (*heads[key], *bodies[key])) for key in heads]
