"""Moves, inspections, storage media and certificates. Times are µs since the epoch (UTC)."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``move``; of a machine or of a need. ``evidence`` is what was said and what was kept, by name; ``wire``
    the admission that the devices room was told, '' for none."""

    move_id: str
    device_id: str | None = None
    need_id: str | None = None
    from_state: str
    to_state: str
    at: int
    person_id: str
    display: str
    evidence: dict[str, str]
    wire: str = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the store knows that a move of one machine asks for. ``admission`` '' when it was never heard; ``bed``
    names a bed, never a patient."""

    device_id: str
    state: str
    been: tuple[str, ...]
    kept: dict[str, str]
    in_use: bool
    bed: str
    admission: str
    module: bool


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """An incoming inspection; ``state`` open, passed or failed; ``checklist`` names the version of the list."""

    inspection_id: str
    device_id: str
    checklist: str
    networked: bool
    state: str
    opened_by: str
    opened_name: str
    opened_at: int
    closed_by: str = ""
    closed_name: str = ""
    closed_at: int | None = None
    note: str = ""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """What was found for one item; ``result`` pass, fail or na; a deviation is approved by somebody else."""

    inspection_id: str
    item: str
    device_id: str
    result: str
    value: Decimal | None = None
    note: str = ""
    by_id: str
    by_name: str
    at: int
    deviation: str = ""
    deviation_by: str = ""
    deviation_name: str = ""
    deviation_at: int | None = None


class Medium(msgspec.Struct, frozen=True, kw_only=True):
    """A storage medium of a machine; ``kind`` of ``sanitise.toml``; ``place``: where in it; ``removed``: why it is
    no longer in it ('' while it is)."""

    medium_id: str
    device_id: str
    kind: str
    serial: str = ""
    place: str = ""
    removed: str = ""


class Wiped(msgspec.Struct, frozen=True):
    """A medium as a certificate names it."""

    medium_id: str
    kind: str
    serial: str


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate of sanitisation (NIST SP 800-88 Rev. 2). ``before`` and ``after`` are classifications, ``sampled``
    per cent of the medium that was read back, ``result`` '' until somebody else verified it, then passed or failed."""

    certificate_id: str
    device_id: str
    manufacturer: str
    model: str
    serial: str
    tag: str = ""
    media: tuple[Wiped, ...]
    source: str
    before: str
    after: str
    method: str
    technique: str
    tool: str = ""
    tool_version: str = ""
    destination: str
    place: str
    note: str = ""
    done_by: str
    done_name: str
    done_at: int
    verification: str = ""
    sampled: Decimal | None = None
    result: str = ""
    verified_by: str = ""
    verified_name: str = ""
    verified_at: int | None = None
    signature_id: str = ""


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``need``: what a department wants, before there is a machine. ``replaces`` are device ids."""

    need_id: str
    title: str
    department: str
    count: int
    reason: str
    state: str
    state_since: int
    asked_by: str
    asked_name: str
    created: int
    kind: str = ""
    networked: bool = True
    budget: Decimal | None = None
    currency: str = ""
    wanted: int | None = None
    replaces: tuple[str, ...] = ()
    model_id: str | None = None
    vendor: str = ""
    order_number: str = ""
    version: int = 1


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: 0 to 4 ``points``, None for "does not apply"; ``exception``: why a blocking one is accepted."""

    question: str
    points: int | None
    note: str = ""
    exception: str = ""
    by_id: str = ""
    by_name: str = ""
    at: int = 0
