"""A tablet of a test: a queue, a counter, a clock of its own, and a network that loses answers."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
from tests.equipment.conftest import TECHNICIAN, Stocked

from wardbridge.core.clock import DAY
from wardbridge.equipment.bench import delta, labour, protocol, stock, sync
from wardbridge.equipment.bench.protocol import Answer
from wardbridge.equipment.bench.values import Part, Rate, Store
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk, procedures
from wardbridge.equipment.work.steps import Procedure, Step
from wardbridge.equipment.work.store import procedures as instruments
from wardbridge.equipment.work.store.procedures import Instrument
from wardbridge.security.principal import Principal


@dataclass
class Tablet:
    """What one technician does while away; ``ms`` is the tablet's clock."""

    shop: Shop
    who: Principal
    name: str = ""
    queue: list[dict[str, Any]] = field(default_factory=list)
    counter: int = 0
    ms: int = 0

    def __post_init__(self) -> None:
        self.name = self.name or f"tablet-{self.who.id}"
        self.ms = self.ms or self.shop.clock.now() // 1000

    def do(self, kind: str, work: str, *, device: str = "", ident: str = "", **body: Any) -> str:
        """Queue an operation; its id."""
        self.counter += 1
        ident = ident or str(uuid.uuid4())
        self.queue.append({"id": ident, "person": self.who.id, "counter": self.counter, "at": self.ms, "kind": kind,
                           "work": work, "device": device, "body": body})  # fmt: skip
        return ident

    def request(self, operations: list[dict[str, Any]], **more: Any) -> protocol.Request:
        """The request as it is read from the wire."""
        sent = {"person": self.who.id, "tablet": self.name, "clock": self.ms, "operations": operations} | more
        return protocol.request(msgspec.json.encode(sent))

    async def send(self, *, lost: bool = False, by: Principal | None = None, count: int | None = None) -> list[Answer]:
        """Send the start of the queue; what was answered leaves it, unless the answer is lost on the way."""
        answers = await sync.receive(self.shop, self.request(self.queue[:count]), by or self.who)
        if not lost:
            done = {one.id for one in answers if one.state != "kept"}
            self.queue = [one for one in self.queue if one["id"] not in done]
        return answers

    async def delta(self, **held: Any) -> dict[str, Any]:
        """What this tablet does not hold."""
        return await delta.delta(self.shop, self.request([], **held), self.who.id)


@dataclass(frozen=True)
class Place:
    devices: list[str]
    orders: list[str]
    instrument: str


async def workplace(shop: Shop, stocked: Stocked, *, machines: int = 4, steps: bool = True) -> Place:
    """Machines with an inspection each, a procedure of a look and a measured value, a part of which 100 are there."""
    assets = await stocked(machines)
    (meter,) = await stocked(1, model_id="meter", name="Safety tester")
    procedure = Procedure(
        procedure_id="check", version=1, name="Yearly check",
        steps=(Step(step="look", kind="check", text="Housing"),
               Step(step="earth", kind="value", text="Protective earth", unit="Ohm", high=Decimal("0.3"),
                    instrument=True)),
    )  # fmt: skip
    async with shop.acting(TECHNICIAN) as conn:
        await procedures.write(shop, conn, procedure, TECHNICIAN)
        now = shop.clock.now()
        await instruments.put_instrument(
            conn, Instrument(device_id=meter.device_id, measures="safety", calibrated=now, due=now + 300 * DAY)
        )
        await stock.add_part(shop, conn, Part(part_id="p", number="1", name="Fuse", price=Decimal(2), currency="EUR"))
        await stock.add_store(shop, conn, Store(store_id="s", name="Trolley"))
        await stock.receive(shop, conn, "p", "s", Decimal(100), TECHNICIAN)
        await labour.set_rate(conn, Rate(since=0, rate=Decimal(60), currency="EUR"))
        works = [
            await desk.order(shop, conn, asset.device_id, "inspection", "Yearly check", "", TECHNICIAN,
                             procedure_id="check" if steps else "", due=now + DAY)
            for asset in assets
        ]  # fmt: skip
    return Place(
        [*(asset.device_id for asset in assets), meter.device_id], [one.work_id for one in works], meter.device_id
    )
