"""What our own gateway sees of machines that talk to it: from where they call, as what.

The gateway counts in memory (:class:`Callers`); a machine is known by the name that it gives itself (MSH-3), else by
its address. New links are written at the next round, known ones once an hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from wardbridge.core.clock import HOUR, Clock
from wardbridge.core.db import Pool
from wardbridge.core.errors import Invalid
from wardbridge.equipment.changes.network import flows, store
from wardbridge.equipment.changes.network.values import OURS, Link
from wardbridge.security.acting import acting
from wardbridge.security.principal import SYSTEM

LIMIT = 20_000
"""So many callers are remembered; beyond it nothing new is noted until the next round."""


class Caller(msgspec.Struct):
    """Calls of one sender from one address since the last round; times in µs."""

    first: int
    last: int
    count: int
    written: int = 0


class Callers:
    """Who called since the last round. One for each listener; not for use from several threads."""

    def __init__(self, port: int, clock: Clock) -> None:
        self.port = port
        self._clock = clock
        self._known: dict[tuple[str, str], Caller] = {}

    def note(self, host: str, sender: str) -> None:
        """A message came from ``host``; ``sender`` is MSH-3 as sent."""
        now = self._clock.now()
        caller = self._known.get((host, sender))
        if caller is not None:
            caller.last, caller.count = now, caller.count + 1
        elif len(self._known) < LIMIT:
            self._known[host, sender] = Caller(now, now, 1)

    async def keep(self, pool: Pool) -> int:
        """Write what is due; how many links."""
        now = self._clock.now()
        due = {key: one for key, one in self._known.items() if one.count and now - one.written >= HOUR}
        if not due:
            return 0
        hosts = await store.machines_at(pool, [host for host, _ in due])
        names = await store.known_keys(pool, [name for _, sender in due for name in _names(sender)])
        links: dict[str, Link] = {}
        for (host, sender), caller in sorted(due.items(), key=lambda item: item[1].last):
            named = next((names[name] for name in _names(sender) if name in names), "")
            device_id = named or hosts.get(host, "")
            if device_id:
                known = links.get(device_id)
                links[device_id] = Link(
                    device_id=device_id, peer=OURS, port=self.port, protocol="tcp", direction="out",
                    first_seen=min(caller.first, known.first_seen) if known else caller.first, last_seen=caller.last,
                    count=caller.count + (known.count if known else 0), source=_address(host),
                )  # fmt: skip
        async with acting(pool, self._clock, SYSTEM, "seen by the gateway") as conn:
            await store.add(conn, list(links.values()))
        for caller in due.values():
            caller.written, caller.count = now, 0
        return len(links)


class Dialled:
    """Machines that we call ourselves: links of the settings with an address. ``targets``: {link: (host, port)}."""

    def __init__(self, targets: Mapping[str, tuple[str, int]], clock: Clock) -> None:
        self._targets = targets
        self._clock = clock
        self._written = 0

    async def keep(self, pool: Pool) -> int:
        """Write, once an hour, that we talk to them; how many links."""
        now = self._clock.now()
        if not self._targets or now - self._written < HOUR:
            return 0
        links = [
            Link(device_id=device_id, peer=OURS, port=self._targets[link][1], protocol="tcp", direction="in",
                 first_seen=seen, last_seen=seen, count=1, source=_address(self._targets[link][0]))
            for device_id, link, seen in await store.heard_on(pool, list(self._targets), self._written)
        ]  # fmt: skip
        async with acting(pool, self._clock, SYSTEM, "links of the settings") as conn:
            await store.add(conn, links)
        self._written = now
        return len(links)


def targets_of(links: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, int]]:
    """The links of the settings that name a machine's address (``http(s)://host:port/…``)."""
    found = {}
    for name, table in links.items():
        parts = urlsplit(str(table.get("address", "")))
        try:
            port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        except ValueError:
            continue
        if parts.hostname and port:
            found[name] = (parts.hostname, port)
    return found


def _names(sender: str) -> list[str]:
    return [part for part in [sender, *sender.split("^")] if part]


def _address(host: str) -> str:
    try:
        return flows.address(host)
    except Invalid:
        return host
