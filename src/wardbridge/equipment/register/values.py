"""A machine and its model, as the register knows them. Times are µs since the epoch (UTC), None for unknown."""

from __future__ import annotations

from decimal import Decimal

import msgspec

CLASSES = ("imaging", "radiologic", "laser", "life-support", "therapy", "monitoring", "diagnostic", "laboratory", "it",
           "other")  # fmt: skip
"""Classes of models that rules ask for (42 CFR 482.41(d)(2): imaging, radiologic and laser have no AEM)."""
CRITICALITIES = ("life-support", "high", "medium", "low")
STATES = ("need", "assessed", "ordered", "received", "inspection", "accepted", "in-service", "maintenance-due",
          "in-repair", "quarantined", "on-loan", "recalled", "missing", "retired", "sanitised", "disposed")  # fmt: skip
"""The life cycle, see :mod:`wardbridge.equipment.lifecycle`."""
USABLE = frozenset({"in-service", "maintenance-due", "on-loan"})
"""States in which a machine may be with a patient."""
WIRE = {
    "received": "workshop", "inspection": "workshop", "accepted": "workshop", "in-service": "accepted",
    "maintenance-due": "accepted", "in-repair": "workshop", "quarantined": "quarantined", "on-loan": "accepted",
    "recalled": "", "missing": "", "retired": "retired", "sanitised": "retired", "disposed": "retired",
}  # fmt: skip
"""Admission on the wire (devices room) in each state of a machine; '' leaves it as it is."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``model``; ``model_id`` is also the id of its DeviceDefinition. ``di`` are UDI device identifiers."""

    model_id: str
    manufacturer: str
    name: str
    catalogue: str = ""
    kind: str = ""
    class_: str = msgspec.field(default="other", name="class")
    di: tuple[str, ...] = ()
    mdc: int = 0
    gmdn: str = ""
    umdns: str = ""
    product_code: str = ""
    storage: str = "unknown"
    support_ends: int | None = None
    security_ends: int | None = None
    expected_years: int | None = None
    note: str = ""


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``asset``; ``device_id`` is also the id of its FHIR Device, and of the device on the wire."""

    device_id: str
    model_id: str
    state: str
    state_since: int
    created: int
    parent_id: str | None = None
    tag: str = ""
    serial: str = ""
    lot: str = ""
    udi: str = ""
    di: str = ""
    label: str = ""
    owner: str = ""
    department: str = ""
    criticality: str = "medium"
    place_id: str | None = None
    firmware: str = ""
    hardware: str = ""
    os: str = ""
    manufactured: int | None = None
    expires: int | None = None
    bought: int | None = None
    installed: int | None = None
    warranty_ends: int | None = None
    price: Decimal | None = None
    currency: str = ""
    vendor: str = ""
    note: str = ""
    merged_into: str | None = None
    version: int = 1


class Interface(msgspec.Struct, frozen=True, kw_only=True):
    """A network interface. ``mac`` as lower-case ``aa:bb:cc:dd:ee:ff``; ``source`` hand, list, wire or the export's
    kind (dhcp, arp, lldp, netbox)."""

    interface_id: str
    device_id: str
    name: str = ""
    mac: str = ""
    ip: str = ""
    hostname: str = ""
    vlan: int | None = None
    switch: str = ""
    port: str = ""
    zone: str = ""
    source: str = "hand"


class Software(msgspec.Struct, frozen=True, kw_only=True):
    """What version of a component runs from ``since`` on; ``component`` is firmware, os, or a program's name."""

    device_id: str
    component: str
    since: int
    version: str
    source: str


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the view ``asset_now``: a machine with its model, where it is and whom it is on at this moment.

    ``in_use``: bound to a patient, or to more than one (``conflict``). ``admission`` '' means never heard on the
    wire. ``patient_id`` must not leave this room towards people without ``patient.see``.
    """

    device_id: str
    model_id: str
    manufacturer: str
    model: str
    kind: str
    class_: str = msgspec.field(name="class")
    state: str
    tag: str
    serial: str
    lot: str
    udi: str
    di: str
    label: str
    criticality: str
    firmware: str
    department: str
    owner: str
    parent_id: str | None
    admission: str
    last_seen: int
    place_id: str
    ward: str
    room: str
    bed: str
    place: str
    patient_id: str
    bound_since: int
    in_use: bool
    storage: str
    product_code: str

    @property
    def name(self) -> str:
        """What people call it."""
        return self.label or f"{self.model} {self.tag or self.serial}".strip()
