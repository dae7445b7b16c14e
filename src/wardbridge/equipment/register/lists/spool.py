"""A file between its preview and the word of the person who sent it: for an hour, for nobody else."""

from __future__ import annotations

import hashlib

from wardbridge.core.clock import HOUR
from wardbridge.core.db import Connection
from wardbridge.core.errors import Gone
from wardbridge.equipment.register.lists import store
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

TTL = HOUR


async def keep(shop: Shop, conn: Connection, name: str, content: bytes, by: Principal, purpose: str = "list") -> str:
    """Keep a file; the id under which its sender finds it again."""
    ident = shop.ids()
    digest = hashlib.sha256(content).hexdigest()
    await store.keep_upload(conn, ident, purpose, name, digest, content, by.id, shop.clock.now(), TTL)
    return ident


async def take(shop: Shop, source: store.Source, upload_id: str, by: Principal) -> tuple[str, bytes]:
    """(name, content) of a file that this person sent. Raises Gone after an hour, or for somebody else's."""
    found = await store.upload(source, upload_id, by.id, shop.clock.now() - TTL)
    if found is None:
        raise Gone("this file is no longer kept: send it again", "file")
    return found


async def drop(conn: Connection, upload_id: str) -> None:
    """The file is done with."""
    await store.drop_upload(conn, upload_id)
