"""Small numbers for resource types and search parameters, given by the database once and for ever.

With them a process holds the rules of the index as they are now: the custom parameters, and which of them can be
searched by already. It looks again twice a second (:meth:`Numbers.follow`), and when a write says that they changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog

from wardbridge.core.clock import Clock
from wardbridge.core.db import AWAY, Connection, Pool
from wardbridge.core.errors import Unavailable
from wardbridge.fhir.definitions.search import SearchParameter, set_custom
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.search.extract import Extractor, parameters
from wardbridge.fhir.store import rules
from wardbridge.fhir.store.rules import Custom, TypeRules

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
LEASE_SECONDS = 5.0
"""How long what was read of custom parameters may be relied on."""
SINCE_VERSION = {"near": 2, "_text": 2, "_content": 2}
"""Parameters that came with a later version of the index: not to be searched before older resources have them."""


class NotReady(Unavailable):
    """A parameter whose rows are still being made (503): an answer would leave resources out."""

    code = "transient"


class Numbers:
    """The numbers of this database, read at :meth:`load`, which adds those that are new."""

    def __init__(self, clock: Clock, *, text: bool = True) -> None:
        self.text = text
        """Whether full text is kept."""
        self.types: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self.rules: dict[str, int] = {}
        """By type: the rules by which rows are to be made."""
        self.progress: dict[str, TypeRules] = {}
        self._clock = clock
        self._read_at = 0.0
        self._published: dict[tuple[str, str], int] = {}
        self._custom: dict[tuple[str, str], Custom] = {}
        self._extractors: dict[str, Extractor] = {}
        self._references: dict[str, list[int]] = {}
        self._loading = asyncio.Lock()

    async def load(self, pool: Pool) -> None:
        """Read the numbers; idempotent and safe in several processes at once."""
        if self.types:
            return
        async with self._loading:
            if self.types:
                return
            async with pool.acquire() as conn, conn.transaction():
                await self._fill(conn)

    async def _fill(self, conn: Connection) -> None:
        wanted = [
            (name, code, parameter.url)
            for name in sorted(resource_types())
            for code, parameter in sorted(parameters(name).items())
        ]
        await rules.lock(conn)
        types, known = await self._read(conn)
        if any(name not in types for name in resource_types()):
            await conn.execute(
                "INSERT INTO fhir_type (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
                sorted(resource_types()),
            )
        if any(item not in known for item in wanted):
            missing = [item for item in wanted if item not in known]
            await conn.execute(
                """INSERT INTO fhir_parameter (type, code, url)
                   SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING""",
                *map(list, zip(*missing, strict=True)),
            )
        types, known = await self._read(conn)
        live = set(wanted)
        self._published = {(t, c): n for (t, c, url), n in known.items() if (t, c, url) in live}
        self.names = {number: name for name, number in types.items()}
        await rules.settle(conn, types)
        await self.refresh(conn)
        self.types = types

    @staticmethod
    async def _read(conn: Connection) -> tuple[dict[str, int], dict[tuple[str, str, str], int]]:
        types = await conn.fetch("SELECT name, number FROM fhir_type")
        known = await conn.fetch("SELECT type, code, url, number FROM fhir_parameter")
        return (
            {row["name"]: row["number"] for row in types},
            {(row["type"], row["code"], row["url"]): row["number"] for row in known},
        )

    async def refresh(self, db: Connection | Pool) -> None:
        """The rules as they are now."""
        read_at = self._clock.monotonic()
        found = {self.names[row.type]: row for row in await rules.read(db)}
        now = {name: row.rules for name, row in found.items()}
        custom = [one for one in await rules.customs(db) if not one.retired] if now != self.rules else []
        if sum(now.values()) < sum(self.rules.values()):
            return  # somebody else has read newer ones meanwhile
        # With no await from here on: a row is labelled with the rules that made it.
        if now != self.rules:
            for name in [name for name in now if now[name] != self.rules.get(name)]:
                self._extractors.pop(name, None)
            self._references.clear()
            self._custom = {(one.type, one.parameter.code): one for one in custom}
            by_type: dict[str, list[SearchParameter]] = {}
            for one in custom:
                by_type.setdefault(one.type, []).append(one.parameter)
                if "Resource" in one.parameter.base and one.parameter not in by_type.setdefault("Resource", []):
                    by_type["Resource"].append(one.parameter)
            set_custom(by_type)
        self.rules, self.progress, self._read_at = now, found, read_at

    async def follow(self, pool: Pool) -> None:
        """Keep to the rules as they change, for ever."""
        while True:
            try:
                await self.refresh(pool)
            except AWAY as error:
                log.info("rules.not_read", reason=type(error).__name__)
            await self._clock.sleep(LOOK_SECONDS)

    def parameter(self, type_name: str, code: str) -> int:
        """The number of a parameter on one type. Raises KeyError, NotReady."""
        found = self._find(type_name, code)
        if found is None:
            raise KeyError((type_name, code))
        return found

    def parameters(self, types: Iterable[str], code: str) -> list[int]:
        """The numbers of a parameter on these types (none given: on every type that has it). Raises NotReady."""
        wanted = list(types) or list(self.types)
        return [n for name in wanted if (n := self._find(name, code)) is not None]

    def _find(self, type_name: str, code: str) -> int | None:
        number = self._published.get((type_name, code))
        if number is not None:
            if code in SINCE_VERSION:
                self.check(type_name, code)
            return number
        custom = self._custom.get((type_name, code))
        if custom is None:
            return None
        at = self.progress[type_name]
        if at.complete < custom.rules:
            raise NotReady(
                f"the search parameter {code!r} is not ready: {at.percent} % of the {type_name} resources are indexed "
                "by it",
                code,
            )
        if self._clock.monotonic() - self._read_at > LEASE_SECONDS:
            raise NotReady(f"whether the search parameter {code!r} still holds is not known at the moment", code)
        return custom.number

    def check(self, type_name: str, code: str) -> None:
        """Raises NotReady where older resources of the type do not have yet what a later version indexes."""
        at = self.progress[type_name]
        if at.complete_version < SINCE_VERSION[code]:
            raise NotReady(
                f"{code} is not ready: after an upgrade {at.percent} % of the {type_name} resources are indexed by it",
                code,
            )

    def targets(self, type_name: str, code: str) -> tuple[str, ...]:
        """The types that a reference parameter can lead to. Raises KeyError."""
        custom = self._custom.get((type_name, code))
        return custom.parameter.targets if custom else parameters(type_name)[code].targets

    def custom(self) -> list[Custom]:
        """The custom parameters in force, ready or not."""
        return list(self._custom.values())

    def extractor(self, type_name: str) -> Extractor:
        """The compiled extraction of a type by the rules of now, with these numbers."""
        found = self._extractors.get(type_name)
        if found is None:
            own = {one.parameter.code: one for one in self._custom.values() if one.type == type_name}
            found = Extractor(
                type_name,
                lambda code: own[code].number if code in own else self._published[type_name, code],
                [one.parameter for one in own.values()],
                text=self.text,
            )
            self._extractors[type_name] = found
        return found

    def references(self, type_name: str) -> list[int]:
        """The numbers of all reference parameters of a type ('': of every type) that are ready."""
        found = self._references.get(type_name)
        if found is None:
            found = [
                number
                for (name, code), number in self._published.items()
                if (not type_name or name == type_name) and parameters(name)[code].type == "reference"
            ]
            self._references[type_name] = found
        own = [
            one.number
            for one in self._custom.values()
            if one.parameter.type == "reference"
            and type_name in ("", one.type)
            and self.progress[one.type].complete >= one.rules
        ]
        return found + own
