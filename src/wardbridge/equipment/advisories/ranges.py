"""Version statements in the words of advisories, as ranges: ``prior to 2.1``, ``2.x``, ``1.0 through 1.6``, ``<= 4.0``,
``1.1 | 1.2``, ``vers:generic/>=1|<2``, ``all versions``.

What cannot be read becomes a range with a ``problem``: it excludes nothing, and people see the text. What stands
beside a readable statement (``<= 2.1 on Windows 7``) is its ``condition``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

import msgspec

from wardbridge.equipment.advisories import order


class Interval(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From ``low`` to ``high``, '' for no bound. ``family``: the bound stands for all that begins with it (2.x)."""

    low: str = ""
    high: str = ""
    low_in: bool = True
    high_in: bool = True
    family: bool = False

    @property
    def text(self) -> str:
        if self.family and not self.high:
            return f"{self.low}.x"
        if self.low and self.low == self.high:
            return self.low
        low = f"{'>=' if self.low_in else '>'} {self.low}" if self.low else ""
        high = f"{'<=' if self.high_in else '<'} {self.high}{'.x' * self.family}" if self.high else ""
        return ", ".join(part for part in (low, high) if part)


class Range(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``stated`` is False where a document says nothing of versions. ``unlike``: versions that are excepted."""

    stated: bool = True
    every: bool = False
    intervals: tuple[Interval, ...] = ()
    unlike: tuple[str, ...] = ()
    condition: str = ""
    problem: str = ""


_V = (
    r"(?:v\s?|r\s)?[a-z]{0,4}[.\-]?\d[\w.\-+]*(?:\*)?"
    r"(?:\s+(?:sp|hf|sr|mr build|build|mr|p|s|rev)[\s.]*\d[\w.]*)?"
)
_NEWER = r"(?:later|newer|above|higher|onwards?|up|after)"
_OLDER = r"(?:prior|earlier|older|lower|below|before|previous)"
_FILLER = re.compile(
    r"\b(?:the|all|any|software|firmware|sw|fw|versions?|ver|releases?|inclusive|including|only)\b\.?:?"
)
_EVERY = re.compile(
    r"(?:\*|all|any|every|all (?:known |released |supported )?versions?|any versions?|all (?:models|releases|units)"
    r"|vers:[a-z]+/\*)"
)
_DAY = re.compile(r"\d{1,2}[-/.]?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*(?:[-/.]?\d+)?")
_LONGEST = 1000
_WILD = re.compile(r"(?:\.[x*])+$")
_Make = Callable[["re.Match[str]"], Interval]
_SINGLE: tuple[tuple[re.Pattern[str], _Make], ...] = (
    (re.compile(rf"(?:<=|≤|=<)\s*({_V})"), lambda m: Interval(high=m[1])),
    (re.compile(rf"<\s*({_V})"), lambda m: Interval(high=m[1], high_in=False)),
    (re.compile(rf"(?:>=|≥|=>)\s*({_V})"), lambda m: Interval(low=m[1])),
    (re.compile(rf">\s*({_V})"), lambda m: Interval(low=m[1], low_in=False)),
    (re.compile(rf"(?:from\s+)?({_V})\s*(?:through|thru|to|until|–|—|\s-\s)\s*(?:up to\s+)?({_V})"),
     lambda m: Interval(low=m[1], high=m[2])),
    (re.compile(rf"between\s+({_V})\s+and\s+({_V})"), lambda m: Interval(low=m[1], high=m[2])),
    (re.compile(r"rev\w*\.?\s+([a-z])\s*-\s*([a-z])"), lambda m: Interval(low=m[1], high=m[2])),
    (re.compile(rf"(?:up to and|up to|through|until|≤)\s+({_V})"), lambda m: Interval(high=m[1])),
    (re.compile(rf"({_V})\s*(?:,|\(|/)?\s*(?:and|or)(?:\s+all)?\s+{_OLDER}\)?"), lambda m: Interval(high=m[1])),
    (re.compile(rf"({_V})\s*(?:,|\(|/)?\s*(?:and|or)(?:\s+all)?\s+{_NEWER}\)?"), lambda m: Interval(low=m[1])),
    (re.compile(rf"(?:{_OLDER}(?:\s+(?:to|than))?|less than)\s+({_V})"), lambda m: Interval(high=m[1], high_in=False)),
    (re.compile(rf"(?:later than|newer than|after|above|greater than|higher than)\s+({_V})"),
     lambda m: Interval(low=m[1], low_in=False)),
    (re.compile(r"(?:[vr]\s?)?([a-z]{0,3}\d+(?:\.\d+)*)(?:\.[x*])+"), lambda m: Interval(low=m[1], family=True)),
    (re.compile(r"(\d+(?:\.\d+)*)\+"), lambda m: Interval(low=m[1])),
    (re.compile(rf"=*\s*({_V})"), lambda m: Interval(low=m[1], high=m[1])),
    (re.compile(r"([a-z])"), lambda m: Interval(low=m[1], high=m[1])),
)  # fmt: skip


def parse(text: str) -> Range:
    """The range that a text states. Never raises."""
    body = " ".join(text.casefold().split()).replace("service pack", "sp")
    if not body:
        return Range(stated=False)
    if len(body) > _LONGEST:
        return Range(problem="this version statement is too long to be one")
    if body == "-":
        return Range(problem="the document names no version: “-”")
    if _EVERY.fullmatch(body):
        return Range(every=True)
    if body.startswith("vers:"):
        return _vers(body)
    body, condition = _aside(body)
    some = re.match(r"(?:\*|all versions)\s+(?=(?:on|with|running|for|when|used|using|if|in)\b)", body)
    if some:
        return Range(every=True, condition="; ".join(part for part in (body[some.end() :], condition) if part))
    if _EVERY.fullmatch(body):
        return Range(every=True, condition=condition)
    found = _union(body)
    if found is None:
        found, more = _leading(body)
        condition = " ".join(part for part in (more, condition) if part)
    if found is None:
        return Range(problem=f"this version statement cannot be read: “{text.strip()}”")
    return Range(intervals=_paired(found), condition=condition)


def _aside(body: str) -> tuple[str, str]:
    """A statement without its remarks in brackets, and those."""
    if re.fullmatch(r"\([^()]*\)", body):
        return body[1:-1].strip(), ""
    asides: list[str] = []
    depth, kept, start = 0, "", 0
    for at, char in enumerate(body):
        if char == "(":
            if depth == 0:
                start = at
            depth += 1
        elif char == ")" and depth:
            depth -= 1
            if depth == 0:
                asides.append(body[start + 1 : at])
        elif depth == 0:
            kept += char
    if depth:
        asides.append(body[start + 1 :])
    asides = [one.strip() for one in asides if not re.fullmatch(r"\s*(?:inclusive|included|all)\s*", one)]
    return " ".join(kept.split()), "; ".join(asides)


def _union(body: str) -> list[Interval] | None:
    """Every part of a list as an interval, None where one part is none."""
    whole = _single(body)
    if whole is not None:
        return [whole]
    found: list[Interval] = []
    for part in re.split(r"\s*(?:\||;|,|&|\s(?:and|or)\s)\s*(?:and\s|or\s)?", body):
        if not part:
            continue
        one = _single(part)
        numbers = _FILLER.sub(" ", part).split()
        if one is None and numbers and all(re.fullmatch(r"\d+(?:\.\w+)+", number) for number in numbers):
            found += [Interval(low=number, high=number) for number in numbers]
            continue
        if one is None:
            return None
        found.append(one)
    return found or None


def _single(part: str) -> Interval | None:
    part = " ".join(_FILLER.sub(" ", part).split()).strip(" ,.:")
    for pattern, make in _SINGLE:
        match = pattern.fullmatch(part)
        if match and all(_is_version(bound) for bound in match.groups() if bound):
            return _wild(make(match))
    return None


def _wild(one: Interval) -> Interval:
    """A bound that ends with a wildcard (``<= 12.2.x``) is one of a family."""
    low, high = _WILD.sub("", one.low), _WILD.sub("", one.high)
    return msgspec.structs.replace(one, low=low, high=high, family=one.family or high != one.high)


def _is_version(text: str) -> bool:
    return order.looks_like_version(text) and not _DAY.fullmatch(text)


def _leading(body: str) -> tuple[list[Interval] | None, str]:
    """A statement at the beginning, and what follows as a condition (``<= 11.2 on windows 8.1``)."""
    match = re.match(
        rf"((?:<=|>=|<|>|=)\s*{_V}|{_V})\s+(?=(?:on|with|model|running|for|when|used|using|if|in)\b)", body
    )
    if match:
        found = _single(match[1].strip())
        if found is not None:
            return [found], body[match.end() :]
    return None, ""


def _paired(found: list[Interval]) -> tuple[Interval, ...]:
    """A lower bound followed by an upper one of the same scheme is one interval (``>= 1.0 | <= 1.6``)."""
    result: list[Interval] = []
    for one in found:
        last = result[-1] if result else None
        if (last and last.low and not last.high and not last.family and one.high and not one.low
                and order.alike(last.low, one.high)):  # fmt: skip
            result[-1] = Interval(low=last.low, low_in=last.low_in, high=one.high, high_in=one.high_in)
        else:
            result.append(one)
    return tuple(result)


def _vers(body: str) -> Range:
    """The version range specifier of package-url (VERS): ``vers:<scheme>/<comparators>``."""
    parts = [unquote(part).strip() for part in body.partition("/")[2].split("|")]
    unlike: list[str] = []
    found: list[Interval] = []
    for part in parts:
        match = re.fullmatch(r"(!=|<=|>=|<|>|=)?\s*(\S.*)", part)
        if not match:
            return Range(problem=f"this version statement cannot be read: “{body}”")
        sign, version = match.groups()
        if version == "*":
            return Range(every=True)
        if sign == "!=":
            unlike.append(version)
        elif sign in ("<", "<="):
            found.append(Interval(high=version, high_in=sign == "<="))
        elif sign in (">", ">="):
            found.append(Interval(low=version, low_in=sign == ">="))
        else:
            found.append(Interval(low=version, high=version))
    return Range(every=not found, intervals=_paired(found), unlike=tuple(unlike))


def within(version: str, said: Range) -> bool | None:
    """Whether a version is in a range; None where that cannot be said. A condition is not looked at."""
    if said.problem or not said.stated:
        return None
    if not version.strip():
        return True if said.every and not said.unlike else None
    mark = order.key(version)
    if any(order.key(one) == mark for one in said.unlike):
        return False
    if said.every:
        return True
    answers = [_inside(version, mark, one) for one in said.intervals]
    if True in answers:
        return True
    return None if None in answers else False


def _inside(version: str, mark: order.Key, one: Interval) -> bool | None:
    bounds = [bound for bound in (one.low, one.high) if bound]
    if any(order.key(bound) == mark for bound in bounds):
        return (order.key(one.low) != mark or one.low_in) and (order.key(one.high) != mark or one.high_in)
    if not all(order.alike(version, bound) for bound in bounds):
        return None
    if one.family:
        start = order.key(one.low or one.high)[:-1]
        head = mark[: len(start)]
        if not one.high:
            return head == start
        return head < start or (one.high_in and head == start)
    if one.low and mark < order.key(one.low):
        return False
    return not (one.high and mark > order.key(one.high))


def text(said: Range) -> str:
    """A range in one spelling, for people."""
    if said.problem:
        return said.problem
    if not said.stated:
        return ""
    body = "all versions" if said.every else " or ".join(one.text for one in said.intervals)
    body += "".join(f", not {one}" for one in said.unlike)
    return f"{body} ({said.condition})" if said.condition else body
