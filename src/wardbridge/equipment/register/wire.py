"""What a device says of itself on the wire, brought to its row of the register, in the transaction that learned it.

A new version of firmware or hardware goes into the history and onto the machine. Who it is, the register decides: a
model or serial number that differs becomes a suggestion for a person.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from wardbridge.core.db import Connection
from wardbridge.equipment.register import desk, store
from wardbridge.equipment.register.discovery import store as suggestions
from wardbridge.equipment.register.discovery.values import Suggestion
from wardbridge.equipment.register.lists.cells import word
from wardbridge.equipment.shop import Shop
from wardbridge.security.acting import act
from wardbridge.security.principal import SYSTEM

Observer = Callable[[Connection, str, str, str, str, int], Awaitable[None]]
"""Told of what differs from the register: connection, device id, what, old, new, when (µs)."""
VERSIONS = frozenset({"firmware", "hardware"})
IDENTITY = frozenset({"manufacturer", "model", "serial", "udi"})


class RegisterSink:
    """A :class:`wardbridge.devices.ports.IdentitySink`. ``observers`` hear of every difference between what the
    register knew and what the device says now; ``old`` is the register's word, '' where it had none."""

    def __init__(self, shop: Shop, observers: Sequence[Observer] = ()) -> None:
        self.shop = shop
        self.observers = tuple(observers)

    async def apply(self, conn: Connection, device_id: str, what: str, old: str, new: str, at: int) -> None:
        """See the protocol; a device that is in no row, and what the register knows already, are left alone."""
        if what not in VERSIONS | IDENTITY:
            return
        found = await store.heads(conn, [device_id])
        now = await store.now(conn, [found[device_id]]) if device_id in found else []
        if not now:
            return
        (machine,) = now
        new = word(new)
        (asset,) = await store.assets(conn, [machine.device_id])
        known = getattr(machine, what) if what in IDENTITY else getattr(asset, what)
        if not new or known.casefold() == new.casefold():
            return
        await act(conn, SYSTEM, self.shop.clock.now(), "said by the device")
        if what in VERSIONS or (what == "udi" and not known):
            await desk.change(self.shop, conn, asset.device_id, source="wire", **{what: new})
        else:
            seen = {"what": what, "register": known, "wire": new}
            one = Suggestion(
                suggestion_id=self.shop.ids(), key=f"{asset.device_id}/{what}", kind="identity", source="wire",
                device_id=asset.device_id, seen=seen, first_seen=at, last_seen=at,
            )  # fmt: skip
            await suggestions.suggest(conn, [one])
        for observer in self.observers:
            await observer(conn, asset.device_id, what, known, new, at)
