"""Patients and machines at beds, for tests that ask whom a machine is on."""

from __future__ import annotations

from itertools import count

from wardbridge.core.db import Connection
from wardbridge.devices import adt, fleet
from wardbridge.devices.adt import Told
from wardbridge.devices.people import Details
from wardbridge.devices.values import Identity
from wardbridge.equipment.register.values import Asset
from wardbridge.equipment.shop import Shop

_sequence = count(1)


async def hear(shop: Shop, conn: Connection, asset: Asset) -> None:
    """The machine speaks for the first time: the devices room accepts it at its place."""
    who = Identity(key=f"wire-{asset.device_id}", manufacturer="Acme", model="Flow 3", serial=asset.serial)
    await fleet.first_sight(shop.parts, conn, who.key, "mllp", who, shop.clock.now())


async def admit(shop: Shop, conn: Connection, patient: str, ward: str, bed: str) -> None:
    """A patient (an id number) comes to a bed."""
    await _say(shop, conn, "A01", patient, f"{ward}^{bed}^{bed}")


async def discharge(shop: Shop, conn: Connection, patient: str) -> None:
    """The patient leaves."""
    await _say(shop, conn, "A03", patient, "")


async def person(conn: Connection, patient: str) -> str:
    """The id of a patient who was admitted, '' of one who never was."""
    return str(await conn.fetchval("SELECT patient_id FROM patient_key WHERE key = $1", f"MRN|{patient}") or "")


async def _say(shop: Shop, conn: Connection, kind: str, patient: str, place: str) -> None:
    now = shop.clock.now()
    who = Details(ids=(f"MRN|{patient}",), family="Test", given=patient)
    await adt.apply(shop.parts, conn, Told(kind, who, now, now, f"v-{patient}", place), next(_sequence))
