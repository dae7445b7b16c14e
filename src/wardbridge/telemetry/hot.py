"""The body of a hot row: all samples of one device and call, quick to write and to read."""

from __future__ import annotations

import msgspec
import numpy as np

from wardbridge.core.errors import Invalid
from wardbridge.telemetry import coding, zstd
from wardbridge.telemetry.values import DeviceSlice, Kept, KeptWave, Numeric, Wave

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[list[Numeric], list[Wave]])


def settled(piece: DeviceSlice) -> DeviceSlice:
    """``piece`` with the receive time where the device gave none, and without empty runs.

    Raises Invalid for samples that are no int16, or a period that is not above zero.
    """
    waves = []
    for given in piece.waves:
        wave = Wave(*given)
        if len(wave.samples) % 2:
            raise Invalid(f"{len(wave.samples)} bytes are no run of int16", f"channel {wave.channel}")
        if not 0 < wave.period < 1e15:
            raise Invalid(f"a period of {wave.period} µs", f"channel {wave.channel}")
        if wave.samples:
            waves.append(wave if wave.start else wave._replace(start=piece.received))
    numerics = [
        value if value.time else value._replace(time=piece.received)
        for value in (given if type(given) is Numeric else Numeric(*given) for given in piece.numerics)
    ]
    return DeviceSlice(piece.device_id, piece.received, numerics, waves)


def span(piece: DeviceSlice) -> tuple[int, int]:
    """Device time of the first sample, and behind the last. Of a piece that is not empty."""
    starts = [value.time for value in piece.numerics] + [wave.at(0) for wave in piece.waves]
    stops = [value.time + 1 for value in piece.numerics]
    stops += [wave.at(len(wave.samples) // 2 - 1) + 1 for wave in piece.waves]
    return min(starts), max(stops)


def encode(piece: DeviceSlice) -> bytes:
    """The samples of a settled ``piece``."""
    waves = [wave._replace(samples=coding.encode(np.frombuffer(wave.samples, "<i2"))) for wave in piece.waves]
    return zstd.squeeze(_encoder.encode((piece.numerics, waves)))


def decode(device_id: str, received: int, body: bytes) -> DeviceSlice:
    """The inverse of :func:`encode`."""
    numerics, waves = _decoder.decode(zstd.expand(body))
    return DeviceSlice(
        device_id, received, numerics, [wave._replace(samples=coding.decode(wave.samples).tobytes()) for wave in waves]
    )


def numerics(piece: DeviceSlice) -> list[tuple[int, Kept]]:
    """(channel, value) of every numeric of a hot row."""
    return [(v.channel, Kept(v.time, v.end, v.text, v.number, v.quality, piece.received)) for v in piece.numerics]


def waves(piece: DeviceSlice) -> list[KeptWave]:
    """Every run of a hot row."""
    return [KeptWave(wave, piece.received) for wave in piece.waves]
