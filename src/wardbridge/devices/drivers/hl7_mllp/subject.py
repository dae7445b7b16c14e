"""The patient and place that a message names, as a hint (PID, PV1; HL7 v2.9 chapter 3).

Devices often name nobody, or somebody else: binding decides what to make of it.
"""

from __future__ import annotations

from wardbridge.devices.drivers.hl7_mllp.memory import Dialect
from wardbridge.devices.values import SubjectHint
from wardbridge.exchange.codecs.hl7v2.separators import Separators

_NOBODY = frozenset({"", '""', "unknown", "unknown patient", "unk", "n/a", "none", "^^^", "noid"})


def hint_of(pid: str, pv1: str, marks: Separators, dialect: Dialect) -> SubjectHint | None:
    """A hint out of the rows PID and PV1 ('' where absent); None where they name nothing.

    Ids are `authority|value`: the authority is PID-3.4 (its universal id where it has one), else the
    identifier type PID-3.5 in angle brackets, else empty.
    """
    if not pid and not pv1:
        return None
    person = pid.split(marks.field) if pid else []
    visit = pv1.split(marks.field) if pv1 else []

    def field(fields: list[str], number: int) -> str:
        return fields[number] if number < len(fields) and fields[number] != '""' else ""

    def first(fields: list[str], number: int) -> str:
        text = field(fields, number)
        return _part(dialect.parts(text)[0], marks) if text else ""

    ids = tuple(_ids(field(person, 3), marks, dialect))
    name = dialect.parts(field(person, 5)) if field(person, 5) else [""]
    family = _part(name[0], marks)
    given = " ".join(part for part in name[1:3] if part and part != '""')
    place = _place(field(visit, 3), dialect, marks)
    unknown = field(person, 31).strip().upper() == "Y" or (bool(pid) and not ids and family.lower() in _NOBODY)
    hint = SubjectHint(
        ids,
        "" if family.lower() in _NOBODY else family,
        given,
        first(person, 7),
        first(person, 8),
        first(visit, 19),
        place,
        unknown,
    )
    empty = not (hint.ids or hint.family or hint.visit or hint.place)
    return None if empty and not unknown else hint


def _part(text: str, marks: Separators) -> str:
    """The first subcomponent, with HL7 null as nothing."""
    text = text.split(marks.subcomponent, 1)[0] if marks.subcomponent else text
    text = text.strip()
    return "" if text == '""' else text


def _ids(text: str, marks: Separators, dialect: Dialect) -> list[str]:
    found = []
    for item in text.split(marks.repetition) if marks.repetition else [text]:
        parts = dialect.parts(item) + [""] * 5
        value = _part(parts[0], marks)
        if value.lower() in _NOBODY:
            continue
        subs = parts[3].split(marks.subcomponent) if marks.subcomponent else [parts[3]]
        authority = (subs[1] if len(subs) > 1 and subs[1] else subs[0]).strip()
        if not authority and parts[4]:
            authority = f"<{parts[4].strip()}>"
        found.append(f"{authority}|{value}")
    return found


def _place(text: str, dialect: Dialect, marks: Separators) -> str:
    """PV1-3 as `unit^room^bed`, '' where all three are empty."""
    if not text:
        return ""
    parts = [_part(part, marks) for part in dialect.parts(text)[:3]]
    while parts and not parts[-1]:
        parts.pop()
    return "^".join(parts)
