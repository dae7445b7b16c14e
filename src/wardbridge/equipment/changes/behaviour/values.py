"""A finding: a machine did what nobody expected. Times in µs."""

from __future__ import annotations

from typing import Any

import msgspec

KINDS = ("peer", "port", "firmware", "address", "hardware-address", "place")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``unexpected``: one open a machine and kind, with all its details and a counter."""

    unexpected_id: str
    device_id: str
    kind: str
    state: str
    details: list[dict[str, Any]]
    count: int
    first_at: int
    last_at: int
    work_id: str = ""
    reason: str = ""
    settled_at: int | None = None
    settled_by: str = ""


class Mark(msgspec.Struct, frozen=True):
    """What was last known of a machine: its address, hardware address or ward."""

    device_id: str
    kind: str
    value: str
