"""The record as the shelf of profiles: every process sees a StructureDefinition as soon as it is written.

Whether anything has changed is one small index scan, asked at most every ``seconds``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from wardbridge.core.clock import Clock
from wardbridge.fhir.json import loads
from wardbridge.fhir.packages.store import stamp
from wardbridge.fhir.packages.versions import order
from wardbridge.fhir.store.record import Record

TYPES = ("StructureDefinition", "Questionnaire")
_PAGE = 200


class RecordShelf:
    """StructureDefinitions and Questionnaires of a record by canonical URL."""

    def __init__(self, record: Record, clock: Clock, seconds: float = 1.0) -> None:
        self._record = record
        self._clock = clock
        self._pause = int(seconds * 1_000_000)
        self._next = 0
        self._stamp: tuple[int, ...] | None = None

    async def changed(self) -> bool:
        """Whether a definition was written or deleted since this last said so."""
        now = self._clock.now()
        if now < self._next:
            return False
        self._next = now + self._pause
        found = await stamp(self._record.pool, [self._record.numbers.types[name] for name in TYPES])
        if found == self._stamp:
            return False
        first, self._stamp = self._stamp is None, found
        return not first

    async def definitions(self, urls: Iterable[str], /) -> list[dict[str, Any]]:
        """What there is for canonical URLs; of several versions of one URL the one to be used comes last."""
        names = sorted({url.partition("|")[0] for url in urls})
        out: list[dict[str, Any]] = []
        for at in range(0, len(names), _PAGE):
            text = ",".join(escaped(name) for name in names[at : at + _PAGE])
            for name in TYPES:
                query = self._record.query([name], [("url", text), ("_count", "100")])
                while True:
                    page = await self._record.search(query)
                    out += [loads(stored.body) for stored in page.matches if stored.body is not None]
                    if not page.cursor:
                        break
                    query = replace(query, cursor=page.cursor)
        return sorted(out, key=lambda row: (row.get("status") != "retired", order(row.get("version"))))


def escaped(value: str) -> str:
    for sign in ("\\", ",", "$", "|"):
        value = value.replace(sign, f"\\{sign}")
    return value
