"""The character set of a message: MSH-18 (HL7 table 0211) to a decoder, with an honest fallback."""

from __future__ import annotations

import codecs

from wardbridge.exchange.codecs.hl7v2.errors import Problem

TABLE_0211 = {
    "": "utf-8",
    "ASCII": "ascii",
    "UNICODE UTF-8": "utf-8",
    "UNICODE UTF-16": "utf-16",
    "UNICODE UTF-32": "utf-32",
    "UNICODE": "utf-8",
    "ISO IR6": "ascii",
    "ISO IR14": "shift_jis",
    "ISO IR87": "iso2022_jp",
    "ISO IR159": "iso2022_jp_1",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5",
    **{f"8859/{n}": f"iso8859-{n}" for n in (*range(1, 12), 13, 14, 15, 16)},
    # Names seen from real senders, outside the table.
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "UNICODE UTF8": "utf-8",
    "ISO-8859-1": "iso8859-1",
    "ISO8859-1": "iso8859-1",
    "WINDOWS-1252": "cp1252",
}

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def sniff(raw: bytes) -> str:
    """A codec name where the first bytes force one (byte order mark, wide characters), else ''."""
    for mark, name in _BOMS:
        if raw.startswith(mark):
            return name
    if raw[:6] == b"M\0S\0H\0":
        return "utf-16-le"
    if raw[:6] == b"\0M\0S\0H":
        return "utf-16-be"
    return ""


def codec_of(msh18: str) -> tuple[str, Problem | None]:
    """The Python codec for the first repetition of MSH-18 and a problem where it is unknown."""
    name = msh18.strip().upper()
    codec = TABLE_0211.get(name)
    if codec is not None:
        return codec, None
    return "utf-8", Problem("the character set is not in HL7 table 0211", "MSH-18", "103")


def decode(raw: bytes, codec: str) -> tuple[str, str, Problem | None]:
    """(text, codec that worked, problem). Falls back to UTF-8, then to Latin-1, never loses a byte."""
    try:
        return raw.decode(codec), codec, None
    except UnicodeDecodeError as error:
        where = f"byte {error.start}"
        what = f"bytes are not valid {codec}"
    for other in ("utf-8", "latin-1"):
        try:
            text = raw.decode(other)
        except UnicodeDecodeError:
            continue
        return text, other, Problem(f"{what}; read as {other}", where, "102")
    raise AssertionError("latin-1 decodes everything")
