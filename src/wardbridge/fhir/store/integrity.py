"""Referential integrity: what a resource refers to exists, and what others refer to stays (R4 references.html).

Of a new resource every literal reference counts, wherever it stands. Deletions look at the references that a search
parameter covers, since those are indexed.

Checked in the writer's transaction before it writes. The rows that new references point to are locked as shared, the
row that is to be deleted is locked alone, so a reference and the deletion of its target cannot pass each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.search.hash import reference_hash
from wardbridge.fhir.store.hold import hold
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.values import Delete, Put

Integrity = Literal["off", "write", "full"]
"""``write``: a reference into this record must lead somewhere; ``full``: and its target cannot be deleted."""
_NAMED = 20


class Dangling(Conflict):
    """A reference leads nowhere (422)."""

    status = 422
    code = "not-found"


async def check(
    conn: Connection, numbers: Numbers, items: Sequence[Put | Delete], bases: tuple[str, ...], kept: Integrity
) -> None:
    """Raises Dangling (422) for references to what is not there, Conflict (409) for deletions of what is referred to.

    ``items`` are written together: they may refer to each other, and be deleted together with what refers to them.
    """
    if kept == "off":
        return
    made = {(item.resource["resourceType"], item.resource.get("id", "")) for item in items if isinstance(item, Put)}
    gone = [(item.type, item.id) for item in items if isinstance(item, Delete)]
    await hold(conn, numbers, [*gone, *(name for name in made if name[1])])
    wanted: dict[tuple[str, str], str] = {}
    for item in items:
        if isinstance(item, Put):
            for place, name in references(item.resource, bases):
                if name not in made:
                    wanted.setdefault(name, place)
    await _exist(conn, numbers, wanted, set(gone))
    if kept == "full" and gone:
        left = await referrers(conn, numbers, gone, _NAMED, bases, made.union(gone))
        if left:
            named = ", ".join("/".join(name) for name in left)
            what = ", ".join("/".join(name) for name in gone[:_NAMED])
            raise Conflict(f"{what} cannot be deleted: others refer to it ({named}{', …' * (len(left) == _NAMED)})")


async def _exist(
    conn: Connection, numbers: Numbers, wanted: dict[tuple[str, str], str], gone: set[tuple[str, str]]
) -> None:
    names = sorted(name for name in wanted if name not in gone)
    rows = await conn.fetch(
        """SELECT r.type, r.id FROM fhir_resource r
           WHERE (r.type, r.id) IN (SELECT * FROM unnest($1::smallint[], $2::text[])) AND NOT r.deleted
           ORDER BY r.key FOR KEY SHARE OF r""",
        [numbers.types[name] for name, _ in names],
        [id_ for _, id_ in names],
    )
    there = {(numbers.names[row["type"]], row["id"]) for row in rows}
    missing = [name for name in wanted if name not in there]
    if missing:
        listed = ", ".join("/".join(name) for name in missing[:_NAMED])
        raise Dangling(f"referenced, but not in the record: {listed}", wanted[missing[0]])


def references(resource: dict[str, Any], bases: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, str]]]:
    """(place, (type, id)) of every literal reference into this record, wherever it stands in the resource."""
    stack: list[tuple[str, Any]] = [(resource["resourceType"], resource)]
    while stack:
        place, value = stack.pop()
        if isinstance(value, list):
            stack.extend((f"{place}[{at}]", child) for at, child in enumerate(value))
        elif isinstance(value, dict):
            text = value.get("reference")
            if isinstance(text, str) and (name := _local(text, bases)) is not None:
                yield f"{place}.reference", name
            stack.extend((f"{place}.{key}", child) for key, child in value.items() if isinstance(child, dict | list))


def _local(text: str, bases: tuple[str, ...]) -> tuple[str, str] | None:
    for base in bases:
        if base and text.startswith(base + "/"):
            text = text[len(base) + 1 :]
    parts = text.partition("#")[0].split("/")
    if len(parts) in (2, 4) and parts[0] in resource_types() and parts[1] and parts[2:3] in ([], ["_history"]):
        return parts[0], parts[1]
    return None


async def referrers(
    conn: Connection,
    numbers: Numbers,
    names: Sequence[tuple[str, str]],
    most: int,
    bases: tuple[str, ...] = (),
    besides: set[tuple[str, str]] | None = None,
) -> list[tuple[str, str]]:
    """(type, id) of current resources that refer to one of these by a reference that can be searched for.

    ``bases``: our own URLs, by which a reference may be absolute. ``besides`` are left out.
    """
    besides = besides or set()
    wanted = [(name, numbers.types[name], id_) for name, id_ in names]
    wanted += [("", 0, f"{base}/{name}/{id_}") for base in bases if base for name, id_ in names]
    rows = await conn.fetch(
        """SELECT DISTINCT r.type, r.id FROM fhir_reference x JOIN fhir_resource r ON r.key = x.key
           WHERE x.hash = ANY($1::bigint[]) AND NOT r.deleted
             AND (coalesce(x.target, 0), x.value) IN (SELECT * FROM unnest($2::smallint[], $3::text[]))
             AND (r.type, r.id) NOT IN (SELECT * FROM unnest($4::smallint[], $5::text[]))
           LIMIT $6""",
        [reference_hash(name, value) for name, _, value in wanted],
        [number for _, number, _ in wanted],
        [value for _, _, value in wanted],
        [numbers.types[name] for name, _ in besides],
        [id_ for _, id_ in besides],
        most,
    )
    return sorted((numbers.names[row["type"]], row["id"]) for row in rows)
