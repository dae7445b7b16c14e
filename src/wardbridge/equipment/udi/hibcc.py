"""HIBC supplier labels: primary, secondary, both in one (ANSI/HIBC 2.6)."""

from __future__ import annotations

import re
from datetime import date, timedelta

import msgspec

from wardbridge.equipment.udi.values import HIBCC, Udi

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%"
FORM = "labeler, product and unit of measure are not as HIBC wants them"
PRIMARY = re.compile(r"([A-Z][A-Z0-9]{3})([A-Z0-9]{1,18})([0-9])")
# Flag after $$ or $$+ -> (digits of the date, its form). 7 says that there is none.
DATES = {
    "2": (6, "mmddyy"),
    "3": (6, "yymmdd"),
    "4": (8, "yymmddhh"),
    "5": (5, "yyjjj"),
    "6": (7, "yyjjjhh"),
    "7": (0, ""),
}


def mod43(text: str) -> str:
    """The check character of a text, '' where a character of it has no value."""
    try:
        return ALPHABET[sum(ALPHABET.index(sign) for sign in text) % 43]
    except ValueError:
        return ""


def looks_like_di(text: str) -> bool:
    """Whether a bare text may be a HIBCC device identifier, with or without its check character."""
    return bool(re.fullmatch(r"[A-Z][A-Z0-9]{5,22}[A-Z0-9\-. $/+%]?", text))


def primary(text: str) -> tuple[str, tuple[str, ...]]:
    """(device identifier without check character, warnings) of LIC, PCN and unit of measure, without the ``+``."""
    if len(text) > 6 and mod43("+" + text[:-1]) == text[-1] and PRIMARY.fullmatch(text[:-1]):
        return text[:-1], ()
    if PRIMARY.fullmatch(text):
        return text, ("there is no check character",)
    if PRIMARY.fullmatch(text[:-1]):
        return text[:-1], ("the check character is wrong",)
    checked = mod43("+" + text[:-1]) == text[-1:]
    return text, (FORM,) if checked else ("there is no check character", FORM)


def parse(text: str, year: int) -> Udi:
    """``year`` of today places the two digits of a date."""
    body = text.strip("*").removeprefix("+")
    first, _, more = body.partition("/")
    if first.startswith("$"):
        first, more = "", body
    if not more:
        di, warnings = primary(first)
        return Udi(text=text, issuer=HIBCC, di=di, warnings=warnings)
    found: dict[str, str] = {}
    notes: list[str] = []
    if mod43("+" + body[:-1]) == body[-1]:
        more = more[:-1]
    else:
        notes.append("there is no right check character at the end")
    if first:
        found["di"] = first
        if not PRIMARY.fullmatch(first):
            notes.append(FORM)
    else:
        notes.append("there is no device identifier: this is a secondary label")
        more = more[:-1]  # the link character to its primary
    rest = ""
    for part in _parts(more):
        read = _part(part, year)
        if read is None:
            rest += f"/{part}"
            notes.append(f"{part[:20]!r} was not understood")
        found |= read or {}
    return msgspec.structs.replace(Udi(text=text, issuer=HIBCC, rest=rest, warnings=tuple(notes)), **found)


def _parts(more: str) -> list[str]:
    return [part for part in re.split(r"/(?=\$|S|16D|14D|Q)", more) if part]


def _part(part: str, year: int) -> dict[str, str] | None:
    """One secondary part; None for one that is not understood."""
    if part.startswith("$$"):
        return _dated(part[2:], year)
    if part.startswith("$+"):
        return {"serial": part[2:]}
    if part.startswith("$"):
        return {"lot": part[1:]}
    for flag, name in (("16D", "manufactured"), ("14D", "expiration")):
        if part.startswith(flag):
            day = _whole(part[3:])
            return {name: day} if day else None
    if part.startswith("S"):
        return {"serial": part[1:]}
    return {"quantity": part[1:]} if re.fullmatch(r"Q\d{1,5}", part) else None


def _dated(text: str, year: int) -> dict[str, str] | None:
    serial = text.startswith("+")
    text = text[1:] if serial else text
    out: dict[str, str] = {}
    if text[:1] in ("8", "9"):
        size = 2 if text[0] == "8" else 5
        out["quantity"], text = text[1 : 1 + size], text[1 + size :]
    if text[:1] in DATES:
        size, form = DATES[text[0]]
        raw, text = text[1 : 1 + size], text[1 + size :]
    elif text[:1] in ("0", "1"):
        form, raw, text = "mmyy", text[:4], text[4:]
    else:
        form, raw = "", ""
    if form:
        day = _date(raw, form, year)
        if not day:
            return None
        out["expiration"] = day
    out["serial" if serial else "lot"] = text
    return out


def _date(raw: str, form: str, year: int) -> str:
    """ISO date or month; '' for what is no date. Hours are left out."""
    if not re.fullmatch(rf"\d{{{len(form)}}}", raw):
        return ""
    at = {
        name: raw[form.index(name) : form.index(name) + len(name)] for name in ("yy", "mm", "dd", "jjj") if name in form
    }
    short = int(at["yy"])
    full = min((year // 100 * 100 + short + shift for shift in (-100, 0, 100)), key=lambda y: (abs(y - year), -y))
    try:
        if "jjj" in at:
            day = date(full, 1, 1) + timedelta(days=int(at["jjj"]) - 1)
            return day.isoformat() if day.year == full else ""
        if "dd" in at:
            return date(full, int(at["mm"]), int(at["dd"])).isoformat()
        return date(full, int(at["mm"]), 1).isoformat()[:7]
    except (ValueError, OverflowError):
        return ""


def _whole(raw: str) -> str:
    try:
        return date(int(raw[:4]), int(raw[4:6]), int(raw[6:8])).isoformat() if re.fullmatch(r"\d{8}", raw) else ""
    except ValueError:
        return ""
