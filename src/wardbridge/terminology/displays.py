"""Whether the display that was sent is one of the concept's, in the languages that were asked for."""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.terminology.issues import Issue, Severity, issue
from wardbridge.terminology.languages import Languages, Name, names, speaks
from wardbridge.terminology.values import Concept, Designation, Head


def check(
    sent: str,
    concept: Concept,
    head: Head,
    languages: Languages,
    where: str,
    *,
    lenient: bool = False,
    extra: Sequence[Designation] = (),
    own: str = "",
) -> Issue | None:
    """The issue with a display, None where it is right. ``lenient``: a wrong one is only warned of."""
    severity: Severity | None = "warning" if lenient else None
    every = names(concept, head, extra, own)
    if not every:
        return issue("NO_VALID_DISPLAY_AT_ALL", sent, head.url, concept.code, where=where)
    asked = languages.text if languages else "--"
    fitting = [n for n in every if not n.language or _asked(n.language, languages)] if languages else every
    if any(_same(sent, n.text) for n in fitting):
        return None
    old = [d for d in (*concept.designations, *extra) if d.withdrawn and _same(sent, d.value)]
    if old:
        right = " or ".join(f'"{n.text}"' for n in (fitting or every))
        return issue("INACTIVE_DISPLAY_FOUND", sent, concept.code, "deprecated", right, where=where)
    if not fitting:
        base = [n for n in every if n.language == head.language]
        kind = "OK" if any(_same(sent, n.text) for n in base) else "ERR"
        return issue(
            f"NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_{kind}", sent, head.url, concept.code, every[0].text, asked,
            where=where, severity=severity if kind == "ERR" else None,
        )  # fmt: skip
    spaced = any(_spaced(sent) == _spaced(n.text) for n in fitting)
    space = "_WS" if spaced else ""
    kind = f"Display_Name{space}_for__should_be_one_of__instead_of"
    return issue(kind, sent, head.url, concept.code, _choices(fitting), asked, where=where, severity=severity)


def fits(sent: str, concept: Concept, head: Head, extra: Sequence[Designation] = (), own: str = "") -> bool:
    """Whether it is a display of the concept in any language."""
    return any(_same(sent, n.text) for n in names(concept, head, extra, own))


def _asked(tag: str, languages: Languages) -> bool:
    return any(speaks(tag, r) for r in languages.ranges if r != "*")


def _same(one: str, other: str) -> bool:
    return one == other or one.casefold() == other.casefold()


def _spaced(text: str) -> str:
    return " ".join(text.split()).casefold()


def _choices(fitting: Sequence[Name]) -> str:
    told = [f"'{n.text}'" + (f" ({n.language})" if n.language else "") for n in fitting]
    if len(told) == 1:
        return told[0]
    return f"one of {len(told)} choices: {', '.join(told[:-1])} or {told[-1]}"
