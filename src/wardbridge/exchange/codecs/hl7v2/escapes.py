"""Escape sequences in text (HL7 v2.9 section 2.7): `\\F\\ \\S\\ \\T\\ \\R\\ \\E\\ \\X..\\ \\.br\\`."""

from __future__ import annotations

from wardbridge.exchange.codecs.hl7v2.separators import STANDARD, Separators

_BREAKS = {".br": "\n", ".sp": "\n", ".fi": "", ".nf": "", ".ce": "\n", "H": "", "N": ""}


def unescape(text: str, separators: Separators = STANDARD, charset: str = "utf-8") -> str:
    """Text as a reader wants it. Unknown or unfinished sequences stay as they were written."""
    mark = separators.escape
    if not mark or mark not in text:
        return text
    pieces = text.split(mark)
    out = [pieces[0]]
    at = 1
    while at < len(pieces):
        if at + 1 == len(pieces):  # an escape character without its partner
            out.append(mark + pieces[at])
            break
        found = _meaning(pieces[at], separators, charset)
        if found is None:
            # Not a sequence: keep the mark and let the next one open a sequence again.
            out.append(mark + pieces[at])
            at += 1
            continue
        out.append(found)
        out.append(pieces[at + 1])
        at += 2
    return "".join(out)


def _meaning(name: str, separators: Separators, charset: str) -> str | None:
    match name:
        case "F":
            return separators.field
        case "S":
            return separators.component or None
        case "T":
            return separators.subcomponent or None
        case "R":
            return separators.repetition or None
        case "E":
            return separators.escape
        case "P":
            return separators.truncation or None
    plain = _BREAKS.get(name)
    if plain is not None:
        return plain
    if name.startswith((".sp", ".sk")):
        count = name[3:].strip().lstrip("+")
        if count.isascii() and count.isdigit() and len(count) <= 3:
            return ("\n" if name.startswith(".sp") else " ") * int(count)
        return None
    if name.startswith("X") and len(name) > 1:
        try:
            return bytes.fromhex(name[1:]).decode(charset)
        except (ValueError, UnicodeDecodeError):
            return None
    return None


def escape(text: str, separators: Separators = STANDARD) -> str:
    """The reverse for writing: no separator, escape character or line end is left bare."""
    if text.isalnum():
        return text
    mark = separators.escape
    if not mark:
        mark = "\\"
    table = {mark: f"{mark}E{mark}", "\r\n": "", "\r": f"{mark}.br{mark}", "\n": f"{mark}.br{mark}"}
    for char, name in (
        (separators.field, "F"),
        (separators.component, "S"),
        (separators.subcomponent, "T"),
        (separators.repetition, "R"),
    ):
        if char:
            table[char] = f"{mark}{name}{mark}"
    text = text.replace("\r\n", "\n")
    if not any(char in text for char in table):
        return text
    return "".join(table.get(char, char) for char in text)
