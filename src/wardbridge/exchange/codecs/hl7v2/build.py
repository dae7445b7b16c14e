"""Writing messages: immutable segments of fields, escaped once, at the edge.

A field is text, a tuple of components, a tuple of tuples (subcomponents), or `Rep` for repetitions:
`segment("PID", {3: ("4711", "", "", "HIS", "MR"), 5: ("Doe", "Jane")})`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, tzinfo
from typing import TypeAlias

import msgspec

from wardbridge.exchange.codecs.hl7v2.charset import codec_of
from wardbridge.exchange.codecs.hl7v2.dtm import format_dtm
from wardbridge.exchange.codecs.hl7v2.escapes import escape
from wardbridge.exchange.codecs.hl7v2.separators import STANDARD, Separators

Component: TypeAlias = str | tuple[str, ...]


class Rep(msgspec.Struct, frozen=True):
    """The repetitions of a field."""

    items: tuple[str | tuple[Component, ...], ...]


class Verbatim(msgspec.Struct, frozen=True):
    """Field text that is written as it is, for fields copied out of another message."""

    text: str


Field: TypeAlias = str | tuple[Component, ...] | Rep | Verbatim | None


def segment(name: str, fields: Mapping[int, Field], separators: Separators = STANDARD) -> str:
    """A segment's text from its fields by HL7 number; gaps are empty, trailing ones are left out."""
    last = max((n for n, value in fields.items() if value not in (None, "", ())), default=0)
    texts = [write_field(fields.get(n), separators) for n in range(1, last + 1)]
    return separators.field.join([name, *texts])


def write_field(value: Field, separators: Separators = STANDARD) -> str:
    """One field as text."""
    if value is None:
        return ""
    if isinstance(value, Verbatim):
        return value.text
    if isinstance(value, str):
        return escape(value, separators)
    if isinstance(value, Rep):
        return separators.repetition.join(write_field(item, separators) for item in value.items)
    parts = [
        escape(part, separators)
        if isinstance(part, str)
        else _trim([escape(sub, separators) for sub in part], separators.subcomponent)
        for part in value
    ]
    return _trim(parts, separators.component)


def _trim(parts: list[str], mark: str) -> str:
    while parts and not parts[-1]:
        parts.pop()
    return mark.join(parts)


class Header(msgspec.Struct, frozen=True):
    """What MSH says. Times are microseconds since 1970 UTC, written with the offset of `zone`."""

    type: tuple[str, ...]
    control_id: str
    time: int
    version: str = "2.6"
    sending_app: Field = ""
    sending_facility: Field = ""
    receiving_app: Field = ""
    receiving_facility: Field = ""
    processing: Field = "P"
    accept_ack: str = ""
    application_ack: str = ""
    country: str = ""
    charset: str = ""
    language: Field = ""
    profile: Field = ""

    def row(self, separators: Separators = STANDARD, zone: tzinfo = UTC) -> str:
        """The text of MSH."""
        # MSH-1 is the separator itself, so every number here is one less than HL7's.
        return segment(
            "MSH",
            {
                1: Verbatim(separators.msh2),
                2: self.sending_app,
                3: self.sending_facility,
                4: self.receiving_app,
                5: self.receiving_facility,
                6: format_dtm(self.time, zone),
                8: self.type,
                9: self.control_id,
                10: self.processing,
                11: self.version,
                14: self.accept_ack,
                15: self.application_ack,
                16: self.country,
                17: self.charset,
                18: self.language,
                20: self.profile,
            },
            separators,
        )


def build(
    header: Header,
    rows: Iterable[str],
    separators: Separators = STANDARD,
    zone: tzinfo = UTC,
) -> bytes:
    """The message as bytes in the charset of MSH-18 (UTF-8 without one), each segment ended by CR.

    Raises UnicodeEncodeError where a text does not fit the declared charset.
    """
    codec, _ = codec_of(header.charset)
    text = "\r".join([header.row(separators, zone), *rows]) + "\r"
    return text.encode(codec)
