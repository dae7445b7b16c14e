"""What a driver may say: values without a patient, without FHIR and without SQL (DESIGN section 7).

All times are integer microseconds since 1970-01-01T00:00:00Z. ``device_time`` is the device's own
statement, ``received`` is ours; both are kept. Codes are IEEE 11073-10101 (MDC) 32-bit decimals where
the device speaks MDC, otherwise 0 with ``refid`` and ``system`` holding what was sent.
"""

from __future__ import annotations

from enum import IntFlag

import msgspec


class Quality(IntFlag):
    """Measurement status, after HL7 OBX-8 of IHE PCD-01 and BICEPS MeasurementValidity.

    ``GOOD`` is the absence of every flag. ``TEST`` and ``DEMO`` are never charted.
    """

    GOOD = 0
    INVALID = 1
    QUESTIONABLE = 2
    UNAVAILABLE = 4
    CALIBRATING = 8
    TEST = 16
    DEMO = 32
    VALIDATED = 64
    EARLY = 128
    BUSY = 256
    IN_ALARM = 512
    ALARM_INHIBITED = 1024
    OVERFLOW = 2048
    UNDERFLOW = 4096
    CORRECTED = 8192
    WRONG_PATIENT = 16384


class Value(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """Common root of everything that a driver emits."""


class Identity(Value, frozen=True):
    """What a device (or one of its modules) says of itself.

    ``key`` is the stable identifier of the machine as the wire gives it (EUI-64, serial, EPR);
    ``parent`` is the key of the machine that contains it, empty for the machine itself.
    """

    key: str
    parent: str = ""
    type_code: int = 0
    type_refid: str = ""
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    hardware: str = ""
    udi: str = ""
    label: str = ""
    place: str = ""
    clock: str = ""


class Reading(Value, frozen=True):
    """One numeric, coded or text observation of one channel.

    ``channel`` names the metric within the device and is stable between messages
    (``vmd/channel/metric`` by code and ordinal, for example ``4262/4263/147842``).
    ``text`` is the value exactly as sent; ``number`` is the same as a float where it is one.
    ``low`` and ``high`` are the alarm limits that the device has set, as text. ``method`` is OBX-17 (AMEAS,
    MMEAS, ACALC, ASET, MSET).
    """

    channel: str
    code: int
    refid: str
    text: str
    number: float | None
    unit: str = ""
    ucum: str = ""
    device_time: int = 0
    end_time: int = 0
    quality: int = 0
    method: str = ""
    low: str = ""
    high: str = ""
    body_site: str = ""
    system: str = "MDC"
    kind: str = "measurement"
    label: str = ""


class Waveform(Value, frozen=True):
    """A run of evenly spaced samples of one channel.

    ``samples`` are little-endian int16; the physical value is ``sample * scale + offset`` in ``ucum``.
    ``period`` is the sample spacing in microseconds (a float: 62.5 Hz is 16000.0).
    """

    channel: str
    code: int
    refid: str
    device_time: int
    period: float
    samples: bytes
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    ucum: str = ""
    quality: int = 0
    label: str = ""
    sequence: int = -1


class AlertSignal(Value, frozen=True):
    """One status report of one alert (IHE PCD-04, BICEPS AlertState).

    ``alert_id`` names the alert over its life; ``event_id`` names this report (idempotence key).
    phase: start, start_only, continue, end, present, update, escalate, deescalate, inactivate,
    acknowledged, reset, stop, tpoint. state: active, inactive, latched. priority: PN PL PM PH.
    kind: SP (physiological), ST (technical), SA (advisory). ``quality`` says TEST or DEMO where nobody must
    be called.
    """

    alert_id: str
    event_id: str
    phase: str
    state: str
    priority: str
    kind: str
    code: int
    refid: str
    text: str
    source_code: int = 0
    source_refid: str = ""
    channel: str = ""
    value: str = ""
    unit: str = ""
    low: str = ""
    high: str = ""
    inactivation: tuple[str, ...] = ()
    device_time: int = 0
    heartbeat: bool = False
    quality: int = 0


class DeviceEvent(Value, frozen=True):
    """Something that happened to the device itself: battery, fault, connection, mode, firmware.

    ``name`` is one of battery, fault, fault_cleared, connected, disconnected, mode, clock, standby,
    module_added, module_removed, delivery; ``text`` is for people, ``code`` machine-readable.
    """

    name: str
    text: str = ""
    code: str = ""
    value: str = ""
    device_time: int = 0


class SubjectHint(Value, frozen=True):
    """A patient or place named on the wire. A hint, never a fact: binding judges it.

    ``ids`` are ``system|value`` or ``authority|value`` as sent. ``place`` is ``unit^room^bed``.
    """

    ids: tuple[str, ...] = ()
    family: str = ""
    given: str = ""
    birth_date: str = ""
    sex: str = ""
    visit: str = ""
    place: str = ""
    unknown: bool = False


AnyValue = Identity | Reading | Waveform | AlertSignal | DeviceEvent | SubjectHint


class Batch(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All that one message or report of one device said, handed to the sink as a whole.

    ``device`` is the key of the machine (an Identity.key); ``link`` the configured connection it came
    over; ``received`` our receive time. ``raw`` is the message as it came (empty where there is none
    to keep); ``sender`` and ``control`` with the raw bytes recognise a repeated message.
    ``problems`` are (code, where, what) of everything that was not understood.
    """

    link: str
    device: str
    received: int
    values: tuple[AnyValue, ...] = ()
    raw: bytes = b""
    sender: str = ""
    control: str = ""
    profile: str = ""
    problems: tuple[tuple[str, str, str], ...] = ()


encoder = msgspec.msgpack.Encoder()
_values_decoder = msgspec.msgpack.Decoder(tuple[AnyValue, ...])


def encode_values(values: tuple[AnyValue, ...]) -> bytes:
    """Values as MessagePack."""
    return encoder.encode(values)


def decode_values(data: bytes) -> tuple[AnyValue, ...]:
    """The inverse of :func:`encode_values`."""
    return _values_decoder.decode(data)
