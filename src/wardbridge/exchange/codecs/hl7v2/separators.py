"""The separators a message declares in MSH-1 and MSH-2 (HL7 v2.9 section 2.5.4)."""

from __future__ import annotations

import msgspec

from wardbridge.exchange.codecs.hl7v2.errors import Hl7Error


class Separators(msgspec.Struct, frozen=True):
    """Empty text stands for a separator that the message does not declare."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = ""

    @property
    def msh2(self) -> str:
        """The text of MSH-2."""
        return self.component + self.repetition + self.escape + self.subcomponent + self.truncation


STANDARD = Separators()


def read_separators(header: str) -> Separators:
    """The separators of a header segment (MSH, FHS or BHS) that starts at `header[0]`.

    Raises Hl7Error where MSH-1 is missing or can be part of a segment's name.
    A doubled escape character (source code pasted into a message) counts once.
    """
    if header[4:8] == "^~\\&" and header[3:4] == "|" and header[8:9] == "|":
        return STANDARD
    if len(header) < 4:
        raise Hl7Error("the header segment ends before its field separator", "MSH-1")
    field = header[3]
    if field.isalnum() or field in "\r\n\x00 ":
        raise Hl7Error("the field separator is a letter, digit, space or control", "MSH-1")
    line = header[4:64]
    for end in ("\r", "\n"):
        line = line.split(end, 1)[0]
    marks = line.split(field, 1)[0]
    if len(marks) > 4 and marks[2] == marks[3]:
        marks = marks[:3] + marks[4:]
    seen = {field}
    kept = []
    for mark in (marks + "     ")[:5]:
        fresh = mark not in seen and not mark.isalnum() and not mark.isspace()
        kept.append(mark if fresh else "")
        seen.add(mark)
    return Separators(field, *kept)
