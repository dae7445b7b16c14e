"""Which of the values that stream by become chart points: the policy at work on one channel.

The memory here only saves asking the database for what is surely there already; the unique key of
``chart_point`` decides. Losing it (a restart) never charts twice and never loses a slot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wardbridge.core.clock import MINUTE, SECOND
from wardbridge.devices.charting.point import Part, Point
from wardbridge.devices.charting.policy import UNFIT, Policy, Rule
from wardbridge.devices.values import AlertSignal, Quality, Reading
from wardbridge.terminology import mdc

REMEMBERED = 16
SAME_AGAIN = 150 * SECOND
"""A device that repeats its last spot measurement under the time of the message must not make a new one of it."""
SPOT_GAP = 20 * SECOND
"""No cuff and no scale measures more often than this."""
ALARM_AGE = MINUTE
ALARM_PHASES = frozenset({"start", "start_only", "present", "tpoint", "escalate"})


class Channel:
    """What the pipeline remembers of one channel of one device."""

    __slots__ = (
        "channel_id",
        "code",
        "group",
        "key",
        "last",
        "last_slot",
        "last_text",
        "last_time",
        "panel",
        "rule",
        "slots",
    )

    def __init__(self, channel_id: int, key: str, code: int, rule: Rule | None, panel: str) -> None:
        self.channel_id = channel_id
        self.key = key
        self.code = code
        self.rule = rule
        self.panel = panel
        self.group = f"{key.rpartition('/')[0]}/{panel}:{code - code % 4}" if panel else key
        self.slots: dict[int, None] = {}
        self.last: Reading | None = None
        self.last_text = ""
        self.last_time = 0
        self.last_slot = 0

    def restore(self, slot: int, text: str) -> None:
        """What was charted last before this process started."""
        if slot >= self.last_slot:
            self.last_slot = self.last_time = slot
            self.last_text = text
        self._remember(slot)

    def wants(self, text: str, time: int) -> int | None:
        """The slot to chart this value in; None where policy does not want it."""
        rule = self.rule
        if rule is None or rule.mode == "off":
            return None
        slot = rule.slot(time)
        if slot in self.slots:
            return None
        if rule.mode == "change":
            if time < self.last_time or text == self.last_text:
                return None
        elif rule.mode == "episodic":
            gap = time - self.last_time
            if -SPOT_GAP < gap < SPOT_GAP or (text == self.last_text and abs(gap) < SAME_AGAIN):
                return None
        self._remember(slot)
        if time >= self.last_time:
            self.last_text, self.last_time, self.last_slot = text, time, slot
        return slot

    def _remember(self, slot: int) -> None:
        self.slots[slot] = None
        if len(self.slots) > REMEMBERED:
            del self.slots[next(iter(self.slots))]


def channel(channel_id: int, reading: Reading, policy: Policy) -> Channel:
    """The channel of a reading that is seen for the first time."""
    loinc = mdc.loinc(reading.code)
    panel = loinc.panel if loinc is not None else ""
    return Channel(channel_id, reading.channel, reading.code, policy.rule(reading.code, reading.kind), panel)


def part(found: Channel, reading: Reading) -> Part:
    """A reading as part of a point."""
    return Part(
        found.key,
        found.channel_id,
        reading.code,
        reading.refid,
        reading.text,
        reading.number,
        reading.unit,
        reading.ucum,
        reading.device_time,
        reading.end_time,
        reading.quality,
        reading.method,
        reading.body_site,
    )


def panels(device_id: str, offset: int, members: Sequence[tuple[Channel, Reading, int]]) -> list[Point]:
    """Blood pressures and their like: values of one panel at one time are one point."""
    groups: dict[tuple[str, int], list[tuple[Channel, Reading]]] = {}
    for found, reading, time in members:
        groups.setdefault((found.group, time), []).append((found, reading))
    points = []
    for (group, time), rows in groups.items():
        rows.sort(key=lambda row: row[0].code)
        slots = [slot for found, reading in rows if (slot := found.wants(reading.text, time)) is not None]
        rule = rows[0][0].rule
        if slots and rule is not None:
            points.append(
                Point(
                    device_id,
                    group,
                    rule.mode,
                    slots[0],
                    time,
                    tuple(part(found, reading) for found, reading in rows),
                    rows[0][0].panel,
                    offset,
                )
            )
    return points


def on_alarm(device_id: str, offset: int, channels: Iterable[Channel], signal: AlertSignal, time: int) -> Point | None:
    """The value that a physiological alarm is about, as a point: what the alarm says, else the last reading."""
    if signal.kind != "SP" or signal.state != "active" or signal.phase not in ALARM_PHASES or signal.heartbeat:
        return None
    if signal.quality & UNFIT:
        return None
    named = [c for c in channels if c.key == signal.channel] if signal.channel else []
    found = next(iter(named or [c for c in channels if signal.source_code and c.code == signal.source_code]), None)
    if found is None or found.rule is None or not found.rule.on_alarm or found.rule.mode == "off":
        return None
    last = found.last
    if last is None or last.quality & UNFIT:
        return None
    at = last.device_time + offset if last.device_time else time
    if abs(time - at) > ALARM_AGE:
        return None
    if signal.value and signal.value != last.text:
        at = time
        row = Part(
            found.key,
            found.channel_id,
            last.code,
            last.refid,
            signal.value,
            _number(signal.value),
            last.unit,
            last.ucum,
            signal.device_time or last.device_time,
            0,
            last.quality | int(Quality.IN_ALARM),
            last.method,
            last.body_site,
        )
    else:
        row = part(found, last)
    return Point(device_id, found.key, "alarm", at, at, (row,), "", offset)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
