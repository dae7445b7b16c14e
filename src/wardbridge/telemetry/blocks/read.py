"""Windows: at full rate, or reduced to so many points without losing a peak."""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import Invalid
from wardbridge.telemetry import hot, levels, numerics, waves
from wardbridge.telemetry.blocks import store
from wardbridge.telemetry.blocks.store import Found
from wardbridge.telemetry.levels import Level
from wardbridge.telemetry.values import Kept, KeptWave, Span, Window


async def window(pool: Pool | Connection, channel_ids: Sequence[int], start: int, end: int) -> Window:
    """Every sample of the channels in [start, end) of device time (µs since the epoch).

    What was sent twice is there once; ``waves.joined`` makes one run of runs that follow each other.
    """
    return _window(await store.fetch(pool, channel_ids, start, end), channel_ids, start, end)


def _window(found: Sequence[Found], channel_ids: Sequence[int], start: int, end: int) -> Window:
    values: dict[int, list[Kept]] = {channel: [] for channel in channel_ids}
    runs: dict[int, list[KeptWave]] = {channel: [] for channel in channel_ids}
    for row in found:
        if row.source == "numeric":
            values[row.channel] += numerics.decode(row.body)
        elif row.source == "wave":
            runs[row.channel] += waves.decode(row.channel, row.body)
        else:
            piece = hot.decode(row.device_id, row.received, row.body)
            for channel, value in hot.numerics(piece):
                if channel in values:
                    values[channel].append(value)
            for run in hot.waves(piece):
                if run.wave.channel in runs:
                    runs[run.wave.channel].append(run)
    return Window(
        {
            channel: kept
            for channel, some in values.items()
            if (kept := numerics.unique(value for value in some if start <= value.time < end))
        },
        {
            channel: inside
            for channel, many in runs.items()
            if (inside := [part for run in waves.unique(many) if (part := waves.within(run, start, end))])
        },
    )


async def reduced(pool: Pool | Connection, channel_id: int, start: int, end: int, points: int) -> list[Span]:
    """The lowest and highest value of each of about ``points`` steps that touch [start, end).

    Steps begin at multiples of their length, which is rounded up to full seconds (waves) or minutes
    (numerics) where stored levels serve. Raises Invalid for an empty window or no points.
    """
    if end <= start or points < 1:
        raise Invalid("a reduced window needs an end after its start and at least one point", "points")
    step = -(-(end - start) // points)
    stored = levels.STEP[await store.kind(pool, channel_id)]
    if step >= stored:
        step = -(-step // stored) * stored
    low, high = start // step * step, -(-end // step) * step
    found = await store.fetch(pool, [channel_id], low, high, levels=step >= stored)
    if step < stored:
        return _of(_window(found, [channel_id], low, high), channel_id, step).spans(step, start, end)
    parts = [levels.decode(row.body) for row in found if row.source != "hot"]
    fresh = _window([row for row in found if row.source == "hot"], [channel_id], low, high)
    parts.append(_of(fresh, channel_id, stored))
    return levels.merge(parts).coarser(step // stored).spans(step, start, end)


def _of(window: Window, channel_id: int, step: int) -> Level:
    return levels.merge(
        [
            levels.of_numerics(window.numerics.get(channel_id, []), step),
            levels.of_waves(window.waves.get(channel_id, []), step),
        ]
    )
