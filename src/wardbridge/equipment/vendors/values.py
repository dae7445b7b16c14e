"""Vendors, contracts, calls, remote access and costs. Times are µs since the epoch (UTC), None for none."""

from __future__ import annotations

from decimal import Decimal

import msgspec

ROLES = ("sales", "service", "emergency", "security", "accounts")
VENDOR_KINDS = ("manufacturer", "supplier", "service", "software")
CONTRACT_KINDS = ("purchase", "full-service", "partial-service", "time-and-material", "loan", "software")
SERVICE = frozenset({"full-service", "partial-service", "time-and-material", "loan"})
"""Contracts under which somebody may be called to a broken machine."""
COST_KINDS = ("energy", "consumables", "training", "network", "disposal", "other")


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """A firm; ``vendor_id`` is also the id of its FHIR Organization. ``lines`` are its product lines."""

    vendor_id: str
    name: str
    created: int
    kind: tuple[str, ...] = ()
    address: str = ""
    website: str = ""
    lines: tuple[str, ...] = ()
    note: str = ""
    active: bool = True


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A person or desk at a vendor; kept when they are ``gone``."""

    contact_id: str
    vendor_id: str
    name: str
    role: str
    phone: str = ""
    email: str = ""
    note: str = ""
    gone: bool = False


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """A contract; ``contract_id`` is also the id of its FHIR Contract. ``ends`` None: until cancelled.

    ``hours`` are the service hours (:mod:`wardbridge.equipment.vendors.hours`) in the time ``zone``; ``holidays`` ISO
    dates. ``response_hours`` and ``repair_hours`` count service hours, ``uptime`` is per cent.
    """

    contract_id: str
    vendor_id: str
    number: str
    title: str
    kind: str
    starts: int
    ends: int | None = None
    notice_days: int = 0
    renews_months: int = 0
    price_year: Decimal | None = None
    currency: str = ""
    response_hours: float | None = None
    repair_hours: float | None = None
    uptime: float | None = None
    hours: str = ""
    zone: str = "UTC"
    holidays: tuple[str, ...] = ()
    note: str = ""
    cancelled: int | None = None


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``contract_cover``: a machine, or a whole model."""

    contract_id: str
    device_id: str = ""
    model_id: str = ""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A call for service: opened, answered, on site, resolved."""

    call_id: str
    vendor_id: str
    device_id: str
    text: str
    opened: int
    by_id: str
    by_name: str
    contract_id: str | None = None
    work_id: str = ""
    reference: str = ""
    answered: int | None = None
    on_site: int | None = None
    resolved: int | None = None
    resolution: str = ""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A remote access session; ``starts`` and ``stops`` are its window, ``emergency`` why it was opened without
    four eyes."""

    access_id: str
    vendor_id: str
    person: str
    purpose: str
    starts: int
    stops: int
    requested_by: str
    requested_name: str
    requested_at: int
    emergency: str = ""
    decision: str = ""
    decided_by: str = ""
    decided_name: str = ""
    decided_at: int | None = None
    reason: str = ""
    informed_by: str = ""
    informed_name: str = ""
    informed_at: int | None = None
    started_at: int | None = None
    ended_at: int | None = None
    ended_by: str = ""
    ended_name: str = ""
    summary: str = ""
    reviewed_by: str = ""
    reviewed_name: str = ""
    reviewed_at: int | None = None
    review: str = ""


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """A machine of a session, as it is now; ``place`` is its bed, never a patient."""

    device_id: str
    name: str
    place: str
    in_use: bool
    bound_since: int
    confirmed_by: str
    confirmed_name: str
    confirmed_at: int | None
    confirmed_note: str

    @property
    def confirmed(self) -> bool:
        """Somebody agreed since the present patient is on it."""
        return self.confirmed_at is not None and self.confirmed_at >= self.bound_since


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What was done in a session; ``digest`` is the SHA-256 of a log or recording that is kept elsewhere."""

    entry_id: str
    access_id: str
    at: int
    text: str
    by_id: str
    by_name: str
    file: str = ""
    digest: str = ""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor offers for a need."""

    need_id: str
    vendor_id: str
    product: str
    created: int
    price: Decimal | None = None
    currency: str = ""
    note: str = ""


class CostEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A cost of a machine that no other part knows, for the time ``[since, until)``."""

    entry_id: str
    device_id: str
    kind: str
    amount: Decimal
    currency: str
    since: int
    until: int
    by_id: str
    by_name: str
    note: str = ""


class Support(msgspec.Struct, frozen=True, kw_only=True):
    """What the manufacturer says: unknown, open (supported, end not known) or dated (then the model has the date)."""

    model_id: str
    support: str
    security: str
    source: str
    checked_at: int
    checked_by: str


class Replacement(msgspec.Struct, frozen=True, kw_only=True):
    """A decision to replace a machine in a year."""

    device_id: str
    year: int
    by_id: str
    by_name: str
    at: int
    budget: Decimal | None = None
    currency: str = ""
    note: str = ""
