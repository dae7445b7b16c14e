"""What the record asks of a terminology service (R4 terminology-service.html), as values and one protocol.

The terminology room answers; the record never holds a value set in memory to ask about one code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class Asked:
    """Is this code in that value set ('' : is it a code of its system at all)? ``system`` '': infer it from the set."""

    valueset: str
    system: str
    code: str
    display: str = ""
    version: str = ""


@dataclass(frozen=True)
class Verdict:
    """``member`` None: cannot be decided (``text`` says why: an unknown value set, a system that is not loaded).

    ``display`` is the preferred one; ``display_fits`` False: the display that was sent is none of the code's.
    """

    member: bool | None
    text: str = ""
    display: str = ""
    display_fits: bool = True


class Terms(Protocol):
    """Answers from what is loaded; each call is a bounded number of indexed look-ups, whatever the size of a set."""

    async def judge(self, asked: Sequence[Asked], /) -> list[Verdict]:
        """A verdict for each question, in order."""
        ...

    async def members(self, valueset: str, /) -> Sequence[tuple[str, str]]:
        """(system, code) of a value set. Raises NotFound (unknown), TooCostly (too many to list)."""
        ...

    async def related(self, system: str, code: str, direction: Literal["above", "below"], /) -> Sequence[str]:
        """The codes that subsume, or are subsumed by, a code; itself included. Raises NotFound."""
        ...
