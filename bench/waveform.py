"""Waveform coding: Msamples/s and bits/sample on MIT-BIH record 100, with references in the same run.

``python -m bench.waveform --help``. Reads WFDB format 212 itself (two 12-bit samples in three bytes).
One row per block length; reference rows code the same blocks with raw zstd-1 and with a memory copy.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import zstandard

from wardbridge.telemetry.coding import Samples, decode, encode


def read_212(path: Path, channels: int = 2) -> list[Samples]:
    """The channels of a WFDB format 212 signal file."""
    data = np.fromfile(path, np.uint8)
    triples = data[: len(data) // 3 * 3].reshape(-1, 3).astype(np.int16)
    first = triples[:, 0] | ((triples[:, 1] & 0x0F) << 8)
    second = triples[:, 2] | ((triples[:, 1] & 0xF0) << 4)
    flat = np.column_stack([first, second]).reshape(-1)
    flat = np.where(flat > 2047, flat - 4096, flat).astype(np.int16)
    return [np.ascontiguousarray(flat[channel::channels]) for channel in range(channels)]


def measure(work: Callable[[], None], samples: int, rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return samples / best / 1e6


def row(
    case: str,
    block_s: float,
    blocks: list[Samples],
    code: Callable[[Samples], bytes],
    back: Callable[[bytes], Samples],
    rounds: int,
) -> dict[str, object]:
    coded = [code(block) for block in blocks]
    for block, one in zip(blocks, coded, strict=True):
        if not np.array_equal(block, back(one)):
            raise SystemExit(f"{case}: not lossless")
    count = sum(map(len, blocks))

    def forth() -> None:
        for block in blocks:
            code(block)

    def return_() -> None:
        for one in coded:
            back(one)

    return {
        "bench": "waveform",
        "case": case,
        "block_s": block_s,
        "samples": count,
        "bits_per_sample": round(sum(map(len, coded)) * 8 / count, 3),
        "encode_msamples_per_s": round(measure(forth, count, rounds), 1),
        "decode_msamples_per_s": round(measure(return_, count, rounds), 1),
        "machine": f"{platform.machine()} {os.cpu_count()} cores",
        "python": platform.python_version(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    suites = Path(os.environ.get("WARDBRIDGE_SUITES", Path(__file__).resolve().parents[2] / "shared" / "suites"))
    parser.add_argument("--file", type=Path, default=suites / "waveforms" / "100.dat", help="format 212, two channels")
    parser.add_argument("--rate", type=float, default=360.0, help="samples a second of each channel")
    parser.add_argument("--channel", type=int, default=0, choices=(0, 1))
    parser.add_argument("--blocks", type=float, nargs="+", default=[1, 2, 5, 10, 60], help="block lengths in s")
    parser.add_argument("--rounds", type=int, default=7, help="the best of so many")
    args = parser.parse_args()
    signal = read_212(args.file)[args.channel]
    compressor, decompressor = zstandard.ZstdCompressor(level=1), zstandard.ZstdDecompressor()
    for length in args.blocks:
        size = int(length * args.rate)
        blocks = [signal[start : start + size] for start in range(0, len(signal) - size + 1, size)]
        print(json.dumps(row("wardbridge", length, blocks, encode, decode, args.rounds)), flush=True)
        if length in (10, 60):
            print(
                json.dumps(
                    row(
                        "reference: raw zstd-1",
                        length,
                        blocks,
                        lambda b: compressor.compress(b.data),
                        lambda c: np.frombuffer(decompressor.decompress(c), np.int16),
                        args.rounds,
                    )
                )
            )
            print(
                json.dumps(
                    row(
                        "reference: memory copy",
                        length,
                        blocks,
                        lambda b: b.tobytes(),
                        lambda c: np.frombuffer(c, np.int16),
                        args.rounds,
                    )
                ),
                flush=True,
            )


if __name__ == "__main__":
    main()
