"""The message header as a value: who sends what, and which answers it asks for (HL7 v2.9 section 2.14.9)."""

from __future__ import annotations

from datetime import UTC, tzinfo

import msgspec

from wardbridge.exchange.codecs.hl7v2.dtm import Moment, offset_of, parse_dtm
from wardbridge.exchange.codecs.hl7v2.errors import Hl7Error
from wardbridge.exchange.codecs.hl7v2.message import Message, Segment, parse
from wardbridge.exchange.codecs.hl7v2.separators import STANDARD, Separators


class Msh(msgspec.Struct, frozen=True):
    """MSH. `fields` are the raw texts by HL7 number (`fields[0]` is the segment's name)."""

    fields: tuple[str, ...]
    separators: Separators = STANDARD
    codec: str = "utf-8"

    def raw(self, number: int) -> str:
        """A field as written; '' where it is absent."""
        return self.fields[number] if number < len(self.fields) else ""

    def get(self, number: int, component: int = 1, sub: int = 1, rep: int = 1) -> str:
        """One value, unescaped."""
        text = self.raw(number)
        if not text:
            return ""
        segment = Segment("", self.separators, self.codec)
        segment._fields = list(self.fields)
        return segment.get(number, component, sub, rep)

    @property
    def type(self) -> str:
        """MSH-9.1."""
        return self.get(9, 1)

    @property
    def trigger(self) -> str:
        """MSH-9.2."""
        return self.get(9, 2)

    @property
    def control_id(self) -> str:
        """MSH-10."""
        return self.raw(10)

    @property
    def version(self) -> str:
        """MSH-12.1."""
        return self.get(12)

    @property
    def sender(self) -> str:
        """MSH-3 and MSH-4 as written, joined: with MSH-10 it names a message among all senders."""
        return f"{self.raw(3)}|{self.raw(4)}"

    @property
    def accept_ack(self) -> str:
        """MSH-15 in capitals: AL, NE, ER, SU or ''."""
        return self.raw(15).strip().upper()

    @property
    def application_ack(self) -> str:
        """MSH-16 in capitals: AL, NE, ER, SU or ''."""
        return self.raw(16).strip().upper()

    @property
    def profiles(self) -> tuple[str, ...]:
        """The OIDs (EI-3, else EI-1) of MSH-21, trimmed: only the OID identifies a profile."""
        text = self.raw(21)
        if not text:
            return ()
        marks = self.separators
        found = []
        for item in text.split(marks.repetition) if marks.repetition else [text]:
            parts = item.split(marks.component) if marks.component else [item]
            found.append((parts[2] if len(parts) > 2 else parts[0]).strip())
        return tuple(found)

    def zone(self, site: tzinfo = UTC) -> tzinfo:
        """The zone for times of this message that carry none: MSH-7's offset, else the site's."""
        return offset_of(self.raw(7)) or site

    def time(self, site: tzinfo = UTC) -> Moment | None:
        """MSH-7."""
        return parse_dtm(self.raw(7), site)


def read_msh(raw: bytes) -> Msh:
    """The header of a message, without looking at the rest.

    Raises Hl7Error as `parse` does, also where the first segment is not MSH.
    """
    if raw[:3] == b"MSH" and raw[3:4] != b"\0":
        end = min((at for at in (raw.find(b"\r"), raw.find(b"\n")) if at > 0), default=len(raw))
        raw = raw[:end]
    message = parse(raw)
    if not message.rows[0].startswith("MSH"):
        raise Hl7Error("the message starts with another segment than MSH", "segment 1")
    return msh_of(message)


def msh_of(message: Message) -> Msh:
    """The header of a parsed message."""
    field = message.separators.field
    name, *fields = message.rows[0].split(field)
    return Msh((name, field, *fields), message.separators, message.charset)
