"""Small numbers for resource types and search parameters, given by the database once and for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from wardbridge.core.db import Connection, Pool
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.search.extract import Extractor, parameters


class Numbers:
    """The numbers of this database, read at :meth:`load`, which adds those that are new."""

    def __init__(self, *, text: bool = True) -> None:
        self.text = text
        """Whether full text is kept."""
        self.types: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self._parameters: dict[tuple[str, str], int] = {}
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
            async with pool.acquire() as conn:
                await self._fill(conn)

    async def _fill(self, conn: Connection) -> None:
        wanted = [
            (name, code, parameter.url)
            for name in sorted(resource_types())
            for code, parameter in sorted(parameters(name).items())
        ]
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
        self._parameters = {(t, c): n for (t, c, url), n in known.items() if (t, c, url) in live}
        self.names = {number: name for name, number in types.items()}
        self.types = types

    @staticmethod
    async def _read(conn: Connection) -> tuple[dict[str, int], dict[tuple[str, str, str], int]]:
        types = await conn.fetch("SELECT name, number FROM fhir_type")
        known = await conn.fetch("SELECT type, code, url, number FROM fhir_parameter")
        return (
            {row["name"]: row["number"] for row in types},
            {(row["type"], row["code"], row["url"]): row["number"] for row in known},
        )

    def parameter(self, type_name: str, code: str) -> int:
        """The number of a parameter on one type. Raises KeyError."""
        return self._parameters[type_name, code]

    def parameters(self, types: Iterable[str], code: str) -> list[int]:
        """The numbers of a parameter on these types (none given: on every type that has it)."""
        wanted = list(types) or list(self.types)
        return [n for name in wanted if (n := self._parameters.get((name, code))) is not None]

    def targets(self, type_name: str, code: str) -> tuple[str, ...]:
        """The types that a reference parameter can lead to. Raises KeyError."""
        return parameters(type_name)[code].targets

    def extractor(self, type_name: str) -> Extractor:
        """The compiled extraction of a type, with these numbers."""
        found = self._extractors.get(type_name)
        if found is None:
            found = Extractor(type_name, lambda code: self._parameters[type_name, code], text=self.text)
            self._extractors[type_name] = found
        return found

    def references(self, type_name: str) -> list[int]:
        """The numbers of all reference parameters of a type ('': of every type)."""
        found = self._references.get(type_name)
        if found is None:
            found = [
                number
                for (name, code), number in self._parameters.items()
                if (not type_name or name == type_name) and parameters(name)[code].type == "reference"
            ]
            self._references[type_name] = found
        return found
