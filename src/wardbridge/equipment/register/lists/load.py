"""A list into the register: what it would do, and then, in one transaction, just that."""

from __future__ import annotations

import asyncio
import hashlib

import msgspec

from wardbridge.core.clock import to_datetime
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict
from wardbridge.devices import places
from wardbridge.equipment.register import desk
from wardbridge.equipment.register.lists import store
from wardbridge.equipment.register.lists.plan import plan
from wardbridge.equipment.register.lists.rows import Reading, read
from wardbridge.equipment.register.lists.sheet import read as read_sheet
from wardbridge.equipment.register.lists.values import Plan
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was read: its rows, how they were read, and the digest of its bytes."""

    reading: Reading
    said: str
    digest: str


def parsed(data: bytes, now: int) -> Parsed:
    """Read a CSV or XLSX file; long for big ones, so run it in a thread. Raises Invalid."""
    sheet = read_sheet(data)
    return Parsed(reading=read(sheet, to_datetime(now).year), said=sheet.said, digest=hashlib.sha256(data).hexdigest())


async def preview(shop: Shop, source: store.Source, file: Parsed) -> Plan:
    """What the file would do to the register as it is now."""
    known = await store.known(source)
    return await asyncio.to_thread(
        plan, file.reading, known, digest=file.digest, said=file.said, now=shop.clock.now()
    )  # thousands of rows take a second, in which a server has others to answer


async def apply(shop: Shop, conn: Connection, file: Parsed, by: Principal, *, expected: str = "") -> Plan:
    """Put the rows that were not refused into the register; the plan that was carried out.

    ``expected`` is the digest of the plan that somebody agreed to. Raises Conflict when the register has changed so
    that the plan would be another one, and what :func:`desk.add` raises; then nothing was changed.
    """
    await store.lock(conn)
    done = await preview(shop, conn, file)
    if expected and done.digest != expected:
        raise Conflict("the register has changed since the preview: look at it again", "preview")
    await desk.add_models(shop, conn, done.model_rows)
    names = {(seat.ward, seat.room, seat.bed) for seat in done.seats.values()}
    made = await places.ensure_many(shop.parts, conn, sorted(names))
    where = {ident: made.get((seat.ward, seat.room, seat.bed)) for ident, seat in done.seats.items()}
    assets = [
        msgspec.structs.replace(asset, place_id=where[asset.device_id]) if asset.device_id in where else asset
        for asset in done.assets
    ]
    await desk.add(shop, conn, assets, done.interfaces, source="list")
    for asset in assets:
        if asset.device_id in done.heard:
            await desk.let_in(shop, conn, asset.device_id, by)
    return done
