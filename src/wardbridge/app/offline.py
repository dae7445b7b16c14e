"""What the command line does without a running server, or beside one."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from wardbridge.app.parts import parts_of
from wardbridge.app.people import add_person
from wardbridge.app.serve import database, warnings
from wardbridge.core.clock import SystemClock, iso
from wardbridge.core.db import Pool, open_pool, transaction
from wardbridge.core.disk import DiskGuard
from wardbridge.core.errors import NotFound, WardbridgeError
from wardbridge.core.migrate import migrate
from wardbridge.core.settings import Settings
from wardbridge.fhir.definitions.xml import read_xml
from wardbridge.fhir.json import JsonError, dumps, loads
from wardbridge.fhir.path import PathError, evaluate
from wardbridge.fhir.validate import operation_outcome, validate
from wardbridge.fhir.validate.options import FULL
from wardbridge.fhir.validate.source import read
from wardbridge.security import store as people
from wardbridge.security.identity import Identity
from wardbridge.security.tokens import Tokens
from wardbridge.terminology.loaders.load import load as load_release
from wardbridge.terminology.values import Head


@contextlib.asynccontextmanager
async def _pool(settings: Settings) -> AsyncIterator[Pool]:
    async with database(settings, SystemClock()) as dsn:
        pool = await open_pool(dsn, size=2, name="wardbridge-cli")
        try:
            await migrate(pool)
            yield pool
        finally:
            await pool.close()


@contextlib.asynccontextmanager
async def _identity(settings: Settings) -> AsyncIterator[Identity]:
    clock = SystemClock()
    async with _pool(settings) as pool:
        yield Identity(pool, Tokens(settings.folder / "keys", clock), clock)


async def migrate_database(settings: Settings) -> list[str]:
    """Apply missing migrations; what was applied."""
    async with database(settings, SystemClock()) as dsn:
        pool = await open_pool(dsn, size=1)
        try:
            done = await migrate(pool)
        finally:
            await pool.close()
    return [f"{item.room} {item.number:04d} {item.name}" for item in done] or ["the schema is current"]


async def check(settings: Settings) -> list[str]:
    """Everything that an operator should mend before going live."""
    from wardbridge.devices.quality import check_drivers

    problems = [*warnings(settings), *(str(problem) for problem in check_drivers())]
    try:
        settings.folder.mkdir(parents=True, exist_ok=True)
        DiskGuard(settings.folder, settings.disk_reserve_mb * 1_000_000, SystemClock()).check()
        async with _pool(settings):
            pass
    except WardbridgeError as error:
        problems.append(error.message)
    except OSError as error:
        problems.append(f"{settings.folder}: {error.strerror}")
    return problems


def _read(file: Path) -> dict[str, Any]:
    data = file.read_bytes()
    if data.lstrip()[:1] == b"<":
        return read_xml(data)
    resource = loads(data)
    if not isinstance(resource, dict):
        raise JsonError("a resource is a JSON object")
    return resource


def validate_file(file: Path) -> tuple[dict[str, Any], bool]:
    """``(OperationOutcome, whether it holds errors)`` of one file."""
    try:
        resource, issues = read(file.read_bytes())
    except OSError as error:
        issue = {"severity": "fatal", "code": "structure", "diagnostics": f"{file}: {error.strerror}"}
        return {"resourceType": "OperationOutcome", "issue": [issue]}, True
    if resource is not None:
        issues = [*issues, *validate(resource, FULL)]
    return operation_outcome(issues), any(issue.severity in {"error", "fatal"} for issue in issues)


def fhirpath(expression: str, file: Path) -> str:
    """The result of an expression as JSON text. Raises NotFound for an unreadable file, Invalid for bad input."""
    try:
        return dumps(evaluate(expression, _read(file))).decode()
    except OSError as error:
        raise NotFound(f"{file}: {error.strerror}") from error
    except (PathError, JsonError) as error:
        raise WardbridgeError(str(error)) from error


async def add_user(settings: Settings, login: str, name: str, roles: tuple[str, ...], password: str) -> None:
    """Add a person; see :meth:`Identity.add_person` for what is raised."""
    async with _identity(settings) as identity:
        parts = await parts_of(settings, identity.pool, SystemClock())
        await add_person(identity, parts.record, login, name, roles, password)


async def list_users(settings: Settings) -> list[str]:
    """``login  roles  state  name`` of everyone."""
    async with _pool(settings) as pool:
        rows = await people.people(pool)
    return [f"{row['login']:<20} {','.join(row['roles']):<24} {'active' if row['enabled'] else 'disabled':<9} "
            f"{row['display']}" for row in rows]  # fmt: skip


async def change_user(
    settings: Settings, login: str, password: str | None, roles: tuple[str, ...] | None, enabled: bool | None
) -> None:
    """Change a person. Raises NotFound for an unknown login."""
    async with _identity(settings) as identity:
        row = await people.person_by_login(identity.pool, login)
        if row is None:
            raise NotFound(f"nobody has the login {login!r}")
        await identity.change_person(row["person_id"], password=password, roles=roles, enabled=enabled)


async def add_service(settings: Settings, client: str, name: str, scopes: tuple[str, ...]) -> str:
    """Register a service; its secret."""
    async with _identity(settings) as identity:
        return await identity.add_service(client, name or client, scopes)


async def list_devices(settings: Settings) -> list[str]:
    """One JSON object a device."""
    from wardbridge.devices import fleet

    async with _pool(settings) as pool:
        return [
            dumps(
                {
                    "device": row.device_id,
                    "key": row.key,
                    "state": row.state,
                    "label": row.label,
                    "manufacturer": row.manufacturer,
                    "model": row.model,
                    "serial": row.serial,
                    "firmware": row.firmware,
                    "link": row.link,
                    "last_seen": iso(row.last_seen) if row.last_seen else None,
                }
            ).decode()
            for row in await fleet.list_devices(pool)
        ]


async def expect_device(settings: Settings, place: str, **known: str) -> None:
    """Announce a device: accepted at first sight. ``place`` is ``ward|room|bed`` or empty. Raises Invalid."""
    from wardbridge.devices import fleet, places
    from wardbridge.devices.store.registry import Expected

    clock = SystemClock()
    async with _pool(settings) as pool:
        parts = await parts_of(settings, pool, clock)
        async with transaction(pool) as conn:
            found = await places.ensure(parts, conn, *place.split("|")[:3]) if place else None
            place_id = found.place_id if found else ""
            await fleet.register(conn, [Expected(place_id=place_id, **known)], by="command line", at=clock.now())


async def load_terminology(settings: Settings, name: str, path: Path, version: str) -> tuple[Head, int]:
    """A code system from its release files; its head and number of concepts. Raises Invalid."""
    async with _pool(settings) as pool:
        return await load_release(pool, SystemClock(), name, path, version)
