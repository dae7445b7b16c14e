"""The equipment room of a test: the real record and database, people of every role, a small register."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from wardbridge.core.clock import FakeClock
from wardbridge.core.ids import counted_ids
from wardbridge.devices import places
from wardbridge.devices.ports import Parts
from wardbridge.devices.record import FhirRecord
from wardbridge.equipment.register import desk
from wardbridge.equipment.register.values import Asset, Model
from wardbridge.equipment.shop import Shop
from wardbridge.fhir.store.record import Record
from wardbridge.security.principal import Principal


def person(role: str, name: str = "") -> Principal:
    """Somebody with one role."""
    name = name or role.title()
    return Principal(f"person-{name.lower()}", name, "user", frozenset({role}))


TECHNICIAN, OPERATOR, NURSE, PHYSICIAN, ADMINISTRATOR = (
    person(role) for role in ("technician", "operator", "nurse", "physician", "administrator")
)


@pytest.fixture
async def shop(database: Any, clock: FakeClock) -> Shop:
    """The room over the real record; ids are counted (``id-1`` …)."""
    record = Record(database.pool, clock)
    await record.load()
    ids = counted_ids()
    return Shop(database.pool, Parts(FhirRecord(record), clock, ids), "http://ward.test", ids)


Stocked = Callable[..., Awaitable[list[Asset]]]


@pytest.fixture
def stock(shop: Shop) -> Stocked:
    """``await stock(3, kind="infusion pump")``: machines in service in ICU beds, of one model."""

    async def put(count: int = 1, *, state: str = "in-service", **fields: Any) -> list[Asset]:
        names = {name: fields.pop(name) for name in tuple(fields) if name in MODEL_FIELDS}
        model = Model(**{"model_id": "model-1", "manufacturer": "Acme", "name": "Flow 3", "kind": "infusion pump"}
                      | names)  # fmt: skip
        found = []
        async with shop.acting(TECHNICIAN) as conn:
            await desk.add_models(shop, conn, [model])
            for at in range(1, count + 1):
                place = await places.ensure(shop.parts, conn, "ICU", f"{at:02d}", f"{at:02d}")
                now = shop.clock.now()
                found.append(
                    Asset(**{"device_id": f"{model.model_id}-dev-{at}", "model_id": model.model_id, "state": state,
                             "state_since": now, "created": now, "serial": f"{model.model_id}-S{at}",
                             "tag": f"{model.model_id}-A{at}", "place_id": place.place_id if place else None}
                          | fields)
                )  # fmt: skip
            await desk.add(shop, conn, found)
        return found

    return put


MODEL_FIELDS = frozenset({"model_id", "manufacturer", "name", "kind", "class_", "catalogue", "di", "product_code",
                          "storage", "support_ends", "security_ends"})  # fmt: skip
