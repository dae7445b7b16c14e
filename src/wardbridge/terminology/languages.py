"""Languages of displays: what was asked for (RFC 9110 Accept-Language, RFC 4647), and which display answers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wardbridge.terminology.values import Concept, Designation, Head

PREFERRED = {
    "system": "http://terminology.hl7.org/CodeSystem/hl7TermMaintInfra",
    "code": "preferredForLanguage",
    "display": "Preferred For Language",
}
"""The use of a system's own display where it is told as a designation."""


@dataclass(frozen=True)
class Languages:
    """``ranges`` best first, '*' for any; ``text`` as it was asked for; ``strict``: nothing but these."""

    ranges: tuple[str, ...] = ()
    text: str = ""
    strict: bool = False

    def __bool__(self) -> bool:
        return any(r != "*" for r in self.ranges)


def parse(text: str) -> Languages:
    """Ranges by weight. ``*; q=0`` shuts out all others."""
    weighted: list[tuple[float, int, str]] = []
    strict = False
    for at, part in enumerate(text.split(",")):
        range_, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        if range_ == "*" and weight == 0:
            strict = True
        elif range_ and weight > 0:
            weighted.append((-weight, at, range_))
    return Languages(tuple(range_ for _, _, range_ in sorted(weighted)), text, strict)


def speaks(tag: str, range_: str) -> bool:
    """Whether a language tag answers a range: equal, more precise (de-CH for de), or less (de for de-CH)."""
    if range_ == "*":
        return True
    tag, range_ = tag.casefold(), range_.casefold()
    return tag == range_ or tag.startswith(range_ + "-") or range_.startswith(tag + "-")


@dataclass(frozen=True)
class Display:
    """``text`` is '' where none is to be shown; ``rest`` are the designations beside it."""

    text: str
    rest: tuple[Designation, ...]
    language: str = ""


def choose(
    concept: Concept, head: Head, languages: Languages, extra: Sequence[Designation] = (), own: str = ""
) -> Display:
    """The display of a concept in the languages asked for. ``own`` is a display that a value set gives instead."""
    base = own or concept.display
    every = (*concept.designations, *extra)
    if not languages:
        return Display(base, every, head.language)
    for range_ in languages.ranges:
        if range_ == "*" or (base and head.language and speaks(head.language, range_)):
            return Display(base, every, head.language)
        fitting = [d for d in every if d.language and d.is_display and not d.withdrawn and speaks(d.language, range_)]
        if fitting:
            best = max(fitting, key=lambda d: (d.language.casefold() == range_.casefold(), -len(d.language)))
            return Display(best.value, (_base(base, head), *(d for d in every if d is not best)), best.language)
        if base and not head.language:
            return Display(base, every, "")
    if languages.strict:
        return Display("", (_base(base, head), *every))
    return Display(base, every, head.language)


def _base(text: str, head: Head) -> Designation:
    """The display of the system itself as a designation beside another that is shown."""
    return Designation(text, head.language, PREFERRED)


@dataclass(frozen=True)
class Name:
    text: str
    language: str


def names(concept: Concept, head: Head, extra: Sequence[Designation] = (), own: str = "") -> list[Name]:
    """Every display that a concept may be sent with, its first one first."""
    found = [Name(text, head.language) for text in (concept.display, own) if text]
    found += [Name(d.value, d.language) for d in (*concept.designations, *extra) if d.is_display and not d.withdrawn]
    return list(dict.fromkeys(found))
