"""GS1 element strings, scanned or as printed under the bar code (GS1 General Specifications, section 3)."""

from __future__ import annotations

import calendar
import re

import msgspec

from wardbridge.equipment.udi.values import GS1, Udi

FNC1 = "\x1d"
SYMBOLOGY = re.compile(r"^\](?:C1|d2|Q3|e0|J1)")

# Application identifier -> (name in Udi or '', fixed length or 0, longest).
AIS: dict[str, tuple[str, int, int]] = {
    "00": ("", 18, 18), "01": ("di", 14, 14), "02": ("", 14, 14), "10": ("lot", 0, 20), "11": ("manufactured", 6, 6),
    "12": ("", 6, 6), "13": ("", 6, 6), "15": ("", 6, 6), "16": ("", 6, 6), "17": ("expiration", 6, 6),
    "20": ("", 2, 2), "21": ("serial", 0, 20), "22": ("", 0, 20), "30": ("quantity", 0, 8), "37": ("", 0, 8),
    "235": ("", 0, 28), "240": ("", 0, 30), "241": ("", 0, 30), "242": ("", 0, 6), "243": ("", 0, 20),
    "250": ("", 0, 30), "251": ("", 0, 30), "253": ("", 0, 30), "254": ("", 0, 20), "255": ("", 0, 25),
    "400": ("", 0, 30), "410": ("", 13, 13), "414": ("", 13, 13), "415": ("", 13, 13), "416": ("", 13, 13),
    "420": ("", 0, 20), "421": ("", 0, 12), "422": ("", 3, 3), "710": ("", 0, 20), "711": ("", 0, 20),
    "712": ("", 0, 20), "713": ("", 0, 20), "714": ("", 0, 20), "8004": ("", 0, 30), "8008": ("", 0, 12),
    "8010": ("", 0, 30), "8011": ("", 0, 12), "8012": ("", 0, 20), "8020": ("", 0, 25), "8200": ("", 0, 70),
    **{str(n): ("", 0, 90) for n in range(90, 100)},
}  # fmt: skip
_PRINTED = re.compile(r"\((\d{2,4})\)")


def mod10(digits: str) -> bool:
    """Whether the last of these digits is the check digit of the others (GS1 General Specifications 7.9.1)."""
    total = sum(int(d) * (3 if at % 2 else 1) for at, d in enumerate(reversed(digits)))
    return total % 10 == 0


def di_warnings(di: str) -> tuple[str, ...]:
    """What is odd about a GTIN."""
    if not di.isdecimal():
        return ("a GS1 device identifier has digits only",)
    if len(di) != 14:
        return (f"a GS1 device identifier has 14 digits, this one has {len(di)}",)
    return () if mod10(di) else ("the check digit of the device identifier is wrong",)


def parse(text: str, year: int) -> Udi:
    """``year`` of today places the two digits of a date (within 50 years)."""
    body = SYMBOLOGY.sub("", text)
    pieces, rest, warnings = _printed(body) if _PRINTED.match(body) else _scanned(body)
    found: dict[str, str] = {}
    for ai, value in pieces:
        name, fixed, longest = AIS[ai]
        if (fixed and len(value) != fixed) or len(value) > longest:
            warnings.append(f"({ai}) has {len(value)} characters, expected {fixed or f'at most {longest}'}")
        if not name:
            continue
        if name in ("expiration", "manufactured"):
            day = _date(value, year)
            if not day:
                warnings.append(f"({ai}) {value!r} is no date")
                continue
            value = day
        if name in found and found[name] != value:
            warnings.append(f"({ai}) stands there twice")
            continue
        found[name] = value
    warnings.extend(di_warnings(found["di"]) if "di" in found else ("there is no device identifier (01)",))
    return msgspec.structs.replace(Udi(text=text, issuer=GS1, rest=rest, warnings=tuple(warnings)), **found)


def _printed(body: str) -> tuple[list[tuple[str, str]], str, list[str]]:
    """``(01)…(10)…`` A value may hold brackets: only those around a known identifier divide."""
    marks = [mark for mark in _PRINTED.finditer(body) if mark[1] in AIS]
    pieces = [
        (mark[1], body[mark.end() : following.start() if following else len(body)].strip())
        for mark, following in zip(marks, [*marks[1:], None], strict=True)
    ]
    before = body[: marks[0].start()] if marks else body
    return pieces, before, ["it begins with an unknown application identifier"] if before else []


def _scanned(body: str) -> tuple[list[tuple[str, str]], str, list[str]]:
    pieces: list[tuple[str, str]] = []
    at = 0
    while at < len(body):
        if body[at] == FNC1:
            at += 1
            continue
        ai = next((body[at : at + size] for size in (2, 3, 4) if body[at : at + size] in AIS), "")
        if not ai:
            return (
                pieces,
                body[at:],
                [f"{body[at : at + 4]!r} is no known application identifier; the rest was not read"],
            )
        at += len(ai)
        fixed = AIS[ai][1]
        end = at + fixed if fixed else body.find(FNC1, at)
        end = len(body) if end < 0 else min(end, len(body))
        pieces.append((ai, body[at:end]))
        at = end
    return pieces, "", []


def _date(text: str, year: int) -> str:
    """YYMMDD; day 00 is the last of the month. '' for what is no date."""
    if not re.fullmatch(r"\d{6}", text):
        return ""
    short, month, day = int(text[:2]), int(text[2:4]), int(text[4:])
    century = year // 100 * 100
    full = min((century + short + shift for shift in (-100, 0, 100)), key=lambda y: (abs(y - year), -y))
    if not 1 <= month <= 12:
        return ""
    last = calendar.monthrange(full, month)[1]
    if day > last:
        return ""
    return f"{full:04}-{month:02}-{day or last:02}"
