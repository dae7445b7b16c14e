"""What ``wardbridge register`` does, beside a running server or without one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from wardbridge.app.offline import _pool
from wardbridge.app.parts import parts_of, shop_of
from wardbridge.core.clock import SystemClock
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.core.settings import Settings
from wardbridge.equipment.register.catalogue import gudid
from wardbridge.equipment.register.discovery import desk as discovery
from wardbridge.equipment.register.discovery.formats.read import read as read_export
from wardbridge.equipment.register.lists import dump, load
from wardbridge.equipment.register.lists.sheet import MOST_BYTES
from wardbridge.equipment.register.lists.values import Line, Plan
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.udi.parse import parse
from wardbridge.equipment.udi.values import Udi
from wardbridge.fhir.json import dumps
from wardbridge.security.principal import SYSTEM

MOST_CATALOGUE = 500_000_000


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Shop]:
    """The equipment room over the data folder, whether a server runs on it or not."""
    async with _pool(settings) as pool:
        yield shop_of(settings, pool, await parts_of(settings, pool, SystemClock()))


def read_file(path: Path, most: int = MOST_BYTES) -> bytes:
    """The bytes of a file. Raises NotFound when it cannot be read, Invalid when it is larger than ``most``."""
    try:
        if path.stat().st_size > most:
            raise Invalid(f"the file is larger than {most // 1_000_000} MB", str(path))
        return path.read_bytes()
    except OSError as error:
        raise NotFound(f"{path}: {error.strerror}") from error


async def import_list(settings: Settings, path: Path, *, only_show: bool = False) -> Plan:
    """Put a CSV or XLSX file into the register, or only say what that would do. Raises Invalid, Conflict."""
    file = load.parsed(read_file(path), SystemClock().now())
    async with opened(settings) as shop:
        if only_show:
            return await load.preview(shop, shop.pool, file)
        async with shop.acting(SYSTEM, f"register import {path.name}") as conn:
            return await load.apply(shop, conn, file, SYSTEM)


async def export_list(settings: Settings, out: Path | None) -> Iterator[str]:
    """The register as lines of CSV; or written to a file, by its suffix ``.csv`` or ``.xlsx``. Raises Invalid."""
    if out is not None and out.suffix.lower() not in (".csv", ".xlsx"):
        raise Invalid("a list is written as .csv or .xlsx", str(out))
    async with opened(settings) as shop:
        if out is not None and out.suffix.lower() == ".xlsx":
            await asyncio.to_thread(out.write_bytes, await dump.xlsx(shop.pool))
            return iter(())
        lines = await dump.csv(shop.pool)
    if out is None:
        return lines
    with out.open("w", encoding="utf-8-sig", newline="") as file:  # the mark without which Excel reads no UTF-8
        file.writelines(lines)
    return iter(())


async def discover(settings: Settings, paths: list[Path], where: str) -> str:
    """Suggestions out of an export of a network tool; what came of it as a JSON object. Raises Invalid."""
    export = read_export([read_file(path) for path in paths], where)
    async with opened(settings) as shop, shop.acting(SYSTEM, f"register discover {paths[0].name}") as conn:
        return msgspec.json.encode(await discovery.take(shop, conn, export)).decode()


async def load_gudid(settings: Settings, paths: list[Path]) -> list[str]:
    """Load published devices; a line a file. Raises Invalid."""
    said = []
    async with opened(settings) as shop:
        for path in paths:
            data = read_file(path, MOST_CATALOGUE)
            async with shop.acting(SYSTEM, f"register load-gudid {path.name}") as conn:
                devices, ids, odd = await gudid.load(conn, data, datetime.now(UTC).year, path.name)
            said.append(f"{path.name}: {devices} devices, {ids} identifiers, {odd} of them with a warning")
    return said


def report(plan: Plan, *, shown: bool, most: int = 200) -> list[str]:
    """What a plan does or did, for people at a terminal: counts, refused rows with column and reason, warnings."""
    out = [f"{plan.rows} rows read ({plan.said})"]
    if shown:
        out += [line for one in (*plan.models, *plan.created, *plan.changed) for line in _lines(one)][:most]
    verb = "would be " if shown else ""
    out += [
        f"{verb}created: {len(plan.created)}", f"{verb}changed: {len(plan.changed)}", f"unchanged: {plan.unchanged}",
        f"refused: {plan.refused_rows}", f"models {verb}created or changed: {len(plan.models)}",
    ]  # fmt: skip
    if plan.unknown:
        out.append(f"columns that the register does not have: {', '.join(plan.unknown)}")
    for name, found in (("refused", plan.refused), ("warning", plan.warnings)):
        for one in found[:most]:
            where = f"row {one.row}" if one.row else "file"
            out.append(f"{name}: {where}{', ' + one.column if one.column else ''}: {one.reason}")
        if len(found) > most:
            out.append(f"{name}: and {len(found) - most} more")
    return out


def _lines(line: Line) -> Iterator[str]:
    by = f" (known by {line.by})" if line.by else " (new)"
    yield f"row {line.row}: {line.name}{by}"
    for one in line.changes:
        yield f"  {one.field}: {one.old!r} -> {one.new!r}" if one.old else f"  {one.field}: {one.new!r}"


def udi_line(text: str) -> str:
    """A label as one JSON object: issuer, di, lot, serial, dates (ISO), and what is odd about it."""
    return dumps(_said(parse(text, datetime.now(UTC).year))).decode()


def _said(udi: Udi) -> dict[str, Any]:
    return {
        "text": udi.text, "issuer": udi.issuer, "di": udi.di, "lot": udi.lot, "serial": udi.serial,
        "expiration": udi.expiration, "manufactured": udi.manufactured, "donation": udi.donation,
        "quantity": udi.quantity, "rest": udi.rest, "warnings": list(udi.warnings),
    }  # fmt: skip
