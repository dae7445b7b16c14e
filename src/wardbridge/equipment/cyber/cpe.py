"""CPE 2.3 names: read (NISTIR 7695, formatted string and URI) and compared (NISTIR 7696, section 6).

An attribute is its formatted-string text in lower case: ``*`` is ANY, ``-`` is NA, anything else a value, in which
special characters stand behind a backslash and an unquoted ``*`` or ``?`` is a wildcard.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from urllib.parse import unquote

import msgspec

from wardbridge.core.errors import Invalid

ANY, NA = "*", "-"
ATTRIBUTES = ("part", "vendor", "product", "version", "update", "edition", "language", "sw_edition", "target_sw",
              "target_hw", "other")  # fmt: skip
_PARTS = frozenset({"a", "o", "h", ANY, NA})
_LIMIT = 2048


class Relation(Enum):
    """How the values of one attribute relate, source to target (NISTIR 7696, table 6-2)."""

    EQUAL = "equal"
    SUPERSET = "superset"
    SUBSET = "subset"
    DISJOINT = "disjoint"
    UNDEFINED = "undefined"


class Cpe(msgspec.Struct, frozen=True):
    """A well-formed name; ``str()`` is the formatted string."""

    part: str = ANY
    vendor: str = ANY
    product: str = ANY
    version: str = ANY
    update: str = ANY
    edition: str = ANY
    language: str = ANY
    sw_edition: str = ANY
    target_sw: str = ANY
    target_hw: str = ANY
    other: str = ANY

    def __str__(self) -> str:
        return "cpe:2.3:" + ":".join(getattr(self, name) for name in ATTRIBUTES)


@lru_cache(maxsize=100_000)
def parse(text: str) -> Cpe:
    """A name from ``cpe:2.3:…`` (attributes that are left off at the end are ANY) or ``cpe:/…``. Raises Invalid."""
    text = text.strip()
    if len(text) > _LIMIT:
        raise Invalid("this CPE name is too long", text[:40])
    lower = text.lower()
    if lower.startswith("cpe:2.3:"):
        values = [_formatted(value, text) for value in _split(text[8:])]
    elif lower.startswith("cpe:/"):
        values = _from_uri(text[5:])
    else:
        raise Invalid("a CPE name starts with cpe:2.3: or cpe:/", text[:80])
    if len(values) > len(ATTRIBUTES) or values[0] not in _PARTS:
        raise Invalid("this CPE name has a wrong part or too many attributes", text[:80])
    return Cpe(*values)


def _split(text: str) -> list[str]:
    out, start, escaped = [], 0, False
    for at, char in enumerate(text):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == ":":
            out.append(text[start:at])
            start = at + 1
    return [*out, text[start:]]


def _formatted(value: str, where: str) -> str:
    """Canonical text of one attribute: lower case; quoted what must be, and nothing else."""
    if value in ("", ANY):
        return ANY
    if value == NA:
        return NA
    out, at = [], 0
    while at < len(value):
        char = value[at]
        if char == "\\":
            at += 1
            if at == len(value):
                raise Invalid("this CPE name ends in a lone backslash", where[:80])
            out.append(quote(value[at]))
        elif char in "*?":
            inner = value[:at].strip("*?") and value[at:].strip("*?")
            out.append("\\" + char if inner else char)
        else:
            out.append(quote(char))
        at += 1
    text = "".join(out).lower()
    return "\\-" if text == NA else text


def quote(char: str) -> str:
    """A literal character in a formatted string."""
    return char if char.isalnum() or char in "._-" else "\\" + char


def literal(text: str) -> str:
    """The attribute value that means exactly ``text``; ANY for ''."""
    out = "".join(quote(char) for char in text.strip().lower().replace(" ", "_"))
    return ("\\" + out if out == NA else out) or ANY


def plain(value: str) -> str:
    """What a value says without its quoting; '' for ANY and NA."""
    return "" if value in (ANY, NA) else re.sub(r"\\(.)", r"\1", value)


def _from_uri(text: str) -> list[str]:
    parts = text.split(":")
    if len(parts) > 7:
        raise Invalid("a CPE URI has at most seven parts", text[:80])
    values = [*parts, *[""] * (7 - len(parts))]
    edition, extended = values[5], ["", "", "", ""]
    if edition.startswith("~"):
        packed = edition[1:].split("~")
        if len(packed) != 5:
            raise Invalid("the packed edition of a CPE URI has five parts", text[:80])
        edition, extended = packed[0], packed[1:]
    return [_decode(value) for value in (*values[:5], edition, values[6], *extended)]


def _decode(value: str) -> str:
    if value in ("", ANY):
        return ANY
    if value == NA:
        return NA
    out, at = [], 0
    while at < len(value):
        if value[at : at + 3] == "%01":
            out.append("?")
        elif value[at : at + 3] == "%02":
            out.append("*")
        elif value[at] == "%" and re.fullmatch(r"[0-9a-fA-F]{2}", value[at + 1 : at + 3]):
            out.append(quote(unquote(value[at : at + 3], errors="replace")))
        else:
            out.append(quote(value[at]))
            at += 1
            continue
        at += 3
    return "".join(out).lower()


def wild(value: str) -> bool:
    """Whether a value has an unquoted wildcard."""
    return value not in (ANY, NA) and bool(re.search(r"(?<!\\)(?:\\\\)*[*?]", value))


@lru_cache(maxsize=10_000)
def _pattern(value: str) -> re.Pattern[str]:
    parts = re.findall(r"\\.|.", value, re.DOTALL)
    return re.compile("".join({"*": ".*", "?": ".?"}.get(part) or re.escape(part[-1]) for part in parts), re.DOTALL)


def relation(source: str, target: str) -> Relation:
    """How one attribute of the source relates to that of the target (NISTIR 7696, table 6-2)."""
    if wild(target):
        return Relation.UNDEFINED if source != target else Relation.EQUAL
    if source == target:
        return Relation.EQUAL
    if source == ANY:
        return Relation.SUPERSET
    if target == ANY:
        return Relation.SUBSET
    if NA in (source, target):
        return Relation.DISJOINT
    if wild(source):
        return Relation.SUPERSET if _pattern(source).fullmatch(plain(target)) else Relation.DISJOINT
    return Relation.DISJOINT


def compare(source: Cpe, target: Cpe) -> tuple[Relation, ...]:
    """The relation of every attribute, in the order of :data:`ATTRIBUTES`."""
    return tuple(relation(getattr(source, name), getattr(target, name)) for name in ATTRIBUTES)


def superset(source: Cpe, target: Cpe) -> bool:
    """CPE_SUPERSET of NISTIR 7696 section 6.2: every attribute is equal or a superset."""
    return all(one in (Relation.EQUAL, Relation.SUPERSET) for one in compare(source, target))
