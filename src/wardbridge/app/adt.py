"""ADT on its way: from the listener into the intake log, and from there into the devices room's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec

from wardbridge.core.clock import Clock
from wardbridge.core.errors import Invalid, Unavailable
from wardbridge.devices.adt import Told
from wardbridge.devices.people import Details
from wardbridge.exchange.codecs.adt import APPLIED, AdtEvent, PatientId, read_adt
from wardbridge.exchange.codecs.hl7v2.ack import Disposition
from wardbridge.exchange.codecs.hl7v2.errors import Hl7Error
from wardbridge.exchange.codecs.hl7v2.message import parse
from wardbridge.exchange.codecs.hl7v2.msh import msh_of
from wardbridge.exchange.intake.entry import Entry, Row
from wardbridge.exchange.intake.log import Intake

LINK = "hl7"
SEX = {"F": "female", "M": "male", "O": "other", "A": "other", "U": "unknown", "N": "other"}
"""HL7 table 0001 to FHIR administrative gender."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(AdtEvent)


class AdtIntake:
    """Takes ADT messages: read, stored durably, then acknowledged."""

    def __init__(self, intake: Intake, clock: Clock, zone: ZoneInfo) -> None:
        self._intake = intake
        self._clock = clock
        self._zone = zone
        self.counts: Counter[str] = Counter()

    async def handle(self, message: bytes, peer: object = None) -> Disposition:
        """Store one ADT message. What cannot be applied is kept, and refused with what is wrong and where."""
        try:
            parsed = parse(message)
        except Hl7Error as error:
            return Disposition("reject", "reject", (error.problem(),))
        msh = msh_of(parsed)
        event, problems = read_adt(parsed, self._zone)
        usable = event.trigger in APPLIED and bool(event.ids or event.merges)
        try:
            done = await self._intake.put(
                Entry(
                    "adt", LINK, msh.sender, msh.control_id.strip(), self._clock.now(), message, _encoder.encode(event),
                    f"ADT^{event.trigger}", tuple(str(one) for one in event.ids), f"ADT^{event.trigger}",
                    "ok" if usable else "uninterpreted",
                    msgspec.json.encode([(p.code, p.where, p.what) for p in problems]).decode() if problems else "",
                )
            )  # fmt: skip
        except Unavailable:
            self.counts["refused"] += 1
            return Disposition("error", "error", hold=True)
        self.counts["duplicates" if done.duplicate else event.trigger or "unnamed"] += 1
        if usable:
            return Disposition("accept", "accept", tuple(problems))
        unknown = event.trigger not in APPLIED
        return Disposition("accept", "reject" if unknown else "error", tuple(problems))


def told(row: Row) -> Sequence[Told]:
    """What an ADT entry of the log says; one for each pair of a merge. Raises Invalid for an unreadable one."""
    try:
        event = _decoder.decode(row.payload)
    except msgspec.DecodeError as error:
        raise Invalid("the payload of this entry cannot be read", "payload") from error
    if event.trigger == "A40":
        return [_told(event, pair.ids or event.ids, pair.prior) for pair in event.merges]
    return [_told(event, event.ids, ())]


def _told(event: AdtEvent, ids: Sequence[PatientId], prior: Sequence[PatientId]) -> Told:
    details = Details(
        tuple(str(one) for one in ids), event.name.family, event.name.given, _date(event.birth_date),
        SEX.get(event.sex.upper(), ""), event.deceased,
    )  # fmt: skip
    return Told(
        event.trigger, details, event.occurred, event.recorded, event.visit, str(event.place),
        tuple(str(one) for one in prior), event.patient_class,
    )  # fmt: skip


def _date(text: str) -> str:
    """YYYY, YYYYMM or YYYYMMDD as a FHIR date; '' for anything else."""
    if not text.isdigit() or len(text) not in {4, 6, 8}:
        return ""
    return "-".join(filter(None, (text[:4], text[4:6], text[6:8])))
