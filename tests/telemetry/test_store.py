"""Samples in PostgreSQL: any order of arrival reads back as the set that was sent."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from wardbridge.core.clock import DAY, MINUTE, SECOND, FakeClock
from wardbridge.core.db import transaction
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.telemetry.blocks import store as blocks
from wardbridge.telemetry.blocks.compact import compact, retain
from wardbridge.telemetry.blocks.read import reduced, window
from wardbridge.telemetry.store import append, channels, ensure_channels, last_values, newest, rebase, tail
from wardbridge.telemetry.values import START, ChannelSpec, DeviceSlice, Kept, Numeric, Span, Wave, supersedes
from wardbridge.telemetry.waves import joined

T0 = 1_767_225_600 * SECOND
HR = ChannelSpec("69965/1/147842", "numeric", 147842, "MDC_ECG_HEART_RATE", ucum="/min")
ECG = ChannelSpec("69965/1/131330", "wave", 131330, "MDC_ECG_ELEC_POTL_II", ucum="mV")
MODE = ChannelSpec("69965/1/184504", "text", 184504, "MDC_PUMP_MODE")


async def make(pool: Any, device: str = "dev") -> tuple[int, int, int]:
    async with transaction(pool) as conn:
        ids = await ensure_channels(conn, device, [HR, ECG, MODE])
    return ids[HR.key], ids[ECG.key], ids[MODE.key]


async def send(pool: Any, *pieces: DeviceSlice) -> None:
    async with transaction(pool) as conn:
        await append(conn, pieces)


def value(channel: int, time: int, text: str = "72.50", quality: int = 0, end: int = 0) -> Numeric:
    try:
        number = float(text)
    except ValueError:
        number = None
    return Numeric(channel, time, end, text, number, quality)


def wave(
    channel: int, start: int, samples: Sequence[int], period: float = 4000.0, quality: int = 0, sequence: int = -1
) -> Wave:
    return Wave(channel, start, period, 0.5, 1.0, np.array(samples, "<i2").tobytes(), quality, sequence)


async def test_channels_are_made_once(database: Any) -> None:
    first = await make(database.pool)
    assert await make(database.pool) == first
    again = await asyncio.gather(*(make(database.pool, "other") for _ in range(4)))
    assert len(set(again)) == 1
    async with transaction(database.pool) as conn:
        ids = await ensure_channels(conn, "dev", [ChannelSpec(HR.key, "numeric", HR.code, "RENAMED", ucum="/min")])
        assert ids[HR.key] == first[0]
        other = await ensure_channels(conn, "dev", [ChannelSpec(HR.key, "numeric", HR.code, ucum="Hz")])
        assert other[HR.key] not in first
        assert await ensure_channels(conn, "dev", []) == {}
    known = {channel.channel_id: channel for channel in await channels(database.pool, ["dev"])}
    assert known[first[0]].spec.refid == "RENAMED"
    assert len(known) == 4


async def test_values_keep_their_text_before_and_after_compaction(database: Any, clock: FakeClock) -> None:
    hr, _, mode = await make(database.pool)
    texts = ["72.50", "72.5", "072", "-0.0", ">500", "1e2", "", "120.0"]
    sent = [value(hr, T0 + i * SECOND, text, end=T0 + i * SECOND + 5) for i, text in enumerate(texts)]
    await send(database.pool, DeviceSlice("dev", T0 + 9 * SECOND, [*sent, value(mode, T0, "standby")]))
    expected = [Kept(n.time, n.end, n.text, n.number, 0, T0 + 9 * SECOND) for n in sent]
    for _ in range(2):
        read = await window(database.pool, [hr, mode], T0, T0 + MINUTE)
        assert read.numerics[hr] == expected
        assert read.numerics[mode][0].text == "standby"
        await compact(database.pool, T0 + MINUTE, delay=0)
    assert await database.pool.fetchval("SELECT count(*) FROM telemetry_hot") == 0


async def test_last_values_follow_the_rule(database: Any) -> None:
    hr, _, _ = await make(database.pool)

    async def say(time: int, received: int, text: str) -> str:
        await send(database.pool, DeviceSlice("dev", received, [value(hr, time, text)]))
        return (await last_values(database.pool, ["dev"]))["dev"][0].text

    assert await say(T0, T0, "60") == "60"
    assert await say(T0 + 5 * SECOND, T0 + 5 * SECOND, "61") == "61"
    assert await say(T0 + 2 * SECOND, T0 + 6 * SECOND, "late") == "61"
    assert await say(T0 + 5 * SECOND, T0 + 7 * SECOND, "61c") == "61c"
    assert await say(T0 + DAY, T0 + 8 * SECOND, "ahead") == "ahead"
    assert await say(T0 + 9 * SECOND, T0 + 9 * SECOND, "clock put right") == "clock put right"
    assert await say(T0 - DAY, T0 + 20 * SECOND, "too early") == "clock put right"
    assert await say(T0 - DAY, T0 + 100 * SECOND, "clock set back") == "clock set back"
    assert await say(0, T0 + 101 * SECOND, "no time") == "no time"
    assert await last_values(database.pool, ["nobody"]) == {}
    assert (await last_values(database.pool))["dev"][0].channel.spec.code == 147842


async def test_last_values_fold_like_the_rule_in_any_split(database: Any) -> None:
    """The statement and the function agree, however the values are spread over calls."""
    chance = random.Random(5)
    hr, _, _ = await make(database.pool)
    received = T0
    last: tuple[int, int, str] | None = None
    for number in range(60):
        pieces = []
        for _ in range(chance.randrange(1, 4)):
            received += chance.choice([0, SECOND, 40 * SECOND])
            time = received + chance.choice([0, -SECOND, SECOND, -MINUTE, -100 * MINUTE, DAY])
            text = f"{number}.{len(pieces)}"
            pieces.append(DeviceSlice("dev", received, [value(hr, time, text)]))
            if last is None or supersedes(time, received, last[0], last[1]):
                last = time, received, text
        await send(database.pool, *pieces)
        assert last is not None
        assert (await last_values(database.pool, ["dev"]))["dev"][0].text == last[2]


Model = set[tuple[int, int, object, int]]


def add_to(model: Model, piece: DeviceSlice) -> None:
    """The simple model: a set of (channel, time, value, flags)."""
    for numeric in piece.numerics:
        model.add((numeric.channel, numeric.time, (numeric.text, numeric.number, numeric.end), numeric.quality))
    for run in piece.waves:
        for i, sample in enumerate(np.frombuffer(run.samples, "<i2").tolist()):
            model.add((run.channel, run.start + round(i * run.period), sample, run.quality))


async def read_all(pool: Any, ids: Sequence[int], start: int, end: int) -> tuple[Model, int]:
    read = await window(pool, ids, start, end)
    found: Model = set()
    count = 0
    for channel, kept in read.numerics.items():
        for row in kept:
            found.add((channel, row.time, (row.text, row.number, row.end), row.quality))
            count += 1
    for channel, runs in read.waves.items():
        for run in runs:
            times = run.wave.times().tolist()
            for time, sample in zip(times, np.frombuffer(run.wave.samples, "<i2").tolist(), strict=True):
                found.add((channel, time, sample, run.wave.quality))
            count += len(times)
    return found, count


def deal(chance: random.Random, hr: int, ecg: int, mode: int) -> list[DeviceSlice]:
    """Three minutes of a device with gaps, jitter, flags, repeats and late pieces, in any order."""
    pieces: list[DeviceSlice] = []
    period = chance.choice([4000.0, 1e6 / 360, 16000.0])
    level = 0
    for second in range(180):
        if chance.random() < 0.1:
            continue
        at = T0 + second * SECOND + chance.choice([0, 0, 731])
        samples = []
        for _ in range(int(SECOND / period)):
            level = max(-2000, min(2000, level + chance.randrange(-30, 31)))
            samples.append(level)
        numerics = [value(hr, at, f"{chance.randrange(60, 90)}.{chance.randrange(100):02d}", chance.choice([0, 0, 2]))]
        if chance.random() < 0.05:
            numerics.append(value(mode, at, chance.choice(["run", "standby"])))
        pieces.append(
            DeviceSlice(
                "dev",
                at + chance.randrange(SECOND),
                numerics,
                [wave(ecg, at, samples, period, chance.choice([0, 0, 0, 1]), second)],
            )
        )
    for _ in range(40):
        old = chance.choice(pieces)
        late = old.received + chance.choice([0, SECOND, 10 * MINUTE])
        pieces.append(DeviceSlice("dev", late, old.numerics, old.waves))
    if chance.random() < 0.8:
        chance.shuffle(pieces)
    return pieces


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_reads_back_as_the_same_set(database: Any, seed: int) -> None:
    chance = random.Random(seed)
    hr, ecg, mode = await make(database.pool)
    ids = [hr, ecg, mode]
    model: Model = set()
    pieces = deal(chance, hr, ecg, mode)
    moments = sorted(T0 + chance.randrange(180 * SECOND) for _ in range(3))

    async def cuts(device: str, start: int, end: int) -> Sequence[int]:
        return moments

    while pieces:
        some = [pieces.pop() for _ in range(min(len(pieces), chance.randrange(1, 30)))]
        for piece in some:
            add_to(model, piece)
        await send(database.pool, *some)
        if chance.random() < 0.3:
            await compact(database.pool, T0 + chance.randrange(200) * SECOND, delay=0, cuts=cuts, rows=17)
        found, count = await read_all(database.pool, ids, T0 - SECOND, T0 + 300 * SECOND)
        assert found == model
        assert count == len(model), "something is there twice"
    await compact(database.pool, T0 + DAY, delay=0, cuts=cuts)
    assert await database.pool.fetchval("SELECT count(*) FROM telemetry_hot") == 0
    for _ in range(5):
        low, high = sorted(T0 + chance.randrange(200 * SECOND) for _ in range(2))
        found, count = await read_all(database.pool, ids, low, high)
        assert found == {item for item in model if low <= item[1] < high}
    for row in await database.pool.fetch("SELECT start, stop FROM telemetry_wave"):
        assert not any(row["start"] < moment < row["stop"] for moment in moments)


def brute(model: Model, channel: int, start: int, end: int, step: int, scale: bool) -> list[Span]:
    """Lowest, highest and flags of every step, from the model."""
    steps: dict[int, list[tuple[float, int]]] = {}
    for which, time, content, quality in model:
        if which == channel:
            number = content * 0.5 + 1.0 if scale else content[1]  # type: ignore[operator, index]
            steps.setdefault(time // step, []).append((number, quality))
    spans = []
    for place in sorted(steps):
        if place * step < end and (place + 1) * step > start:
            flags = 0
            for _, quality in steps[place]:
                flags |= quality
            spans.append(
                Span(place * step, step, min(n for n, _ in steps[place]), max(n for n, _ in steps[place]), flags)
            )
    return spans


@pytest.mark.parametrize("compacted", [False, True])
async def test_reduced_windows_lose_no_peak(database: Any, compacted: bool) -> None:
    hr, ecg, mode = await make(database.pool)
    model: Model = set()
    pieces = deal(random.Random(9), hr, ecg, mode)
    for piece in pieces:
        add_to(model, piece)
    await send(database.pool, *pieces)
    if compacted:
        await compact(database.pool, T0 + 100 * SECOND, delay=0)
    for channel, points in ((ecg, 1000), (ecg, 60), (ecg, 7), (hr, 50), (hr, 2), (hr, 1)):
        start, end = T0 + 3_500_000, T0 + 150 * SECOND
        spans = await reduced(database.pool, channel, start, end, points)
        assert spans == brute(model, channel, start, end, spans[0].step, channel == ecg)
        assert len(spans) <= points + 1
    assert await reduced(database.pool, mode, T0, T0 + MINUTE, 10) == []
    with pytest.raises(Invalid):
        await reduced(database.pool, ecg, T0, T0, 10)
    with pytest.raises(NotFound):
        await reduced(database.pool, 999, T0, T0 + 1, 10)


async def test_long_windows_read_levels_only(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, ecg, _ = await make(database.pool)
    await send(
        database.pool,
        *(DeviceSlice("dev", T0 + i * SECOND, [], [wave(ecg, T0 + i * SECOND, [i] * 250)]) for i in range(120)),
    )
    await compact(database.pool, T0 + DAY, delay=0)
    monkeypatch.setattr("wardbridge.telemetry.waves.decode", None)
    spans = await reduced(database.pool, ecg, T0, T0 + 120 * SECOND, 12)
    assert [(span.low, span.high) for span in spans] == [(i * 5.0 + 1, i * 5.0 + 5.5) for i in range(12)]


async def test_gaps_are_gaps_and_runs_join(database: Any) -> None:
    _, ecg, _ = await make(database.pool)
    pieces = [
        DeviceSlice("dev", T0 + i * SECOND, [], [wave(ecg, T0 + i * SECOND, range(250))])
        for i in range(10)
        if i not in (4, 5)
    ]
    await send(database.pool, *pieces)
    await compact(database.pool, T0 + DAY, delay=0)
    runs = joined((await window(database.pool, [ecg], T0 + SECOND, T0 + 9 * SECOND)).waves[ecg])
    assert [(run.at(0) - T0, len(run.samples) // 2) for run in runs] == [(SECOND, 750), (6 * SECOND, 750)]


async def test_the_tail_skips_no_late_commit(database: Any) -> None:
    hr, _, _ = await make(database.pool)
    assert await newest(database.pool) == START
    await send(database.pool, DeviceSlice("dev", T0, [value(hr, T0, "1")]))
    slow = await database.pool.acquire()
    held = slow.transaction()
    await held.start()
    await append(slow, [DeviceSlice("dev", T0, [value(hr, T0 + 1, "slow")])])
    # Only hot rows: the last values of one channel would make the second writer wait for the first.
    await send(database.pool, DeviceSlice("dev", T0, [], [wave(hr, T0, [1, 2])]))
    seen = await tail(database.pool, START, 10)
    assert [piece.slice.numerics[0].text for piece in seen] == ["1"]
    await held.commit()
    await database.pool.release(slow)
    more = await tail(database.pool, seen[-1].position, 10)
    assert len(more) == 2
    assert await tail(database.pool, more[-1].position, 10) == []
    assert await newest(database.pool) == more[-1].position


async def test_a_restored_stream_goes_on(database: Any) -> None:
    hr, _, _ = await make(database.pool)
    await send(database.pool, DeviceSlice("dev", T0, [value(hr, T0)]))
    await database.pool.execute("UPDATE telemetry_hot SET xid = '99999999999'")
    assert await tail(database.pool, START, 10) == []
    async with transaction(database.pool) as conn:
        await rebase(conn)
    assert len(await tail(database.pool, START, 10)) == 1


async def test_compaction_that_dies_leaves_everything_where_it_was(database: Any) -> None:
    hr, ecg, mode = await make(database.pool)
    model: Model = set()
    pieces = deal(random.Random(3), hr, ecg, mode)
    for piece in pieces:
        add_to(model, piece)
    await send(database.pool, *pieces)
    calls = 0

    async def dies(device: str, start: int, end: int) -> Sequence[int]:
        nonlocal calls
        calls += 1
        if calls % 3 == 0:
            await database.pool.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database() AND state LIKE 'idle in trans%'"
            )
        return ()

    failures = 0
    for _ in range(20):
        try:
            await compact(database.pool, T0 + DAY, delay=0, rows=20, cuts=dies)
            break
        except Exception:
            failures += 1
        found, count = await read_all(database.pool, [hr, ecg, mode], T0, T0 + DAY)
        assert (found, count) == (model, len(model))
    assert failures >= 2
    found, count = await read_all(database.pool, [hr, ecg, mode], T0, T0 + DAY)
    assert (found, count) == (model, len(model))


async def test_compactors_side_by_side(database: Any) -> None:
    ids = [await make(database.pool, f"dev{n}") for n in range(4)]
    for n, (hr, _, _) in enumerate(ids):
        await send(database.pool, *(DeviceSlice(f"dev{n}", T0 + i, [value(hr, T0 + i, str(i))]) for i in range(50)))
    moved = await asyncio.gather(*(compact(database.pool, T0 + DAY, delay=0, rows=7) for _ in range(3)))
    assert sum(moved) == 200
    for hr, _, _ in ids:
        assert len((await window(database.pool, [hr], T0, T0 + DAY)).numerics[hr]) == 50


async def test_retention_by_kind(database: Any) -> None:
    hr, ecg, _ = await make(database.pool)
    for day in (0, 10, 20):
        at = T0 + day * DAY
        await send(database.pool, DeviceSlice("dev", at, [value(hr, at)], [wave(ecg, at, [1])]))
    await compact(database.pool, T0 + 30 * DAY, delay=0)
    dropped = await retain(database.pool, {"wave": 5, "numeric": 15}, T0 + 21 * DAY)
    assert len(dropped) == 3
    read = await window(database.pool, [hr, ecg], T0, T0 + 30 * DAY)
    assert [row.time for row in read.numerics[hr]] == [T0 + 10 * DAY, T0 + 20 * DAY]
    assert [run.wave.start for run in read.waves[ecg]] == [T0 + 20 * DAY]
    await send(database.pool, DeviceSlice("dev", T0, [value(hr, T0)]))
    await retain(database.pool, {"numeric": 15}, T0 + 21 * DAY)
    assert await blocks.ripe(database.pool, T0 + 99 * DAY) == []


async def test_bad_samples_are_refused_before_anything_is_written(database: Any) -> None:
    hr, ecg, _ = await make(database.pool)
    good = value(hr, T0)
    for bad in (
        DeviceSlice("dev", T0, [good], [Wave(ecg, T0, 4000.0, 1.0, 0.0, b"\1", 0, -1)]),
        DeviceSlice("dev", T0, [good], [Wave(ecg, T0, 0.0, 1.0, 0.0, b"\1\0", 0, -1)]),
        DeviceSlice("dev", T0, [good, value(hr, T0, "a\0b")]),
    ):
        with pytest.raises(Invalid):
            await send(database.pool, bad)
    await send(database.pool, DeviceSlice("dev", T0), DeviceSlice("dev", T0, [], [wave(ecg, T0, [])]))
    assert await database.pool.fetchval("SELECT count(*) FROM telemetry_hot") == 0
    assert await last_values(database.pool) == {}
