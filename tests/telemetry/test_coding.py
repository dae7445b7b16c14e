"""The codecs give back exactly what went in."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench.waveform import read_212
from hypothesis import example, given
from hypothesis import strategies as st

from wardbridge.core.errors import Invalid
from wardbridge.telemetry import coding, columns, numerics, waves
from wardbridge.telemetry.values import Kept, KeptWave, Wave

int16 = st.integers(-32768, 32767)
int64 = st.integers(-(2**62), 2**62)


@given(st.lists(int16, max_size=3000))
@example([-32768, 32767, -32768])
@example([5])
def test_samples_come_back(values: list[int]) -> None:
    samples = np.array(values, np.int16)
    assert coding.decode(coding.encode(samples)).tolist() == values


def test_long_and_strided_runs() -> None:
    signal = (np.sin(np.arange(200_000) / 9) * 900).astype(np.int16)
    assert np.array_equal(coding.decode(coding.encode(signal)), signal)
    assert np.array_equal(coding.decode(coding.encode(signal[::3])), signal[::3])
    assert len(coding.encode(np.zeros(100_000, np.int16))) < 60


def test_threads_do_not_share_scratch_memory() -> None:
    signals = [np.random.default_rng(seed).integers(-2000, 2000, 20_000).astype(np.int16) for seed in range(4)]
    wrong: list[int] = []

    def work(number: int) -> None:
        wrong.extend(
            number
            for _ in range(20)
            if not np.array_equal(coding.decode(coding.encode(signals[number])), signals[number])
        )

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("block", [b"\x01", b"\x02abc", b"\x07" + coding.encode(np.zeros(4, np.int16))[1:]])
def test_foreign_bytes_are_refused(block: bytes) -> None:
    with pytest.raises(Invalid):
        coding.decode(block)


@given(st.lists(st.lists(int64, max_size=50), min_size=1, max_size=5))
def test_columns_come_back(lists: list[list[int]]) -> None:
    data = columns.pack(lists)
    back, length = columns.unpack(data + b"more", len(lists))
    assert [column.tolist() for column in back] == lists
    assert length == len(data)
    with pytest.raises(Invalid):
        columns.unpack(data[:-1], len(lists) + 1)


texts = st.one_of(
    st.decimals(-(10**6), 10**6, places=2).map(str),
    st.integers(-9999, 9999).map(str),
    st.from_regex(r"\A-?[0-9]{1,20}(\.[0-9]{0,5})?\Z"),
    st.text(max_size=12).filter(lambda t: t.isprintable()),
)
kept = st.builds(
    Kept,
    st.integers(0, 2**52),
    st.one_of(st.just(0), st.integers(1, 2**52)),
    texts,
    st.one_of(st.none(), st.floats(allow_nan=False)),
    st.integers(0, 32767),
    st.integers(0, 2**52),
)


@given(st.lists(kept, max_size=40))
@example(
    [
        Kept(1, 0, text, 1.0, 0, 2)
        for text in (
            "72.50",
            "-0",
            "-0.0",
            "+5",
            "007",
            "1e3",
            ".5",
            "5.",
            "0.000",
            "-0.05",
            ">500",
            "",
            "999999999999999.999",
            "٣",
        )
    ]
)
def test_every_text_comes_back(rows: list[Kept]) -> None:
    assert numerics.decode(numerics.encode(rows)) == rows


def test_plain_decimals_are_small() -> None:
    rows = [
        Kept(i * 1_000_000, 0, f"{72 + i % 9 / 10:.2f}", 72 + i % 9 / 10, 0, i * 1_000_000 + 40_000)
        for i in range(3600)
    ]
    rows = [row._replace(number=float(row.text)) for row in rows]
    assert len(numerics.encode(rows)) < 3600


wave = st.builds(
    Wave,
    st.just(3),
    st.integers(0, 2**51),
    st.sampled_from([4000.0, 2000.0, 16000.0, 1e6 / 360, 1e6 / 62.5]),
    st.sampled_from([1.0, 0.005]),
    st.sampled_from([0.0, -12.5]),
    st.lists(int16, min_size=1, max_size=60).map(lambda v: np.array(v, "<i2").tobytes()),
    st.integers(0, 4096),
    st.integers(-1, 2**31),
    st.integers(0, 3),
)


@given(st.lists(st.builds(KeptWave, wave, st.integers(0, 2**51)), max_size=8))
def test_runs_come_back(rows: list[KeptWave]) -> None:
    assert waves.decode(3, waves.encode(rows)) == rows


def samples(run: Wave) -> list[tuple[int, int]]:
    return list(zip(run.times().tolist(), np.frombuffer(run.samples, "<i2").tolist(), strict=True))


@given(wave, st.lists(st.integers(-200_000, 1_200_000), max_size=4))
def test_a_cut_moves_no_sample(run: Wave, offsets: list[int]) -> None:
    moments = sorted(run.start + offset for offset in offsets)
    parts = waves.cut(run, moments)
    assert [pair for part in parts for pair in samples(part)] == samples(run)
    for part in parts:
        times = part.times()
        assert not any(times[0] < moment <= times[-1] for moment in moments)
        assert [part.at(i) for i in range(len(times))] == times.tolist()


@given(wave, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=5))
def test_parts_sent_again_are_there_once(run: Wave, cuts: list[tuple[int, int]]) -> None:
    count = len(run.samples) // 2
    again = [
        run._replace(samples=run.samples[2 * low : 2 * high], first=run.first + low)
        for low, high in cuts
        if low < high <= count
    ]
    rows = [KeptWave(part, 10 + i) for i, part in enumerate([*again, run])]
    assert sorted(pair for row in waves.unique(rows) for pair in samples(row.wave)) == samples(run)


def test_joined_keeps_gaps_and_flags_apart() -> None:
    def run(start: int, count: int, quality: int = 0) -> KeptWave:
        return KeptWave(Wave(1, start, 4000.0, 1.0, 0.0, b"\1\0" * count, quality, -1), 0)

    rows = [run(0, 10), run(41_000, 10), run(80_000, 5), run(104_000, 5), run(124_000, 5, 1)]
    assert [(w.start, len(w.samples) // 2, w.quality) for w in waves.joined(rows)] == [
        (0, 25, 0),
        (104_000, 5, 0),
        (124_000, 5, 1),
    ]
    assert waves.joined([]) == []


@pytest.mark.suite
def test_record_100_against_wfdb(suites: Path) -> None:
    """Our reading of format 212 against the wfdb package, and the goals for size."""
    wfdb: Any = pytest.importorskip("wfdb")
    path = suites / "waveforms" / "100"
    if not path.with_suffix(".dat").exists():
        pytest.skip(f"{path}.dat not found")
    record = wfdb.rdrecord(os.fspath(path), physical=False)
    ours = read_212(path.with_suffix(".dat"))
    for channel in (0, 1):
        assert np.array_equal(ours[channel], record.d_signal[:, channel])
    for seconds, goal in ((10, 4.3), (60, 4.1)):
        size = 360 * seconds
        blocks = [ours[0][i : i + size] for i in range(0, len(ours[0]) - size + 1, size)]
        coded = [coding.encode(block) for block in blocks]
        assert all(np.array_equal(coding.decode(c), b) for c, b in zip(coded, blocks, strict=True))
        assert sum(map(len, coded)) * 8 / (len(blocks) * size) <= goal
