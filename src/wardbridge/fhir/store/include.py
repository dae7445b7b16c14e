"""What ``_include`` and ``_revinclude`` add to a page (R4 search §3.1.1.5.3): round after round for ``:iterate``.

A round follows the references of what the round before has brought, each resource once, until nothing new comes or a
bound is met; the page then says that it was cut.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wardbridge.fhir.definitions.search import search_parameters
from wardbridge.fhir.search.hash import reference_hash
from wardbridge.fhir.search.query import Include
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.select import Select

INCLUDE_LIMIT = 1000
"""Most resources that one page takes in by ``_include`` and ``_revinclude``; the page says when there are more."""
ROUNDS = 30
"""Most rounds of ``:iterate``."""

Fetch = Callable[[Select], Awaitable[list[Any]]]
"""Runs a statement within the time of the search."""


@dataclass(frozen=True)
class Found:
    """A resource at which an include begins or ends."""

    key: int
    type: str
    id: str


async def included(
    fetch: Fetch, numbers: Numbers, includes: Sequence[Include], matches: Sequence[Found]
) -> tuple[list[int], bool]:
    """(keys of what is added, without the matches; whether some were left out)."""
    seen = {one.key for one in matches}
    fresh = list(matches)
    keys: list[int] = []
    wanted = tuple(includes)
    for at in range(ROUNDS + 1):
        if at:
            wanted = tuple(one for one in includes if one.iterate)
        if not wanted or not fresh:
            return keys, False
        found: dict[int, Found] = {}
        for include in wanted:
            for select in _selects(numbers, include, fresh):
                rows = await fetch(select)
                found.update((row["key"], Found(row["key"], numbers.names[row["type"]], row["id"])) for row in rows)
            if include.reverse and (named := _urls(numbers, include, fresh)) is not None:
                urls = [row["value"] for row in await fetch(named)]
                rows = await fetch(_naming(numbers, include, urls)) if urls else []
                found.update((row["key"], Found(row["key"], numbers.names[row["type"]], row["id"])) for row in rows)
        fresh = [one for key, one in sorted(found.items()) if key not in seen]
        room = INCLUDE_LIMIT - len(keys)
        keys.extend(one.key for one in fresh[:room])
        seen.update(one.key for one in fresh)
        if len(fresh) > room:
            return keys, True
    return keys, bool(fresh)


def _selects(numbers: Numbers, include: Include, fresh: Sequence[Found]) -> list[Select]:
    if include.reverse:
        return _reverse(numbers, include, fresh)
    keys = [one.key for one in fresh if not include.source or one.type == include.source]
    if not keys:
        return []
    return [_forward(numbers, include, keys), *_canonical(numbers, include, keys)]


def _sources(numbers: Numbers, include: Include) -> list[int]:
    """Numbers of the parameters that an include follows."""
    if include.code != "*":
        return [numbers.parameter(include.source, include.code)]
    return numbers.references(include.source)


def _forward(numbers: Numbers, include: Include, keys: list[int]) -> Select:
    target = numbers.types[include.target] if include.target else None
    return Select(
        f"""SELECT DISTINCT r.key, r.type, r.id FROM fhir_reference x
            JOIN fhir_resource r ON r.type = x.target AND r.id = x.value AND NOT r.deleted
            WHERE x.key = ANY($1::bigint[]) AND x.parameter = ANY($2::smallint[])
              AND ($3::smallint IS NULL OR x.target = $3::smallint) LIMIT {INCLUDE_LIMIT + 1}""",
        [keys, _sources(numbers, include), target],
    )


def _named_types(numbers: Numbers, include: Include) -> list[str]:
    """The types among an include's targets that are referred to by a canonical URL."""
    if include.target:
        targets: Sequence[str] = (include.target,)
    elif include.code != "*":
        targets = search_parameters(include.source)[include.code].targets
    else:
        targets = tuple(numbers.types)
    return [name for name in targets if numbers.parameters((name,), "url")]


def _canonical(numbers: Numbers, include: Include, keys: list[int]) -> list[Select]:
    """By canonical URL, in the version that is named, if one is (R4 references.html#canonical)."""
    types = _named_types(numbers, include)
    if not types:
        return []
    return [
        Select(
            f"""SELECT DISTINCT r.key, r.type, r.id FROM fhir_reference x
                JOIN fhir_uri u ON u.value = x.value AND u.parameter = ANY($3::smallint[])
                JOIN fhir_resource r ON r.key = u.key AND NOT r.deleted
                WHERE x.key = ANY($1::bigint[]) AND x.parameter = ANY($2::smallint[]) AND x.target IS NULL
                  AND (x.version IS NULL OR EXISTS (SELECT 1 FROM fhir_token t WHERE t.key = u.key
                       AND t.parameter = ANY($4::smallint[]) AND t.code = lower(x.version)))
                LIMIT {INCLUDE_LIMIT + 1}""",
            [
                keys,
                _sources(numbers, include),
                numbers.parameters(types, "url"),
                numbers.parameters(types, "version"),
            ],
        )
    ]


def _reverse(numbers: Numbers, include: Include, fresh: Sequence[Found]) -> list[Select]:
    named = [one for one in fresh if not include.target or one.type == include.target]
    if not named:
        return []
    return [
        Select(
            f"""SELECT DISTINCT r.key, r.type, r.id FROM fhir_reference x JOIN fhir_resource r ON r.key = x.key
                WHERE x.parameter = ANY($1::smallint[]) AND x.hash = ANY($2::bigint[])
                  AND (x.target, x.value) IN (SELECT * FROM unnest($3::smallint[], $4::text[])) AND NOT r.deleted
                LIMIT {INCLUDE_LIMIT + 1}""",
            [
                _sources(numbers, include),
                [reference_hash(one.type, one.id) for one in named],
                [numbers.types[one.type] for one in named],
                [one.id for one in named],
            ],
        )
    ]


def _urls(numbers: Numbers, include: Include, fresh: Sequence[Found]) -> Select | None:
    """The canonical URLs of those that can be named so."""
    types = set(_named_types(numbers, include))
    keys = [one.key for one in fresh if one.type in types]
    if not keys:
        return None
    return Select(
        "SELECT value FROM fhir_uri WHERE key = ANY($1::bigint[]) AND parameter = ANY($2::smallint[])",
        [keys, numbers.parameters(sorted(types), "url")],
    )


def _naming(numbers: Numbers, include: Include, urls: list[str]) -> Select:
    return Select(
        f"""SELECT DISTINCT r.key, r.type, r.id FROM fhir_reference x JOIN fhir_resource r ON r.key = x.key
            WHERE x.parameter = ANY($1::smallint[]) AND x.hash = ANY($2::bigint[]) AND x.value = ANY($3::text[])
              AND x.target IS NULL AND NOT r.deleted LIMIT {INCLUDE_LIMIT + 1}""",
        [_sources(numbers, include), [reference_hash("", url) for url in urls], urls],
    )
