"""Number arrays (OBX-2 NA) to Waveforms: rate and scale come from facets or from the interval.

IHE PCD TF-2 B.8 and the PCD waveform profile: rate in MDC_ATTR_SAMP_RATE (Hz), spacing in
MDC_ATTR_TIME_PD_SAMP, scale in MDC_ATTR_NU_MSMT_RES. An empty number is a gap, and a gap is no sample:
the run is cut there.
"""

from __future__ import annotations

import sys
from array import array
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from wardbridge.devices.drivers.hl7_mllp.containment import Metric
from wardbridge.devices.drivers.hl7_mllp.mapping import RESOLUTION, SAMPLE_PERIOD, SAMPLE_RATE
from wardbridge.devices.values import AnyValue, Reading, Waveform
from wardbridge.exchange.codecs.hl7v2.errors import DATA_TYPE, REQUIRED_FIELD, Problem

LOW, HIGH = -32768, 32767
MAX_DIGITS = 24
_TO_MICROS = {"s": 1e6, "ms": 1e3, "us": 1.0, "min": 6e7}


class Facets:
    """What the rows below (or beside) a waveform say of its time base and scale."""

    __slots__ = ("period", "resolution")

    def __init__(self) -> None:
        self.period = 0.0
        self.resolution: Decimal | None = None

    def take(self, refid: str, text: str, ucum: str) -> None:
        """Note one facet; anything else than a rate, a spacing or a resolution is left alone."""
        try:
            number = Decimal(text.strip())
        except InvalidOperation:
            return
        if not number.is_finite() or number <= 0:
            return
        if refid in SAMPLE_RATE:
            # A rate in seconds or milliseconds is a spacing under the wrong name.
            self.period = float(number) * _TO_MICROS[ucum] if ucum in _TO_MICROS else 1e6 / float(number)
        elif refid in SAMPLE_PERIOD:
            self.period = float(number) * _TO_MICROS.get(ucum, 1e6)
        elif refid in RESOLUTION:
            self.resolution = number


class Wave(NamedTuple):
    """A number array as it was read."""

    channel: str
    metric: Metric
    text: str
    samples: list[str]
    start: int
    end: int
    unit: str
    ucum: str
    quality: int
    where: str


def cut(wave: Wave, below: Facets, beside: Facets) -> tuple[list[AnyValue], list[Problem]]:
    """The Waveforms of one number array, one for each run without a gap."""
    problems: list[Problem] = []
    period = below.period or beside.period
    if not period and wave.end > wave.start and wave.samples:
        period = (wave.end - wave.start) / len(wave.samples)
    if not period:
        problems.append(Problem("the sample rate is missing: kept as text", f"{wave.where}-5", REQUIRED_FIELD))
        return [_as_text(wave)], problems
    scale = below.resolution or beside.resolution or Decimal(1)
    numbers, odd = _numbers(wave.samples)
    if odd:
        problems.append(Problem(f"{odd} samples are not numbers, kept as gaps", f"{wave.where}-5", DATA_TYPE))
    steps, factor, offset, exact = _to_int16(numbers)
    if not exact:
        problems.append(Problem("samples exceed 16 bits and were rounded; the message keeps them", f"{wave.where}-5"))
    found: list[AnyValue] = []
    run: list[int] = []
    first = 0
    for at, step in enumerate([*steps, None]):
        if step is not None:
            if not run:
                first = at
            run.append(step)
        elif run:
            found.append(
                Waveform(
                    wave.channel,
                    wave.metric.code,
                    wave.metric.refid,
                    wave.start + round(first * period),
                    period,
                    _pack(run),
                    float(factor * scale),
                    float(offset * scale),
                    wave.unit,
                    wave.ucum,
                    wave.quality,
                    wave.metric.label,
                )
            )
            run = []
    return found, problems


def _as_text(wave: Wave) -> Reading:
    """Samples without a time base, as they were sent."""
    return Reading(
        wave.channel,
        wave.metric.code,
        wave.metric.refid,
        wave.text,
        None,
        wave.unit,
        wave.ucum,
        wave.start,
        wave.end,
        wave.quality,
        system=wave.metric.system,
        kind="samples",
        label=wave.metric.label,
    )


def _numbers(texts: list[str]) -> tuple[list[Decimal | None], int]:
    """The samples as numbers, None for a gap, and how many of the gaps were other text."""
    numbers = [_number(text) for text in texts]
    odd = sum(1 for text, number in zip(texts, numbers, strict=True) if number is None and text.strip())
    return numbers, odd


def _number(text: str) -> Decimal | None:
    text = text.strip()
    if not text or len(text) > MAX_DIGITS:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < MAX_DIGITS else None


def _to_int16(
    numbers: list[Decimal | None],
) -> tuple[list[int | None], Decimal, Decimal, bool]:
    """(steps, factor, offset, exact): number = step * factor + offset."""
    present = [number for number in numbers if number is not None]
    if not present:
        return [None] * len(numbers), Decimal(1), Decimal(0), True
    digits = max(0, *(-int(n.as_tuple().exponent) for n in present), 0)
    low, high = min(present), max(present)
    for offset in (Decimal(0), low):
        factor = Decimal(1).scaleb(-min(digits, 6))
        edges = ((low - offset) / factor, (high - offset) / factor)
        if digits <= 6 and edges[0] >= LOW and edges[1] <= HIGH:
            return [_step(n, offset, factor) for n in numbers], factor, offset, True
    factor = (high - low) / (HIGH - LOW) or Decimal(1)
    offset = low - LOW * factor
    return [_step(n, offset, factor) for n in numbers], factor, offset, False


def _step(number: Decimal | None, offset: Decimal, factor: Decimal) -> int | None:
    if number is None:
        return None
    return max(LOW, min(HIGH, round((number - offset) / factor)))


def _pack(run: list[int]) -> bytes:
    packed = array("h", run)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()
