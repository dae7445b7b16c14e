"""The code of a machine's label: 128 random bits that say nothing of the machine, and the machine of a code."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from wardbridge.core.db import Connection
from wardbridge.equipment.register import store as register
from wardbridge.equipment.register.labels import store
from wardbridge.equipment.shop import Shop

Token = Callable[[], str]


def random_token() -> str:
    """A code that nobody guesses."""
    return secrets.token_urlsafe(16)


def url(shop: Shop, token: str) -> str:
    """Where a label leads: the request form, which needs no login."""
    return f"{shop.url}/equipment/q/{token}"


async def of(source: store.Source, device_ids: Sequence[str]) -> dict[str, str]:
    """The codes of those of these machines that have one, by device id."""
    return await store.tokens(source, device_ids)


async def make(shop: Shop, conn: Connection, device_ids: Sequence[str], token: Token = random_token) -> dict[str, str]:
    """The codes of these machines, made where they have none."""
    known = await store.tokens(conn, device_ids)
    await store.put(conn, {ident: token() for ident in device_ids if ident not in known}, shop.clock.now())
    return await store.tokens(conn, device_ids)


async def renew(shop: Shop, conn: Connection, device_id: str, token: Token = random_token) -> str:
    """A new code, after which labels with the old one lead nowhere (a photo of it went around)."""
    await store.drop(conn, device_id)
    return (await make(shop, conn, [device_id], token))[device_id]


async def device_of(source: store.Source, token: str) -> str:
    """The machine of a code ('' for none); of one that was merged, the one that it was merged into."""
    found = await store.device(source, token)
    return (await register.heads(source, [found])).get(found, "") if found else ""
