"""A package into the record: its definitions become resources like any other, one for each canonical URL and version.

Loading twice changes nothing; a resource that is there already under its URL and version is updated where its content
differs, whatever its id.  The record is written in short transactions, so that it can be used meanwhile.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wardbridge.core.clock import Clock
from wardbridge.core.db import Connection, transaction
from wardbridge.fhir.definitions.table import resource_types, type_of
from wardbridge.fhir.json import loads
from wardbridge.fhir.packages import store
from wardbridge.fhir.packages.archive import Manifest, manifest, resources
from wardbridge.fhir.packages.shelf import escaped
from wardbridge.fhir.packages.versions import satisfies
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Put, Stored
from wardbridge.fhir.validate import validate

BATCH = 50
MOST_PROBLEMS = 50
CORE = "hl7.fhir.r4.core"
"""R4 itself, which is built in."""


@dataclass
class Report:
    """What loading one package did; ``missing``: dependencies that are not loaded; ``problems``: resources that do not
    fit R4 themselves (they are loaded all the same) or could not be taken."""

    package: Manifest
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    missing: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def resources(self) -> int:
        return self.created + self.updated + self.unchanged


def canonical_types() -> frozenset[str]:
    """The types that a package is loaded for: whatever has a canonical URL, and naming systems."""
    found = set()
    for name in resource_types():
        kind = type_of(name)
        if kind is not None and "url" in kind.elements and kind.elements["url"].types == ("uri",):
            found.add(name)
    return frozenset(found | {"NamingSystem"})


async def load(record: Record, clock: Clock, path: Path, say: Callable[[Report], None] = lambda report: None) -> Report:
    """Load one package file or folder; ``say`` hears of the progress. Raises Invalid for what is no package of R4."""
    report = Report(manifest(path))
    async for batch in _batches(path, report):
        async with transaction(record.pool) as conn:
            await _write(record, conn, batch, report)
        say(report)
    there = await store.loaded(record.pool)
    report.missing = [
        f"{name} {wanted}"
        for name, wanted in report.package.dependencies.items()
        if name != CORE and not any(p.name == name and satisfies(p.version, wanted) for p in there)
    ]
    async with transaction(record.pool) as conn:
        await store.note(conn, report.package, report.resources, clock.now())
    return report


async def _batches(path: Path, report: Report) -> AsyncIterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for resource in _wanted(path, report):
        batch.append(resource)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _wanted(path: Path, report: Report) -> Iterator[dict[str, Any]]:
    types = canonical_types()
    for name, resource in resources(path):
        if resource["resourceType"] not in types:
            report.skipped += 1
            continue
        errors = [issue for issue in validate(resource) if issue.severity in ("error", "fatal")]
        if errors and len(report.problems) < MOST_PROBLEMS:
            report.problems.append(f"{name}: {errors[0].expression}: {errors[0].details}")
        yield resource


async def _write(record: Record, conn: Connection, batch: Sequence[dict[str, Any]], report: Report) -> None:
    named = [(r["resourceType"], r["url"]) for r in batch if isinstance(r.get("url"), str)]
    await record.lock(conn, sorted({(kind, f"url={escaped(url)}", None) for kind, url in named}))
    known = await _known(record, conn, named)
    names = [(r["resourceType"], r["id"]) for r in batch if isinstance(r.get("id"), str)]
    taken = {(s.type, s.id): s for s in await record.read_many(names, conn)}
    items: dict[tuple[str, str], Put] = {}
    fresh: list[Put] = []
    for resource in batch:
        kind, url = resource["resourceType"], resource.get("url")
        found = known.get((kind, url, resource.get("version"))) if isinstance(url, str) else None
        if found is None and not isinstance(url, str):
            found = taken.get((kind, resource.get("id", "")))
        if found is not None:
            if found.body is not None and _content(loads(found.body)) == _content(resource):
                report.unchanged += 1
                continue
            resource = {**resource, "id": found.id}
            report.updated += 1
        else:
            holder = taken.get((kind, resource.get("id", "")))
            if (holder is not None and not holder.deleted) or (kind, resource.get("id", "")) in items:
                # Another definition has that id: ours gets one from the record.
                resource = {key: value for key, value in resource.items() if key != "id"}
            report.created += 1
        if "id" in resource:
            items[(kind, resource["id"])] = Put(resource)
        else:
            fresh.append(Put(resource))
    if items or fresh:
        await record.write(conn, [*items.values(), *fresh])


async def _known(
    record: Record, conn: Connection, named: Sequence[tuple[str, str]]
) -> dict[tuple[str, str, Any], Stored]:
    """What the record holds under these canonical URLs, by type, URL and version."""
    out: dict[tuple[str, str, Any], Stored] = {}
    for kind in sorted({kind for kind, _ in named}):
        urls = sorted({url for k, url in named if k == kind})
        query = record.query([kind], [("url", ",".join(map(escaped, urls))), ("_count", "1000")])
        for stored in (await record.search(query, conn)).matches:
            row = loads(stored.body or b"{}")
            out[(kind, str(row.get("url")), row.get("version"))] = stored
    return out


def _content(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource without what the record itself gives it."""
    out = {key: value for key, value in resource.items() if key not in ("id", "meta")}
    meta = resource.get("meta")
    kept = {k: v for k, v in meta.items() if k not in ("versionId", "lastUpdated")} if isinstance(meta, dict) else {}
    return out | {"meta": kept} if kept else out
