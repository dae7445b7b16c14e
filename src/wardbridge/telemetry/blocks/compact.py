"""Hot rows become long blocks: a job that may be stopped or killed at any point.

One transaction takes hot rows of one device away and stores their blocks, so every sample is always
in exactly one of both places. Late data become blocks of their own; nothing is rewritten.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

import structlog

from wardbridge.core.clock import DAY, MINUTE
from wardbridge.core.db import Pool, transaction
from wardbridge.telemetry import hot, levels, numerics, waves
from wardbridge.telemetry.blocks import store
from wardbridge.telemetry.blocks.store import SPAN, Block
from wardbridge.telemetry.values import Kept, KeptWave

log = structlog.get_logger(__name__)

Cuts = Callable[[str, int, int], Awaitable[Sequence[int]]]
"""(device_id, start, end) -> moments in µs at which blocks must be cut, such as binding boundaries."""

DELAY = 10 * MINUTE
"""Hot rows younger than this stay, for the live stream."""


async def no_cuts(device_id: str, start: int, end: int) -> Sequence[int]:
    """Cut nowhere."""
    return ()


async def compact(pool: Pool, now: int, *, delay: int = DELAY, cuts: Cuts = no_cuts, rows: int = 4000) -> int:
    """Turn hot rows received before ``now - delay`` into blocks. Returns how many rows.

    Raises Unavailable when the database is away; calling again goes on where it stood.
    """
    total = 0
    for device in await store.ripe(pool, now - delay):
        while True:
            async with transaction(pool) as conn:
                taken = await store.take(conn, device, now - delay, rows)
                if not taken:
                    break
                pieces = [hot.decode(row.device_id, row.received, row.body) for row in taken]
                spans = [hot.span(piece) for piece in pieces]
                moments = sorted(await cuts(device, min(s for s, _ in spans), max(e for _, e in spans)))
                values: dict[int, list[Kept]] = defaultdict(list)
                runs: dict[int, list[KeptWave]] = defaultdict(list)
                for piece in pieces:
                    for channel, value in hot.numerics(piece):
                        values[channel].append(value)
                    for run in hot.waves(piece):
                        runs[run.wave.channel].append(run)
                await store.insert(
                    conn,
                    "numeric",
                    [block for channel, some in values.items() for block in numeric_blocks(channel, some, moments)],
                )
                await store.insert(
                    conn,
                    "wave",
                    [block for channel, some in runs.items() for block in wave_blocks(channel, some, moments)],
                )
            total += len(taken)
            if len(taken) < rows:
                break
    if total:
        log.info("telemetry.compacted", rows=total)
    return total


def numeric_blocks(channel: int, values: Iterable[Kept], moments: Sequence[int]) -> Iterator[Block]:
    """Blocks of one channel's values, cut at full hours and at ``moments``."""
    parts: dict[tuple[int, int], list[Kept]] = defaultdict(list)
    for value in numerics.unique(values):
        parts[_place(value.time, "numeric", moments)].append(value)
    for some in parts.values():
        yield Block(
            channel,
            some[0].time,
            some[-1].time + 1,
            max(value.received for value in some),
            len(some),
            numerics.encode(some),
            levels.encode(levels.of_numerics(some, levels.STEP["numeric"])),
        )


def wave_blocks(channel: int, runs: Iterable[KeptWave], moments: Sequence[int]) -> Iterator[Block]:
    """Blocks of one channel's runs, cut at full minutes and at ``moments``."""
    parts: dict[tuple[int, int], list[KeptWave]] = defaultdict(list)
    length = SPAN["wave"]
    for run in waves.unique(runs):
        wave = run.wave
        last = wave.at(len(wave.samples) // 2 - 1)
        minutes = range((wave.at(0) // length + 1) * length, last + 1, length)
        for part in waves.cut(wave, sorted([*minutes, *(m for m in moments if wave.at(0) < m <= last)])):
            parts[_place(part.at(0), "wave", moments)].append(KeptWave(part, run.received))
    for some in parts.values():
        stop = max(run.wave.at(len(run.wave.samples) // 2 - 1) for run in some) + 1
        yield Block(
            channel,
            some[0].wave.at(0),
            stop,
            max(run.received for run in some),
            sum(len(run.wave.samples) // 2 for run in some),
            waves.encode(some),
            levels.encode(levels.of_waves(some, levels.STEP["wave"])),
        )


def _place(time: int, kind: str, moments: Sequence[int]) -> tuple[int, int]:
    return time // SPAN[kind], sum(moment <= time for moment in moments)


async def retain(pool: Pool, days: Mapping[str, int], now: int) -> list[str]:
    """Drop samples older than the policy: ``{"numeric": 365, "wave": 30}``, by receive time.

    Returns the names of the dropped days. A kind that is not named is kept.
    """
    dropped: list[str] = []
    for kind, count in days.items():
        dropped += await store.drop_days(pool, kind, now - count * DAY)
    if days:
        await store.drop_hot(pool, now - max(days.values()) * DAY)
    return dropped
