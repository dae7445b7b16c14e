"""The network interfaces of a row beside those that the register knows of its machine."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wardbridge.equipment.register.lists.cells import shown
from wardbridge.equipment.register.lists.columns import COLUMNS
from wardbridge.equipment.register.lists.rows import Row
from wardbridge.equipment.register.lists.values import Difference, Known
from wardbridge.equipment.register.values import Interface

SPACE = uuid.UUID("4b3d0b8a-54b1-5b0e-9a57-1a0a4c1f2f6e")
_HEADINGS = {column.field: column.heading for column in COLUMNS if column.part == "interface"}
_BY = ("mac", "name", "ip")
"""By what an interface is recognised, in this order."""


class Network:
    """Interfaces while a list is read. A list adds and changes; it takes none away."""

    def __init__(self, known: Known) -> None:
        self.known: dict[str, list[Interface]] = {}
        for one in known.interfaces:
            self.known.setdefault(one.device_id, []).append(one)
        self.wanted: dict[str, list[Interface]] = {}

    def plan(self, device_id: str, row: Row) -> list[Difference]:
        """What the row changes of its machine's interfaces."""
        free = list(self.known.get(device_id, ()))
        fits = fit(row.network, free)
        changes = []
        for number, values in sorted(row.network.items()):
            before = fits.get(number)
            old = before or Interface(
                interface_id=_ident(device_id, number, values), device_id=device_id, source="list"
            )
            now = msgspec.structs.replace(old, **values)
            if before == now:
                continue
            self.wanted.setdefault(device_id, []).append(now)
            changes += [
                Difference(field=heading if number == 1 else f"{heading} {number}",
                           old=shown(getattr(before, field)) if before else "", new=shown(getattr(now, field)))
                for field, heading in _HEADINGS.items()
                if getattr(now, field) != (getattr(before, field) if before else "") and shown(getattr(now, field))
            ]  # fmt: skip
        return changes

    def forget(self, device_id: str) -> None:
        self.wanted.pop(device_id, None)

    def rows(self) -> tuple[Interface, ...]:
        return tuple(one for found in self.wanted.values() for one in found)


def fit(network: Mapping[int, Mapping[str, Any]], known: Sequence[Interface]) -> dict[int, Interface]:
    """Which known interface each numbered one of a row is: the one that says the same, else the one with its MAC, name
    or IP, else, for one that says neither MAC nor name, the one that stands in its place: its address has changed."""
    free = list(known)
    found: dict[int, Interface] = {}

    def take(number: int, one: Interface | None) -> None:
        if one is not None:
            found[number] = one
            free.remove(one)

    for number, values in network.items():
        take(number, next((one for one in free if all(getattr(one, f) == v for f, v in values.items())), None))
    for field in _BY:
        for number, values in network.items():
            if number not in found and values.get(field):
                take(number, next((one for one in free if getattr(one, field) == values[field]), None))
    for number, values in network.items():
        if number not in found and not (values.get("mac") or values.get("name")) and number <= len(known):
            one = known[number - 1]
            take(number, one if one in free else None)
    return found


def _ident(device_id: str, number: int, values: Mapping[str, Any]) -> str:
    said = "\x1f".join(str(values.get(field, "")) for field in (*_BY, "hostname", "vlan", "switch", "port", "zone"))
    return str(uuid.uuid5(SPACE, f"{device_id}\x1f{number}\x1f{said}"))
