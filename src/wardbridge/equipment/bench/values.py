"""What the bench keeps, as rows of its tables. Times are µs since the epoch (UTC), None for unknown."""

from __future__ import annotations

from decimal import Decimal

import msgspec

PART_KINDS = ("part", "accessory", "consumable")
ZERO = Decimal(0)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``part``: what can lie on a shelf. ``fits`` are ids of models, empty for any; ``price`` of one unit."""

    part_id: str
    number: str
    name: str
    manufacturer: str = ""
    fits: tuple[str, ...] = ()
    unit: str = "piece"
    price: Decimal | None = None
    currency: str = ""
    supplier: str = ""
    serialised: bool = False
    kind: str = "part"
    note: str = ""
    retired: bool = False


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``stock_store``: a room, cupboard or bag that parts lie in."""

    store_id: str
    name: str
    place_id: str | None = None


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``stock_level``: what a store wants to hold of a part."""

    part_id: str
    store_id: str
    minimum: Decimal
    target: Decimal
    shelf: str = ""


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the ledger ``stock_movement``; ``quantity`` is positive into the store and negative out of it.

    ``origin_id`` is the order that a receipt fulfils, or the issue that a return takes back.
    """

    movement_id: str
    part_id: str
    store_id: str
    kind: str
    quantity: Decimal
    at: int
    by_id: str
    by: str
    lot: str = ""
    expires: int | None = None
    serial: str = ""
    price: Decimal | None = None
    currency: str = ""
    work_id: str | None = None
    device_id: str = ""
    origin_id: str = ""
    operation_id: str = ""
    reason: str = ""


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """What lies of one lot in one store; ``price`` is that of its last receipt."""

    lot: str
    quantity: Decimal
    expires: int | None = None
    price: Decimal | None = None
    currency: str = ""


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``reservation``: a quantity kept for planned work; state open, used or released."""

    reservation_id: str
    part_id: str
    store_id: str
    work_id: str
    quantity: Decimal
    at: int
    by: str
    used: Decimal = ZERO
    state: str = "open"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``stock_order``; also the SupplyRequest of the same id. State open, received or cancelled."""

    order_id: str
    part_id: str
    store_id: str
    quantity: Decimal
    at: int
    by: str
    received: Decimal = ZERO
    state: str = "open"
    reference: str = ""


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """A part in a store as a list shows it: balance, what is kept for work, what is on its way."""

    part_id: str
    number: str
    name: str
    manufacturer: str
    unit: str
    store_id: str
    store: str
    shelf: str
    balance: Decimal
    reserved: Decimal
    ordered: Decimal
    minimum: Decimal
    target: Decimal
    first_expires: int | None
    price: Decimal | None
    currency: str

    @property
    def free(self) -> Decimal:
        """What may be promised to further work."""
        return self.balance - self.reserved

    @property
    def wanted(self) -> Decimal:
        """What to order so that the store is at its target again; 0 while it is not below its minimum."""
        coming = self.free + self.ordered
        return self.target - coming if coming < self.minimum else ZERO


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``labour_rate``: money per hour from ``since`` on; ``person_id`` '' for everybody without their own."""

    since: int
    rate: Decimal
    currency: str
    person_id: str = ""


class Labour(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``labour``; ``rate`` is money per hour at the time of the work, None where none was set."""

    labour_id: str
    work_id: str
    device_id: str
    person_id: str
    display: str
    minutes: int
    started: int
    at: int
    travel: int = 0
    rate: Decimal | None = None
    currency: str = ""
    note: str = ""
    operation_id: str = ""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``vendor_call``: a vendor called to a work order. ``invoice`` is its amount."""

    call_id: str
    work_id: str
    device_id: str
    vendor: str
    opened: int
    by: str
    contract_id: str = ""
    reference: str = ""
    promised: int | None = None
    arrived: int | None = None
    done: int | None = None
    invoice: Decimal | None = None
    currency: str = ""
    invoice_no: str = ""
    note: str = ""


class Downtime(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``downtime``. As it is read, ``stop`` is also known where its work is done."""

    downtime_id: str
    device_id: str
    start: int
    source: str
    by: str
    work_id: str | None = None
    stop: int | None = None
    planned: bool = False
    note: str = ""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What work cost, of one work order, machine or model and one currency; ``minutes`` include travel.

    ``unpriced`` counts entries (labour without a rate, parts without a price) that the sum leaves out.
    """

    work_id: str
    device_id: str
    model_id: str
    currency: str
    minutes: int
    labour: Decimal
    parts: Decimal
    vendor: Decimal
    unpriced: int

    @property
    def total(self) -> Decimal:
        return self.labour + self.parts + self.vendor
