"""Acknowledgements: which are due (MSH-15, MSH-16) and what they look like.

HL7 v2.9 section 2.9.2 (original mode) and 2.9.3 (enhanced mode), tables 0008 and 0155; IHE PCD TF-2 B.2.

| MSH-15 | MSH-16 | answer                                                       |
|--------|--------|--------------------------------------------------------------|
| empty  | empty  | one AA, AE or AR (original mode)                             |
| AL     | NE     | one CA, CE or CR                                             |
| NE     | AL     | one AA, AE or AR                                             |
| AL     | AL     | CA, CE or CR first; AA, AE or AR follows what was accepted   |
| NE     | NE     | none                                                         |

ER asks only for bad news, SU only for good. An acknowledgement is never acknowledged, except that
MSH-15 may ask for an accept acknowledgement of an application one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import Literal

import msgspec

from wardbridge.exchange.codecs.hl7v2.build import Field, Verbatim, segment
from wardbridge.exchange.codecs.hl7v2.dtm import format_dtm
from wardbridge.exchange.codecs.hl7v2.errors import TABLE_0357, UNSUPPORTED_MESSAGE, Problem
from wardbridge.exchange.codecs.hl7v2.msh import Msh
from wardbridge.exchange.codecs.hl7v2.separators import STANDARD

Result = Literal["accept", "error", "reject"]
Level = Literal["accept", "application"]
MAX_ERRORS = 10

_CODES: dict[Level, dict[Result, str]] = {
    "accept": {"accept": "CA", "error": "CE", "reject": "CR"},
    "application": {"accept": "AA", "error": "AE", "reject": "AR"},
}
_CONDITIONS: dict[str, tuple[Result, ...]] = {
    "AL": ("accept", "error", "reject"),
    "ER": ("error", "reject"),
    "SU": ("accept",),
    "NE": (),
    "": (),
}


class Disposition(msgspec.Struct, frozen=True):
    """What became of a message.

    `accept`: `accept` only once it is committed; `error` where it could not be stored; `reject` where
    its type, version or header is refused. `application`: what the application made of its content;
    None where the answer would be a message of another type that is not given here (an order's RRG, a
    query's RSP). `problems` go into ERR segments. `hold` closes the connection without an answer, so
    that the sender repeats (storage away).
    """

    accept: Result = "accept"
    application: Result | None = "accept"
    problems: tuple[Problem, ...] = ()
    hold: bool = False


class Ack(msgspec.Struct, frozen=True):
    """One acknowledgement that is due: its code of table 0008 and the problems it names."""

    code: str
    level: Level
    problems: tuple[Problem, ...] = ()


def plan_acks(msh: Msh, disposition: Disposition) -> list[Ack]:
    """The acknowledgements that MSH-15 and MSH-16 ask for, in the order to send them."""
    accept, application = disposition.accept, disposition.application
    problems = disposition.problems
    plain_ack = msh.type == "ACK"
    enhanced = bool(msh.accept_ack or msh.application_ack)
    acks = []
    if enhanced and accept in _CONDITIONS.get(msh.accept_ack, _CONDITIONS["AL"]):
        acks.append(_ack("accept", accept, problems))
    if plain_ack:
        return acks
    result: Result = accept
    if accept == "accept":
        if application is None:
            if acks:
                return acks
            result = "reject"
            problems = (
                *problems,
                Problem("this message type is not answered here", "MSH[1]-9", UNSUPPORTED_MESSAGE),
            )
        else:
            result = application
    elif acks:
        return acks  # refused at the door: nothing reached the application
    if not enhanced or result in _CONDITIONS.get(msh.application_ack, _CONDITIONS["AL"]):
        acks.append(_ack("application", result, problems))
    return acks


def _ack(level: Level, result: Result, problems: tuple[Problem, ...]) -> Ack:
    return Ack(_CODES[level][result], level, problems if result != "accept" else ())


def build_ack(
    msh: Msh,
    ack: Ack,
    control_id: str,
    now: int,
    application: str = "WARDBRIDGE",
    zone: tzinfo = UTC,
) -> bytes:
    """The acknowledgement as bytes, in the message's own version, separators and charset.

    `control_id` is our MSH-10, `now` our time in microseconds since 1970 UTC. Sender and receiver are
    swapped; where the message names no receiver, `application` signs.
    """
    marks = msh.separators
    version = version_of(msh)
    kind = ["ACK", msh.trigger, "ACK"]
    if version < (2, 3, 1) or not msh.trigger:
        kind.pop()
    if not msh.trigger:
        kind.pop()
    enhanced = bool(msh.accept_ack or msh.application_ack)
    header: dict[int, Field] = {
        1: Verbatim(marks.msh2),
        2: Verbatim(msh.raw(5)) if msh.raw(5) else application,
        3: Verbatim(msh.raw(6)),
        4: Verbatim(msh.raw(3)),
        5: Verbatim(msh.raw(4)),
        6: format_dtm(now, zone),
        8: tuple(kind),
        9: control_id,
        10: Verbatim(msh.raw(11)) if msh.raw(11) else "P",
        11: Verbatim(msh.raw(12)) if msh.raw(12) else "2.5",
        14: "NE" if enhanced else "",
        15: "NE" if enhanced else "",
        17: Verbatim(msh.raw(18)),
    }
    text = ack.problems[0].what if ack.problems and version < (2, 5) else ""
    rows = [
        segment("MSH", header, marks),
        segment("MSA", {1: ack.code, 2: Verbatim(msh.control_id), 3: text}, marks),
    ]
    rows += (_err(problem, version, msh) for problem in ack.problems[:MAX_ERRORS])
    return ("\r".join(rows) + "\r").encode(msh.codec, "replace")


_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-(\d+))?")


def _err(problem: Problem, version: tuple[int, ...], msh: Msh) -> str:
    found = _PLACE.match(problem.where)
    name, nth, field = found.groups("") if found else ("", "", "")
    place = (name, (nth or "1") if name else "", field)
    meaning = TABLE_0357.get(problem.code, "")
    if version < (2, 5):
        coded = (problem.code, meaning, "HL70357")
        return segment("ERR", {1: (*place, coded)}, msh.separators)
    return segment(
        "ERR",
        {
            2: place,
            3: (problem.code, meaning, "HL70357"),
            4: "E",
            7: problem.where,
            8: problem.what,
        },
        msh.separators,
    )


def version_of(msh: Msh) -> tuple[int, ...]:
    """MSH-12.1 as numbers, (2, 5) where it says nothing readable."""
    parts = msh.version.strip().split(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 4 for part in parts):
        return (2, 5)
    return tuple(int(part) for part in parts)


NO_HEADER = Msh(("MSH", "|", STANDARD.msh2))
"""Stands in for the header of bytes that have none, so that their sender still gets an answer."""


class Answer(msgspec.Struct, frozen=True):
    """A received acknowledgement: MSA-1, MSA-2, MSA-3 and the texts of its ERR segments."""

    code: str
    control_id: str
    text: str = ""
    errors: Sequence[str] = ()

    @property
    def level(self) -> Level:
        """Whether it speaks for storage (C.) or for the application (A.)."""
        return "accept" if self.code.startswith("C") else "application"

    @property
    def result(self) -> Result:
        """CA, AA: accept; CE, AE: error; else reject."""
        return {"A": "accept", "E": "error"}.get(self.code[1:2], "reject")  # type: ignore[return-value]
