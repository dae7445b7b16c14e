"""Blocks of numeric values that keep every text as it was sent: 72.50 stays 72.50.

A plain decimal is a whole number and a count of decimals. Whatever would not come back as the very
same text (``>500``, ``-0``, ``1e3``, ``+5``, words) goes into a table of texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
import numpy as np

from wardbridge.telemetry import columns, zstd
from wardbridge.telemetry.values import Kept

_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,3})?", re.ASCII)
_TEXT = -1
_COLUMNS = 8


class _Rest(msgspec.Struct, array_like=True):
    """The table of texts, and the numbers that their texts do not give, by row."""

    texts: list[str]
    numbers: dict[int, float | None]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Rest)


def split(text: str) -> tuple[int, int] | None:
    """``72.50`` as (7250, 2), or None where the text is not a plain decimal."""
    if _PLAIN.fullmatch(text) is None:
        return None
    whole, _, decimals = text.partition(".")
    mantissa = int(whole + decimals)
    if mantissa == 0 and text[0] == "-":
        return None
    return mantissa, len(decimals)


def join(mantissa: int, decimals: int) -> str:
    """The inverse of :func:`split`."""
    if not decimals:
        return str(mantissa)
    digits = str(abs(mantissa)).zfill(decimals + 1)
    return f"{'-' if mantissa < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}"


def number(text: str) -> float | None:
    """The float that a plain decimal text means, else None."""
    return float(text) if _PLAIN.fullmatch(text) else None


def encode(values: Iterable[Kept]) -> bytes:
    """``values`` in their order as one block."""
    rows = list(values)
    texts: dict[str, int] = {}
    numbers: dict[int, float | None] = {}
    mantissas, decimals = [], []
    for place, row in enumerate(rows):
        parts = split(row.text)
        if parts is None:
            parts = texts.setdefault(row.text, len(texts)), _TEXT
        if row.number != number(row.text):
            numbers[place] = row.number
        mantissas.append(parts[0])
        decimals.append(parts[1])
    times = np.array([row.time for row in rows], np.int64)
    body = columns.pack(
        [
            times,
            np.array([row.end - row.time if row.end else 0 for row in rows], np.int64),
            np.array([bool(row.end) for row in rows], np.int64),
            np.array([row.received - row.time for row in rows], np.int64),
            mantissas,
            decimals,
            [row.quality for row in rows],
            [len(rows)],
        ]
    )
    return zstd.squeeze(body + _encoder.encode(_Rest(list(texts), numbers)), dense=True)


def decode(block: bytes) -> list[Kept]:
    """The inverse of :func:`encode`. Raises Invalid for bytes that are no block."""
    data = zstd.expand(block)
    (times, ends, ended, delays, mantissas, decimals, qualities, _), place = columns.unpack(data, _COLUMNS)
    rest = _decoder.decode(memoryview(data)[place:])
    rows = []
    for index, (time, end, has_end, delay, mantissa, places, quality) in enumerate(
        zip(
            times.tolist(),
            ends.tolist(),
            ended.tolist(),
            delays.tolist(),
            mantissas.tolist(),
            decimals.tolist(),
            qualities.tolist(),
            strict=True,
        )
    ):
        text = rest.texts[mantissa] if places == _TEXT else join(mantissa, places)
        value = rest.numbers[index] if index in rest.numbers else number(text)
        rows.append(Kept(time, time + end if has_end else 0, text, value, quality, time + delay))
    return rows


def unique(values: Iterable[Kept]) -> list[Kept]:
    """In order of time and receipt, the same value at the same time only once (as first received).

    Two different values at one time are both kept: devices whose clocks have whole seconds do that.
    """
    seen: set[tuple[int, int, str, float | None, int]] = set()
    rows = []
    for row in sorted(values, key=_order):
        if row[:5] not in seen:
            seen.add(row[:5])
            rows.append(row)
    return rows


def _order(row: Kept) -> tuple[int, int, int, str, int, float]:
    return row.time, row.received, row.end, row.text, row.quality, row.number or 0.0
