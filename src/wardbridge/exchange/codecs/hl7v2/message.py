"""A lazy view of one HL7 v2 message: the bytes are kept, parts are found when asked for.

Numbering is HL7's: segment, field, repetition, component and subcomponent count from 1, and MSH-1 is
the field separator (HL7 v2.9 chapter 2, sections 2.5 and 2.14.9).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import itemgetter

from wardbridge.exchange.codecs.hl7v2.charset import codec_of, decode, sniff
from wardbridge.exchange.codecs.hl7v2.errors import REQUIRED_FIELD, Hl7Error, Problem
from wardbridge.exchange.codecs.hl7v2.escapes import unescape
from wardbridge.exchange.codecs.hl7v2.separators import Separators, read_separators

_ENDS = re.compile(r"(\r\n|\r|\n)")
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
_FOUR = itemgetter(slice(0, 4))
HEADERS = ("MSH", "FHS", "BHS")
MAX_JUNK = 4096
MAX_HEADER = 4096
_COMMON = frozenset(
    f"{name}|" for name in ("MSH", "PID", "PD1", "PV1", "PV2", "ORC", "OBR", "OBX", "NTE", "PRT", "EVN")
)


class Segment:
    """One segment: `segment.get(5, 1)` is the first component of field 5, unescaped."""

    __slots__ = ("_fields", "charset", "index", "separators", "text")

    def __init__(self, text: str, separators: Separators, charset: str = "utf-8", index: int = 0) -> None:
        self.text = text
        self.separators = separators
        self.charset = charset
        self.index = index
        self._fields: list[str] | None = None

    @property
    def name(self) -> str:
        """The segment's name, for example `OBX`; of stray text whatever precedes a separator."""
        return self.fields[0]

    @property
    def fields(self) -> list[str]:
        """Raw field texts; `fields[n]` is field n, `fields[0]` the name."""
        fields = self._fields
        if fields is None:
            fields = self.text.split(self.separators.field)
            if fields[0] in HEADERS:
                fields.insert(1, self.separators.field)
            self._fields = fields
        return fields

    def raw(self, field: int) -> str:
        """Field text as written, with separators and escapes; '' where it is absent."""
        fields = self.fields
        return fields[field] if field < len(fields) else ""

    def repetitions(self, field: int) -> list[str]:
        """The raw repetitions of a field; an empty field has none."""
        text = self.raw(field)
        if not text:
            return []
        mark = self.separators.repetition
        if not mark or (field <= 2 and self.fields[0] in HEADERS):
            return [text]
        return text.split(mark)

    def get(self, field: int, component: int = 1, sub: int = 1, rep: int = 1) -> str:
        """One subcomponent, unescaped; '' where it is absent."""
        text = self.raw(field)
        if not text:
            return ""
        marks = self.separators
        if field <= 2 and self.fields[0] in HEADERS:
            return text if component == sub == rep == 1 else ""
        text = _nth(text, marks.repetition, rep)
        text = _nth(text, marks.component, component)
        text = _nth(text, marks.subcomponent, sub)
        return self.plain(text)

    def plain(self, text: str) -> str:
        """Raw text of this segment with its escape sequences resolved."""
        mark = self.separators.escape
        if mark and mark in text:
            return unescape(text, self.separators, self.charset)
        return text

    def components(self, field: int, rep: int = 1) -> list[str]:
        """The components of one repetition, unescaped, subcomponents left joined."""
        marks = self.separators
        text = _nth(self.raw(field), marks.repetition, rep)
        if not text:
            return []
        parts = text.split(marks.component) if marks.component else [text]
        return [self.plain(part) for part in parts]

    def __repr__(self) -> str:
        return f"Segment({self.text[:3]!r}, {len(self.fields) - 1} fields)"


def _nth(text: str, mark: str, nth: int) -> str:
    if not mark or mark not in text:
        return text if nth == 1 else ""
    parts = text.split(mark, nth)
    return parts[nth - 1] if nth <= len(parts) else ""


class Message:
    """One message. `bytes(message)` are the bytes it was made of, junk included.

    `rows` are the segment texts. `problems` says what was odd, in order of finding. `junk` is what
    stood before the header, `charset` the Python codec that read the text.
    """

    __slots__ = ("_segments", "charset", "junk", "problems", "raw", "rows", "separators", "text")

    def __init__(self, raw: bytes, text: str, charset: str, junk: bytes, problems: list[Problem]) -> None:
        self.raw = raw
        self.text = text
        self.charset = charset
        self.junk = junk
        self.separators = read_separators(text)
        self.rows, odd = split_rows(text, self.separators)
        problems.extend(odd)
        self.problems = tuple(problems)
        self._segments: list[Segment] | None = None

    def __bytes__(self) -> bytes:
        return self.raw

    @property
    def segments(self) -> list[Segment]:
        """All segments in order, stray lines included."""
        segments = self._segments
        if segments is None:
            segments = [Segment(row, self.separators, self.charset, at) for at, row in enumerate(self.rows)]
            self._segments = segments
        return segments

    def all(self, name: str) -> Iterator[Segment]:
        """Every segment with this name, in order."""
        return (s for s in self.segments if s.text.startswith(name) and s.name == name)

    def first(self, name: str) -> Segment | None:
        """The first segment with this name."""
        return next(self.all(name), None)

    @property
    def header(self) -> Segment:
        """MSH (or FHS, BHS)."""
        if self._segments is None:
            return Segment(self.rows[0], self.separators, self.charset)
        return self._segments[0]

    def get(self, segment: str, field: int, component: int = 1, sub: int = 1, rep: int = 1) -> str:
        """One value of the first segment with this name; '' where it is absent."""
        found = self.first(segment)
        return found.get(field, component, sub, rep) if found else ""

    @property
    def type(self) -> str:
        """MSH-9.1, for example ORU."""
        return self.header.get(9, 1)

    @property
    def trigger(self) -> str:
        """MSH-9.2, for example R01."""
        return self.header.get(9, 2)

    @property
    def control_id(self) -> str:
        """MSH-10 as written, without escapes."""
        return self.header.get(10)

    @property
    def version(self) -> str:
        """MSH-12.1."""
        return self.header.get(12)

    def normal(self) -> bytes:
        """The message with every segment ended by one CR and without junk, in its own charset."""
        return ("\r".join(self.rows) + "\r").encode(self.charset)


def parse(raw: bytes, default: str = "utf-8") -> Message:
    """The message in `raw`. `default` is the codec for messages without MSH-18.

    Raises Hl7Error where no MSH, FHS or BHS is found or MSH-1 cannot be a separator. All else that
    is odd becomes a Problem of the message.
    """
    problems: list[Problem] = []
    body, junk = raw, b""
    forced = "" if raw[:4] == b"MSH|" else sniff(raw)
    if not forced and raw[:3] != b"MSH":
        at = _find_header(raw)
        if at is None:
            raise Hl7Error("no MSH segment", "byte 0")
        body, junk = raw[at:], raw[:at]
        if junk.strip(b"\r\n\x0b\x00 \t"):
            problems.append(Problem(f"{at} bytes before the header", "byte 0"))
    codec = forced or _declared(body, default, problems)
    text, codec, odd = decode(body, codec)
    if odd:
        problems.append(odd)
    if forced:
        if codec != forced:
            text = text.lstrip("\ufeff")
        problems.append(Problem("a byte order mark or wide text starts the message", "byte 0"))
        if not text.startswith(HEADERS):
            at_text = min((n for h in HEADERS if (n := text.find(h)) >= 0), default=-1)
            if at_text < 0:
                raise Hl7Error("no MSH segment", "byte 0")
            text = text[at_text:]
    return Message(raw, text, codec, junk, problems)


def _find_header(raw: bytes) -> int | None:
    window = raw[:MAX_JUNK]
    found = [at for name in (b"MSH", b"FHS", b"BHS") if (at := window.find(name)) >= 0]
    return min(found) if found else None


def _declared(body: bytes, default: str, problems: list[Problem]) -> str:
    """The codec of MSH-18, read before decoding: every charset allowed here is ASCII in the header."""
    end = body.find(b"\r", 0, MAX_HEADER)
    head = body[: end if end >= 0 else MAX_HEADER]
    if b"\n" in head:
        head = head[: head.index(b"\n")]
    fields = head.split(head[3:4], 18) if len(head) > 3 else []
    if len(fields) < 18 or not fields[17] or fields[0] != b"MSH":
        return default
    mark = fields[1][1:2]
    name = (fields[17].split(mark, 1)[0] if mark else fields[17]).decode("latin-1")
    if not name:
        return default
    codec, odd = codec_of(name)
    if odd:
        problems.append(odd)
    if codec in ("utf-16", "utf-32"):
        return default  # declared wide but written in bytes: `sniff` would have seen it
    return codec


def split_rows(text: str, separators: Separators) -> tuple[list[str], list[Problem]]:
    """Segment texts, whatever ends them (CR, LF, CRLF, or mixed), and the lines that are none.

    A bare LF inside a message whose segments end in CR belongs to a field's text unless a segment
    follows it.
    """
    problems: list[Problem] = []
    if "\n" not in text:
        rows = text.split("\r")
    elif "\r" not in text:
        rows = text.split("\n")
    elif text.count("\r") == text.count("\r\n") == text.count("\n"):
        rows = text.split("\r\n")
    else:
        rows = _split_mixed(text, separators, problems)
    if rows[-1] == "":
        rows.pop()
    if "" in rows:
        rows = [row for row in rows if row]
    if _COMMON.issuperset(map(_FOUR, rows)):
        return rows, problems
    mark = separators.field
    for at, row in enumerate(rows):
        if row[3:4] != mark and not (len(row) == 3 and _NAME.fullmatch(row)):
            problems.append(Problem("a line is not a segment", f"segment {at + 1}"))
        elif not _NAME.fullmatch(row[:3]):
            problems.append(Problem("a segment has an odd name", f"segment {at + 1}"))
    return rows, problems


def _split_mixed(text: str, separators: Separators, problems: list[Problem]) -> list[str]:
    rows: list[str] = []
    pieces = _ENDS.split(text)
    for at in range(0, len(pieces), 2):
        piece = pieces[at]
        joins = at > 0 and pieces[at - 1] == "\n" and rows and piece
        if joins and not (_NAME.match(piece) and piece[3:4] == separators.field):
            rows[-1] += "\n" + piece
            problems.append(Problem("a line feed inside a segment", f"segment {len(rows)}"))
        else:
            rows.append(piece)
    return rows


def value_or_raise(message: Message, segment: str, field: int) -> str:
    """A value that must be there. Raises Hl7Error with code 101."""
    found = message.get(segment, field)
    if not found:
        raise Hl7Error("a required field is missing", f"{segment}-{field}", REQUIRED_FIELD)
    return found
