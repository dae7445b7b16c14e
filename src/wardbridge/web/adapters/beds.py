"""Beds in the order in which people count them (9 before 10)."""

from __future__ import annotations

from wardbridge.core.db import Pool
from wardbridge.devices import board
from wardbridge.devices.board import Bed


async def beds(pool: Pool, ward: str = "") -> list[Bed]:
    """Every bed of a ward (of the house when '')."""
    return sorted((bed for bed in await board.beds(pool, ward) if bed.bed), key=_order)


def _order(bed: Bed) -> tuple[str, str, int, str]:
    digits = "".join(c for c in bed.bed if c.isdigit())
    return bed.ward, bed.room, int(digits) if digits else 0, bed.bed
