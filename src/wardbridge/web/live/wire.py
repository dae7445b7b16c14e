"""What goes over ``/live``: JSON texts for numbers and alarms, one binary form for waves.

Texts are objects with ``t``: ``h`` heartbeat (server time), ``n`` numbers, ``a`` all active alarms of a
topic, ``s`` scores, ``w`` who lies where, ``no`` a refused topic, ``end`` the session is over. Times are ms.

A wave frame is: uint16 little endian length of the header, the header as JSON, a pad byte where needed to
keep samples even, then int16 samples of all runs. The header lists runs as
``[place, channel, start ms, period ms, scale, offset, count]``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from wardbridge.telemetry.values import Wave
from wardbridge.web import show
from wardbridge.web import views as v
from wardbridge.web.slots import Filled, Reading

Json = dict[str, Any]


def ms(micros: int) -> float:
    """µs as ms with what is left of them."""
    return micros / 1000


def text(message: Mapping[str, Any]) -> str:
    return orjson.dumps(message).decode()


def beat(now: int) -> str:
    """The heartbeat: what the server's clock says."""
    return text({"t": "h", "now": ms(now)})


def slot_row(filled: Filled) -> list[Any]:
    """``[text, extra, received, time, quality, label, unit, stale seconds]``."""
    return [
        filled.text, filled.extra, ms(filled.received), ms(filled.time), filled.quality, filled.label,
        filled.unit, filled.stale_seconds,
    ]  # fmt: skip


def channel_row(reading: Reading) -> list[Any]:
    """``[text, received, time, quality]``."""
    return [reading.text, ms(reading.received), ms(reading.time), reading.quality]


def alarm_row(alarm: v.Alarm) -> Json:
    return {
        "id": alarm.id, "place": alarm.place_id, "bed": alarm.bed, "priority": alarm.priority,
        "kind": alarm.kind, "mark": show.mark(alarm.priority, alarm.kind), "text": alarm.text,
        "value": alarm.value, "limit": alarm.limit, "slot": alarm.slot, "since": ms(alarm.since),
        "state": alarm.state, "by": alarm.acknowledged_by, "acknowledged": ms(alarm.acknowledged_at),
        "device": alarm.device,
    }  # fmt: skip


def alarms(rows: Sequence[v.Alarm], topic: str) -> str:
    """Every active alarm of a topic: a whole, so that a late one puts all right."""
    return text({"t": "a", "topic": topic, "alarms": [alarm_row(alarm) for alarm in rows]})


def score_row(score: v.Score) -> Json:
    return {"total": score.total, "band": score.band, "trend": [[ms(t), total] for t, total in score.trend]}


def waves(runs: Iterable[tuple[str, Wave]]) -> bytes:
    """Runs of samples with their places as one binary frame."""
    header: list[list[Any]] = []
    samples: list[bytes] = []
    for place, run in runs:
        count = len(run.samples) // 2
        header.append([place, run.channel, ms(run.at(0)), run.period / 1000, run.scale, run.offset, count])
        samples.append(run.samples[: count * 2])
    head = orjson.dumps(header)
    if len(head) % 2:
        head += b" "
    return len(head).to_bytes(2, "little") + head + b"".join(samples)
