"""Blocks of waveform runs: their times, formats and flags as columns, their samples in one stretch.

Runs keep their own start times, so that jitter and gaps come back as they were. A run that is sent
again is recognised by start, format, flags, sequence and samples; overlapping runs that are not the
same are all kept: nothing is dropped by guess.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from wardbridge.telemetry import coding, columns, zstd
from wardbridge.telemetry.values import KeptWave, Wave

_COLUMNS = 8


class _Rest(msgspec.Struct, array_like=True):
    """(period, scale, offset) of the formats that occur, and the coded samples."""

    formats: list[tuple[float, float, float]]
    samples: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Rest)


def encode(runs: Iterable[KeptWave]) -> bytes:
    """Runs of one channel, in their order, as one block."""
    rows = list(runs)
    formats: dict[tuple[float, float, float], int] = {}
    places = [formats.setdefault((r.wave.period, r.wave.scale, r.wave.offset), len(formats)) for r in rows]
    samples = np.frombuffer(b"".join(row.wave.samples for row in rows), "<i2")
    head = zstd.squeeze(
        columns.pack(
            [
                [row.wave.start for row in rows],
                [row.wave.first for row in rows],
                [len(row.wave.samples) // 2 for row in rows],
                places,
                [row.wave.quality for row in rows],
                [row.wave.sequence for row in rows],
                [row.received - row.wave.start for row in rows],
                [len(rows)],
            ]
        ),
        dense=True,
    )
    return len(head).to_bytes(4, "little") + head + _encoder.encode(_Rest(list(formats), coding.encode(samples)))


def decode(channel: int, block: bytes) -> list[KeptWave]:
    """The inverse of :func:`encode`. Raises Invalid for bytes that are no block."""
    size = int.from_bytes(block[:4], "little")
    (starts, firsts, counts, places, qualities, sequences, delays, _), _ = columns.unpack(
        zstd.expand(block[4 : 4 + size]), _COLUMNS
    )
    rest = _decoder.decode(memoryview(block)[4 + size :])
    samples = coding.decode(rest.samples).tobytes()
    runs = []
    place = 0
    for start, first, count, form, quality, sequence, delay in zip(
        starts.tolist(),
        firsts.tolist(),
        counts.tolist(),
        places.tolist(),
        qualities.tolist(),
        sequences.tolist(),
        delays.tolist(),
        strict=True,
    ):
        period, scale, offset = rest.formats[form]
        runs.append(
            KeptWave(
                Wave(
                    channel, start, period, scale, offset, samples[place : place + 2 * count], quality, sequence, first
                ),
                start + delay,
            )
        )
        place += 2 * count
    return runs


def cut(wave: Wave, moments: Sequence[int]) -> list[Wave]:
    """``wave`` in parts, none of which crosses one of ``moments`` (sorted). Sample times do not change."""
    count = len(wave.samples) // 2
    edges = [0]
    for moment in moments:
        if moment <= wave.at(0):
            continue
        if count == 0 or moment > wave.at(count - 1):
            break
        index = int((moment - wave.start) / wave.period) - wave.first
        index = min(max(index, 0), count)
        while index < count and wave.at(index) < moment:
            index += 1
        while index > 0 and wave.at(index - 1) >= moment:
            index -= 1
        if index > edges[-1]:
            edges.append(index)
    if len(edges) == 1:
        return [wave]
    return [
        wave._replace(samples=wave.samples[2 * low : 2 * high], first=wave.first + low)
        for low, high in zip(edges, [*edges[1:], count], strict=True)
    ]


def unique(runs: Iterable[KeptWave]) -> list[KeptWave]:
    """In order of time, what was sent again only once (as first received), even where it was cut."""
    groups: dict[tuple[int, float, float, float, int, int], list[KeptWave]] = defaultdict(list)
    for row in runs:
        wave = row.wave
        groups[wave.start, wave.period, wave.scale, wave.offset, wave.quality, wave.sequence].append(row)
    kept: list[KeptWave] = []
    for group in groups.values():
        if len(group) == 1:
            kept += group
            continue
        parts: list[KeptWave] = []
        for row in sorted(group, key=lambda r: (r.received, r.wave.first, -len(r.wave.samples), r.wave.samples)):
            parts += _rest(row, parts)
        kept += parts
    return sorted(kept, key=lambda row: (row.wave.at(0), row.received, row.wave.sequence, row.wave.samples))


def _rest(row: KeptWave, known: Sequence[KeptWave]) -> list[KeptWave]:
    """The parts of ``row`` whose samples ``known`` does not have yet at the same places."""
    rest = [row]
    for other in known:
        low, high = other.wave.first, other.wave.first + len(other.wave.samples) // 2
        parts = []
        for part in rest:
            begin, end = part.wave.first, part.wave.first + len(part.wave.samples) // 2
            left, right = max(begin, low), min(end, high)
            same = left < right and (_slice(part.wave, left, right) == _slice(other.wave, left, right))
            if not same:
                parts.append(part)
                continue
            for a, b in ((begin, left), (right, end)):
                if a < b:
                    parts.append(KeptWave(part.wave._replace(samples=_slice(part.wave, a, b), first=a), part.received))
        rest = parts
    return rest


def _slice(wave: Wave, low: int, high: int) -> bytes:
    return wave.samples[2 * (low - wave.first) : 2 * (high - wave.first)]


def within(row: KeptWave, start: int, end: int) -> KeptWave | None:
    """The part of a run in [start, end), None where there is none."""
    for part in cut(row.wave, [start, end]):
        if part.samples and start <= part.at(0) < end:
            return KeptWave(part, row.received)
    return None


def joined(runs: Iterable[KeptWave]) -> list[Wave]:
    """Runs that follow each other within half a sample, as one (for drawing and export). A gap, a
    change of format or of flags starts a new one; the joined run keeps the grid of its first part."""
    result: list[Wave] = []
    parts: list[bytes] = []
    for wave in (row.wave for row in runs):
        if result and _follows(result[-1], wave, sum(map(len, parts)) // 2):
            parts.append(wave.samples)
            continue
        if result:
            result[-1] = result[-1]._replace(samples=b"".join(parts))
        result.append(wave)
        parts = [wave.samples]
    if result:
        result[-1] = result[-1]._replace(samples=b"".join(parts))
    return result


def _follows(before: Wave, wave: Wave, count: int) -> bool:
    same = (before.period, before.scale, before.offset, before.quality) == (
        wave.period,
        wave.scale,
        wave.offset,
        wave.quality,
    )
    return same and abs(before.at(count) - wave.at(0)) <= before.period / 2
