"""What drivers put into the intake log, and how the pipeline reads it back.

The payload is the whole Batch without its raw bytes (the log keeps those), so that the pipeline needs no
second parse of the wire format.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from wardbridge.devices.driver import Accepted
from wardbridge.devices.values import AlertSignal, Batch, SubjectHint
from wardbridge.exchange.intake import entry
from wardbridge.exchange.intake.entry import Entry

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Batch)


class Log(Protocol):
    """The durable intake log (``exchange.intake.log.Intake``)."""

    async def put(self, entry: Entry) -> entry.Accepted: ...


class IntakeSink:
    """A driver's :class:`wardbridge.devices.driver.Sink` that writes to the intake log."""

    def __init__(self, log: Log) -> None:
        self.log = log

    async def put(self, batch: Batch) -> Accepted:
        """Durable when it returns. Raises Unavailable when the log cannot take it."""
        done = await self.log.put(as_entry(batch))
        return Accepted(done.sequence, done.duplicate)


def as_entry(batch: Batch, message_type: str = "") -> Entry:
    """The log entry of a batch. A batch without values is ``uninterpreted``."""
    patients = tuple(i for v in batch.values if isinstance(v, SubjectHint) for i in v.ids)
    alarm = any(isinstance(v, AlertSignal) for v in batch.values)
    problems = msgspec.json.encode(batch.problems).decode() if batch.problems else ""
    return Entry(
        kind="device",
        link=batch.link,
        sender=batch.sender,
        control=batch.control,
        received=batch.received,
        raw=batch.raw,
        payload=_encoder.encode(msgspec.structs.replace(batch, raw=b"")),
        profile=batch.profile,
        patient_ids=patients,
        message_type=message_type or ("alert" if alarm else "report"),
        status="ok" if batch.values else "quarantined" if batch.profile == "junk" else "uninterpreted",
        problems=problems,
    )


def as_batch(payload: bytes) -> Batch:
    """The batch of a log entry. Raises msgspec.DecodeError or ValidationError for what is none."""
    return _decoder.decode(payload)
