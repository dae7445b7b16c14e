"""Metric states into readings and waveforms (IEEE 11073-10207, AbstractMetricState)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from wardbridge.devices.drivers.sdc.describe import MetricFacts, Node
from wardbridge.devices.drivers.sdc.mapping import (
    CATEGORY,
    DERIVATION,
    GENERATION,
    VALIDITY,
    child,
    micros,
)
from wardbridge.devices.values import Quality, Reading, Waveform

FULL = 32_767
WAVES = ("RealTimeSampleArrayMetric",)


def quality_of(state: Any, value: Any) -> Quality:
    """Validity and generation mode of a metric value; a component that is off has no value."""
    quality = Quality.GOOD
    told = child(value, "MetricQuality")
    if told is not None:
        quality |= VALIDITY.get(told.get("Validity", ""), Quality.QUESTIONABLE)
        quality |= GENERATION.get(told.get("Mode", "Real"), Quality.QUESTIONABLE)
    if value is None or (value.get("Value") is None and value.get("Samples") is None):
        quality |= Quality.UNAVAILABLE
    return quality


def reading(
    node: Node,
    facts: MetricFacts,
    channel: str,
    state: Any,
    extra: Quality = Quality.GOOD,
    limits: tuple[str, str] = ("", ""),
) -> Reading:
    """One metric state. The value stays as it was written; ``extra`` is the quality of device and alarms."""
    value = child(state, "MetricValue")
    text = "" if value is None else value.get("Value", value.get("Samples", ""))
    number: float | None = None
    if node.kind == "NumericMetric" and text:
        number = float(text)
    kind, letter = CATEGORY.get(facts.category, ("measurement", ""))
    derivation = DERIVATION.get(facts.derivation, "")
    return Reading(
        channel=channel,
        code=node.code.code,
        refid=node.code.refid,
        text=text,
        number=number,
        unit=facts.unit,
        ucum=facts.ucum,
        device_time=0 if value is None else micros(value.get("DeterminationTime")),
        end_time=0 if value is None else micros(value.get("StopTime")),
        quality=int(quality_of(state, value) | extra),
        method=derivation + letter if letter else "",
        low=limits[0],
        high=limits[1],
        body_site=facts.body_site,
        system=node.code.system,
        kind=kind,
        label=facts.label,
    )


def waveform(
    node: Node, facts: MetricFacts, channel: str, state: Any, extra: Quality = Quality.GOOD
) -> Waveform | None:
    """One run of samples; None where the state carries none. Raises ValueError for samples without a period
    or that are no numbers."""
    value = child(state, "MetricValue")
    if value is None or not value.get("Samples", "").strip():
        return None
    if facts.period <= 0:
        raise ValueError("has samples but no sample period")
    samples, scale, offset = pack(value.get("Samples"), facts.resolution)
    return Waveform(
        channel=channel,
        code=node.code.code,
        refid=node.code.refid,
        device_time=micros(value.get("DeterminationTime")),
        period=facts.period,
        samples=samples,
        scale=scale,
        offset=offset,
        unit=facts.unit,
        ucum=facts.ucum,
        quality=int(quality_of(state, value) | extra),
        label=facts.label,
        sequence=int(state.get("StateVersion", "0")),
    )


def pack(text: str, resolution: float) -> tuple[bytes, float, float]:
    """Decimal samples as little-endian int16 with scale and offset, exactly wherever 16 bits hold them.

    Tried in this order: steps of the descriptor's resolution; steps of the last written digit; the same
    around the middle of the run; only then the nearest of 65,535 steps between the extremes.
    Raises ValueError for what is no number.
    """
    words = text.split()
    try:
        values = np.array(words, dtype=np.float64)
    except ValueError:
        raise ValueError("has a sample that is no number") from None
    if not np.isfinite(values).all():
        raise ValueError("has a sample that is not finite")
    steps = [resolution] if resolution > 0 else []
    for step in steps:
        found = _fit(values, step, 0.0)
        if found is not None:
            return found, step, 0.0
    digit = _last_digit(words)
    found = _fit(values, digit, 0.0)
    if found is not None:
        return found, digit, 0.0
    middle = round((values.min() + values.max()) / 2 / digit) * digit
    found = _fit(values, digit, middle)
    if found is not None:
        return found, digit, float(middle)
    scale = float(values.max() - values.min()) / (2 * FULL)
    return np.rint((values - middle) / scale).clip(-FULL, FULL).astype("<i2").tobytes(), scale, float(middle)


def _fit(values: np.ndarray[Any, np.dtype[np.float64]], step: float, offset: float) -> bytes | None:
    """The values as whole steps, or None where they are not whole or do not fit."""
    scaled = (values - offset) / step
    whole = np.rint(scaled)
    if np.abs(scaled - whole).max() > 1e-6 * max(1.0, float(np.abs(scaled).max())):
        return None
    if np.abs(whole).max() > FULL:
        return None
    return whole.astype("<i2").tobytes()


def _last_digit(words: list[str]) -> float:
    """The value of the last digit that any of the numbers is written with."""
    try:
        finest = min(Decimal(word).as_tuple().exponent for word in set(words))
    except InvalidOperation:
        raise ValueError("has a sample that is no number") from None
    return float(10.0 ** min(int(finest), 0))
