"""What the free text of a recall (openFDA ``code_info``) says of lots, serial numbers, UDI-DIs and catalogue numbers.

A text is read as labels (``Lot``, ``Serial No.``, ``UDI-DI``, ``Model``, ``Exp``) each followed by its values.
``complete`` is False as soon as one value could not be placed: then nothing may be excluded by absence.
"""

from __future__ import annotations

import re

import msgspec

from wardbridge.equipment.udi import gs1


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers from ``low`` to ``high``, both written with the same letters around them."""

    low: str
    high: str


class Codes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``every``: the text says that all units are concerned (and lists none). ``dated``: it limits them by a date of
    making or shipping. ``others`` are values without a label."""

    lots: tuple[str, ...] = ()
    serials: tuple[str, ...] = ()
    lot_spans: tuple[Span, ...] = ()
    serial_spans: tuple[Span, ...] = ()
    di: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    every: bool = False
    dated: bool = False
    complete: bool = True
    text: str = ""

    @property
    def lists_lots(self) -> bool:
        return bool(self.lots or self.lot_spans)

    @property
    def lists_serials(self) -> bool:
        return bool(self.serials or self.serial_spans)


_NO = r"(?:\s*(?:numbers?|nos?\b\.?|nrs?\.?|#s?|codes?|ids?|range))?"
_LABELS = (
    ("di", rf"(?:primary\s+|package\s+)?udi(?:[\s\-]*di)?{_NO}s?|gtins?(?:-?14)?|device identifiers?|upns?"
           r"|di(?=\s*[:#])"),
    ("serial", rf"serial(?:ized)?(?:\s*/\s*(?:lot|batch))?{_NO}|s/ns?|sns?(?=[\s:#.])"),
    ("lot", rf"(?:lots?|batch(?:es)?)(?:\s*/\s*(?:serial|batch|lot))?{_NO}|work orders?"
            r"|control\s*(?:numbers?|nos?\.?|#)"),
    ("model", r"(?:catalog(?:ue)?|cat\.?|ref(?:erence)?\.?|models?|parts?|items?|products?|re-?order|material|article"
              rf"|sku|list|p/n|m/n)(?:\s*/\s*(?:model|part|catalog(?:ue)?|ref|item))?{_NO}"),
    ("software", r"(?:software|firmware|sw|fw)(?:\s*(?:versions?|v\.?|rev(?:ision)?s?))?|versions?|revisions?|rev\.?"),
)  # fmt: skip
_LABEL = re.compile("|".join(rf"(?P<{name}>(?<![\w/])(?:{form})(?!\w|-\w))" for name, form in _LABELS), re.IGNORECASE)
_ELEMENT = re.compile(r"\((?:01|11|17|10|21)\)[^\s,;()]+(?:\((?:11|17|10|21|01)\)[^\s,;()]+)*")
_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-./_]*[A-Za-z0-9]|[A-Za-z0-9]")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]*"
_SURE = (
    rf"(?:(?:19|20)\d\d-(?:0[1-9]|1[0-2])-[0-3]\d|[01]?\d/[0-3]?\d/(?:19|20)?\d\d|[0-3]?\d[\s\-]{_MONTH}[\s\-.,]+(?:19|20)?\d\d"
    rf"|{_MONTH}[.,\s\-]+(?:[0-3]?\d(?:st|nd|rd|th)?,?[\s\-]+)?(?:19|20)\d\d)"
)
_ANY = (
    rf"(?:{_SURE}|(?:19|20)\d\d[/\-.][01]?\d(?:[/\-.][0-3]?\d)?|[01]?\d[/\-](?:19|20)?\d\d"
    r"|(?:19|20)\d\d(?:[01]\d(?:[0-3]\d)?)?)(?![\w\-/])"
)
_DATE = re.compile(rf"(?<![\w\-/]){_SURE}(?![\w\-/])", re.IGNORECASE)
_EXPIRY = re.compile(
    rf"\b(?:exp(?:iration|iry|ires|\.)?|use[\s-]*by)(?:\s*dates?)?\b[\s:.\-]*(?:of|on)?\s*{_ANY}", re.IGNORECASE
)
_MADE = re.compile(
    r"\b(?:manufactur(?:ed|ing)|mfg\.?|made|built|produced|distributed|shipped|sold|released)\b[^;\n]{0,40}?"
    rf"{_ANY}(?:\s*(?:-|–|and|to|through)\s*{_ANY})?",
    re.IGNORECASE,
)
_THROUGH = re.compile(r"\s*(?:\bthrough\b|\bthru\b|\bto\b|–|—|\s-\s)\s*", re.IGNORECASE)
_ALL = re.compile(
    r"\b(?:all|any|every)\s+(?:\w+\s+){0,2}?(?:lots?|serials?|batch(?:es)?|units|codes|devices|products|systems|models|sn)\b"
    r"|^\W*all\W*$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^(.*?)(\d+)([A-Za-z]*)$")
_LONGEST = 200_000


def read(text: str) -> Codes:
    """What the text lists. Never raises."""
    body = text.strip()
    if not body:
        return Codes()
    cut = len(body) > _LONGEST
    found: dict[str, list[str]] = {name: [] for name, _ in _LABELS}
    spans: dict[str, list[Span]] = {"lot": [], "serial": []}
    left: list[str] = []
    rest = _ELEMENT.sub(lambda match: _element(match[0], found), body[:_LONGEST])
    rest = _EXPIRY.sub(" ", rest)
    dated = bool(_MADE.search(rest))
    rest = _DATE.sub(" ", _MADE.sub(" ", rest))
    labels = list(_LABEL.finditer(rest))
    _place("", rest[: labels[0].start()] if labels else rest, found, spans, left)
    for at, label in enumerate(labels):
        end = labels[at + 1].start() if at + 1 < len(labels) else len(rest)
        _place(str(label.lastgroup), rest[label.end() : end], found, spans, left)
    listed = any(found[name] for name in ("lot", "serial")) or any(spans.values())
    return Codes(
        lots=_unique(found["lot"]), serials=_unique(found["serial"]), lot_spans=tuple(spans["lot"]),
        serial_spans=tuple(spans["serial"]), di=_unique(found["di"]), models=_unique(found["model"]),
        others=_unique(left), every=bool(_ALL.search(body)) and not listed and not dated, dated=dated,
        complete=not left and not cut and not (dated and not listed), text=body,
    )  # fmt: skip


def _unique(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _element(text: str, found: dict[str, list[str]]) -> str:
    """The parts of a printed label, taken out of the text."""
    for code, value in re.findall(r"\((\d\d)\)([^()\s,;]+)", text):
        if code in ("01", "10", "21"):
            found[{"01": "di", "10": "lot", "21": "serial"}[code]].append(value.rstrip("."))
    return " "


def _place(kind: str, text: str, found: dict[str, list[str]], spans: dict[str, list[Span]], left: list[str]) -> None:
    """Give the values of one stretch of text to its label."""
    if kind not in ("lot", "serial"):
        for value in _values(text):
            _single(kind, value, found, left)
        return
    pieces = re.split(r"[,;\n\r|]|\band\b|\bor\b|&|\s{2,}", text)
    for piece in pieces:
        span = _span(kind, piece.strip(" .:#()[]"))
        if span is not None:
            spans[kind].append(span)
            continue
        for value in _values(piece):
            one = _tight(value) if kind == "serial" else None
            if one is not None:
                spans[kind].append(one)
            else:
                _single(kind, value, found, left)


def _values(text: str) -> list[str]:
    """Words that may be codes: with a digit, no ordinary numbers with a decimal unit beside them."""
    return [value.rstrip(".-/_") for value in _VALUE.findall(text) if any(char.isdigit() for char in value)]


def _single(kind: str, value: str, found: dict[str, list[str]], left: list[str]) -> None:
    if kind != "lot" and kind != "serial" and re.fullmatch(r"\d{14}", value) and not gs1.di_warnings(value):
        found["di"].append(value)
    elif kind == "di":
        found["di"].append(value) if len(value) >= 6 else left.append(value)
    elif kind:
        found[kind].append(value)
    else:
        left.append(value)


def _span(kind: str, piece: str) -> Span | None:
    """``A through B`` with the same letters around growing numbers."""
    parts = _THROUGH.split(f" {piece} ".replace(" - ", " – ").strip())
    if len(parts) != 2:
        return None
    return _grown(*(part.strip(" .:#()") for part in parts))


def _tight(value: str) -> Span | None:
    """``1000-1999``: two serial numbers of the same form in one word."""
    low, dash, high = value.partition("-")
    if not dash or "-" in high or len(low) != len(high) or len(low) < 3:
        return None
    return _grown(low, high)


def _grown(low: str, high: str) -> Span | None:
    one, other = _NUMBERED.match(low), _NUMBERED.match(high)
    if not one or not other or " " in low or " " in high:
        return None
    same = (one[1].casefold(), one[3].casefold()) == (other[1].casefold(), other[3].casefold())
    return Span(low=low, high=high) if same and int(one[2]) <= int(other[2]) else None


def plain(code: str) -> str:
    """A lot or serial number as compared: upper case, without blanks, hyphens and such."""
    return re.sub(r"[\s\-./_]", "", code).upper()


def _in(code: str, listed: tuple[str, ...], spans: tuple[Span, ...]) -> str:
    """The entry that a code falls under, '' for none."""
    mine = plain(code)
    for one in listed:
        if plain(one) == mine:
            return one
    found = _NUMBERED.match(mine)
    for span in spans:
        low, high = _NUMBERED.match(plain(span.low)), _NUMBERED.match(plain(span.high))
        if not (found and low and high) or (found[1], found[3]) != (low[1], low[3]):
            continue
        if int(low[2]) <= int(found[2]) <= int(high[2]):
            return f"{span.low} to {span.high}"
    return ""


def lot_in(lot: str, codes: Codes) -> str:
    """The entry that lists this lot, '' when none does."""
    return _in(lot, codes.lots, codes.lot_spans) if lot else ""


def serial_in(serial: str, codes: Codes) -> str:
    """The entry that lists this serial number, '' when none does."""
    return _in(serial, codes.serials, codes.serial_spans) if serial else ""
