"""Columns of integers as bytes: difference, zigzag, then as many byte planes as the largest needs."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from wardbridge.core.errors import Invalid

Ints = npt.NDArray[np.int64]

_HEAD = struct.Struct("<IB")


def pack(columns: Sequence[Ints | Sequence[int]]) -> bytes:
    """int64 columns of any lengths, coded one after the other (not yet compressed)."""
    parts = []
    for column in columns:
        values = np.asarray(column, np.int64)
        steps = np.diff(values, prepend=np.int64(0))
        folded = ((steps << 1) ^ (steps >> 63)).view(np.uint64)
        width = (int(folded.max()).bit_length() + 7) // 8 if len(folded) else 0
        planes = folded.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width]
        parts += [_HEAD.pack(len(values), width), planes.T.tobytes()]
    return b"".join(parts)


def unpack(data: bytes | memoryview, count: int) -> tuple[list[Ints], int]:
    """``count`` columns, and how many bytes they took. Raises Invalid when the bytes end early."""
    columns = []
    place = 0
    try:
        for _ in range(count):
            length, width = _HEAD.unpack_from(data, place)
            place += _HEAD.size
            planes = np.frombuffer(data, np.uint8, length * width, place).reshape(width, length)
            place += length * width
            whole = np.zeros((length, 8), np.uint8)
            whole[:, :width] = planes.T
            folded = whole.view("<u8").reshape(-1)
            steps = (folded >> np.uint64(1)).view(np.int64) ^ -(folded & np.uint64(1)).view(np.int64)
            columns.append(np.cumsum(steps, dtype=np.int64))
    except (struct.error, ValueError) as error:
        raise Invalid(f"not a telemetry block: {error}", "telemetry") from error
    return columns, place
