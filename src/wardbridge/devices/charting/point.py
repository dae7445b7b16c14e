"""A charted point: what policy picked of one device, whoever the patient turns out to be.

Points are stored without a patient. Which Observation stands for a point follows from the binding at
its time, so a corrected binding, a late ADT event and a claim are one and the same operation.
"""

from __future__ import annotations

import msgspec


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One value of a point and where its samples are (channel and device time lead back to telemetry).

    ``text`` is the value exactly as sent. Times are µs since the epoch; ``device_time`` is the device's
    own statement, by which telemetry is keyed.
    """

    channel: str
    channel_id: int
    code: int
    refid: str
    text: str
    number: float | None = None
    unit: str = ""
    ucum: str = ""
    device_time: int = 0
    end_time: int = 0
    quality: int = 0
    method: str = ""
    body_site: str = ""


class Point(msgspec.Struct, frozen=True, omit_defaults=True):
    """One value, or the parts of one panel, at ``time`` (device time put right by the clock offset).

    reason: periodic, episodic, change, alarm or asked; ``slot`` makes it unique for (device, channel,
    reason). ``panel`` is the LOINC code of the panel, empty for a single value.
    """

    device_id: str
    channel: str
    reason: str
    slot: int
    time: int
    parts: tuple[Part, ...]
    panel: str = ""
    offset: int = 0


class Content(msgspec.Struct, frozen=True, omit_defaults=True):
    """The part of a point that is stored as JSON."""

    parts: tuple[Part, ...]
    panel: str = ""
    offset: int = 0


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Content)


def content(point: Point) -> str:
    """The JSON text of a point's content."""
    return _encoder.encode(Content(point.parts, point.panel, point.offset)).decode()


def decode(text: str | bytes) -> Content:
    """The inverse of :func:`content`."""
    return _decoder.decode(text)
