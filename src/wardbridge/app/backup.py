"""A simple backup: one file with a consistent dump of the database, the keys and the settings.

Taken while Wardbridge runs. The file holds patient data and the token keys in clear: keep it like them.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from wardbridge import __version__
from wardbridge.alarms import store as alarms
from wardbridge.app.serve import database, is_running
from wardbridge.core.clock import Clock, iso
from wardbridge.core.db import Pool, open_pool, transaction
from wardbridge.core.errors import Invalid, SettingsError
from wardbridge.core.migrate import migrate
from wardbridge.core.postgres import binaries
from wardbridge.core.settings import Settings
from wardbridge.equipment.work.store import meters
from wardbridge.exchange.feeds import store as feeds
from wardbridge.exchange.intake import store as intake
from wardbridge.exchange.outbound.store import queue
from wardbridge.fhir.store import changes
from wardbridge.fhir.subscriptions.store import tail as subscriptions
from wardbridge.telemetry import store as telemetry

FORMAT = 1
_PARTS = ("database.dump", "keys", "wardbridge.toml")


async def _run(*words: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, error = await process.communicate()
    if process.returncode:
        raise SettingsError(f"{Path(words[0]).name} failed: {error.decode(errors='replace')[-500:]}", "database")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


async def backup(settings: Settings, target: Path, clock: Clock) -> dict[str, Any]:
    """Write ``target`` (a tar file, mode 0600); returns its manifest.

    Raises SettingsError when the dump fails or the file cannot be written; ``target`` then keeps what it was.
    """
    partial = target.with_name(target.name + ".partial")
    try:
        return await _backup(settings, target, partial, clock)
    except OSError as error:
        raise SettingsError(f"{target} cannot be written: {error.strerror}", str(target)) from error


async def _backup(settings: Settings, target: Path, partial: Path, clock: Clock) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        dump = Path(folder) / "database.dump"
        async with database(settings, clock) as dsn:
            await _run(
                str(binaries() / "pg_dump"),
                "--format=custom",
                "--compress=gzip:1",
                "--no-owner",
                "--file",
                str(dump),
                "--dbname",
                dsn,
            )
        parts = {"database.dump": dump}
        for name in _PARTS[1:]:
            path = settings.folder / name
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file():
                    parts[str(file.relative_to(settings.folder))] = file
        manifest = {
            "format": FORMAT,
            "wardbridge": __version__,
            "created": iso(clock.now()),
            "parts": {name: _digest(file) for name, file in parts.items()},
        }
        listed = Path(folder) / "manifest.json"
        listed.write_text(json.dumps(manifest, indent=1), "utf-8")
        fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as out:
            with tarfile.open(fileobj=out, mode="w") as tar:
                tar.add(listed, "manifest.json")
                for name, file in parts.items():
                    tar.add(file, name)
            out.flush()
            os.fsync(out.fileno())
    partial.replace(target)
    return manifest


async def _rebase(pool: Pool) -> None:
    """Readers of logs go on by sequence: transaction numbers of the old cluster mean nothing in the new one."""
    async with transaction(pool) as conn:
        for room in (subscriptions, changes, intake, queue, feeds, telemetry, alarms, meters):
            await room.rebase(conn)


async def restore(settings: Settings, source: Path, clock: Clock) -> dict[str, Any]:
    """Fill an empty data folder from ``source``; returns the manifest. Old data is migrated forward.

    Raises Invalid when the file is damaged or from a newer version, SettingsError when the data folder
    holds a database already or is in use.
    """
    folder = settings.folder
    if is_running(folder):
        raise SettingsError(f"Wardbridge is running on {folder}", "data")
    if not settings.database and (folder / "postgres").exists():
        raise SettingsError(f"{folder} holds a database already; restore into an empty folder", "data")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        try:
            with tarfile.open(source) as tar:
                tar.extractall(place, filter="data")
            manifest: dict[str, Any] = json.loads((Path(place) / "manifest.json").read_text("utf-8"))
            parts: dict[str, str] = manifest["parts"]
        except (tarfile.TarError, OSError, ValueError, KeyError) as error:
            raise Invalid(f"{source} is not a Wardbridge backup: {error}", str(source)) from error
        if manifest.get("format") != FORMAT:
            raise Invalid(f"{source} has format {manifest.get('format')}, this version reads {FORMAT}", str(source))
        for name, digest in parts.items():
            path = Path(place) / name
            if not path.is_file() or _digest(path) != digest:
                raise Invalid(f"{name} in {source} is damaged", name)
        async with database(settings, clock) as dsn:
            await _run(
                str(binaries() / "pg_restore"),
                "--exit-on-error",
                "--single-transaction",
                "--no-owner",
                "--dbname",
                dsn,
                str(Path(place) / "database.dump"),
            )
            pool = await open_pool(dsn, size=1)
            try:
                await migrate(pool)
                await _rebase(pool)
            finally:
                await pool.close()
        for name in parts:
            if name != "database.dump":
                (folder / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.copy2(Path(place) / name, folder / name)
    return manifest
