"""Lossless coding of waveform samples: difference, zigzag, byte planes, zstd level 1.

Neighbouring samples differ by little, so after zigzag almost all of the difference is in the low
byte; split into planes, the high bytes are mostly zero and vanish. Blocks are independent and carry
their own length. Layout: one byte (``1`` both planes, ``2`` low plane only), then one zstd frame.
"""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from wardbridge.core.errors import Invalid
from wardbridge.telemetry import zstd

Samples = npt.NDArray[np.int16]

_BOTH = b"\x01"
_LOW = b"\x02"


class _Tools(threading.local):
    """Scratch memory, which must not be shared between threads."""

    def __init__(self) -> None:
        self.grow(8192)

    def grow(self, count: int) -> None:
        self.room = count
        self.steps = np.empty(count, np.int16)
        self.signs = np.empty(count, np.int16)
        self.planes = np.empty(2 * count, np.uint8)


_tools = _Tools()


def encode(samples: Samples) -> bytes:
    """``samples`` (int16, one dimension) as one block; an empty array is ``b""``."""
    count = len(samples)
    if count == 0:
        return b""
    tools = _tools
    if count > tools.room:
        tools.grow(1 << (count - 1).bit_length())
    steps, signs = tools.steps[:count], tools.signs[:count]
    steps[0] = samples[0]
    # Differences wrap at 16 bits, and so does their sum: nothing is lost.
    np.subtract(samples[1:], samples[:-1], out=steps[1:])
    np.right_shift(steps, 15, out=signs)
    np.left_shift(steps, 1, out=steps)
    np.bitwise_xor(steps, signs, out=steps)
    both = steps.view(np.uint8)
    planes = tools.planes[: 2 * count]
    planes[:count] = both[0::2]
    planes[count:] = both[1::2]
    if planes[count:].any():
        return _BOTH + zstd.squeeze(planes.data)
    return _LOW + zstd.squeeze(planes[:count].data)


def decode(block: bytes) -> Samples:
    """The inverse of :func:`encode`. Raises Invalid for bytes that are no block."""
    if not block:
        return np.empty(0, np.int16)
    kind = block[:1]
    plain = np.frombuffer(zstd.expand(memoryview(block)[1:]), np.uint8)
    if kind == _LOW:
        steps = plain.astype(np.uint16)
    elif kind == _BOTH and len(plain) % 2 == 0:
        count = len(plain) // 2
        both = np.empty(2 * count, np.uint8)
        both[0::2] = plain[:count]
        both[1::2] = plain[count:]
        steps = both.view("<u2")
    else:
        raise Invalid("not a waveform block: unknown layout", "telemetry")
    signed = (steps >> 1).view(np.int16) ^ -(steps & 1).view(np.int16)
    return np.cumsum(signed, dtype=np.int16)
