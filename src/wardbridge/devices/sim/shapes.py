"""Wave shapes: tables over the phase of a beat or breath, and the components of an ECG complex.

Amplitudes are relative (0 to 1) except for the ECG, which is in mV. The tables are built once; a wave
is then an interpolation of all its samples at once.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GRID: Final = np.linspace(0.0, 1.0, 257)

# (seconds from the R peak, width in s, mV in lead II). P and T move with the square root of the interval.
P_WAVE: Final = ((-0.17, 0.022, 0.12),)
QRS: Final = ((-0.026, 0.008, -0.11), (0.0, 0.0105, 1.05), (0.028, 0.009, -0.20))
T_WAVE: Final = ((0.285, 0.052, 0.30), (0.225, 0.05, 0.06))
WIDE_QRS: Final = ((-0.035, 0.026, 0.35), (0.02, 0.034, 1.35), (0.085, 0.03, -0.45))
WIDE_T: Final = ((0.30, 0.065, -0.38),)


def _scaled(values: Floats) -> Floats:
    low, high = values.min(), values.max()
    scaled: Floats = (values - low) / (high - low)
    return scaled


def _pressure() -> Floats:
    """An arterial pulse: fast upstroke, shoulder, dicrotic notch, run-off to the next onset."""
    x = GRID
    upstroke = 1.0 / (1.0 + np.exp(-(x - 0.075) / 0.016))
    fall = np.exp(-np.clip(x - 0.12, 0.0, None) / 0.34)
    notch = -0.13 * np.exp(-(((x - 0.40) / 0.022) ** 2)) + 0.10 * np.exp(-(((x - 0.47) / 0.045) ** 2))
    wave = upstroke * fall + notch
    # The pulse must begin and end at the same pressure: remove what is left of the run-off.
    return _scaled(wave - (wave[0] + (wave[-1] - wave[0]) * x))


def _pleth() -> Floats:
    """A volume pulse: slower than the pressure, with a soft second hump."""
    x = GRID
    wave = np.exp(-(((x - 0.21) / 0.105) ** 2)) + 0.42 * np.exp(-(((x - 0.50) / 0.15) ** 2))
    return _scaled(wave - (wave[0] + (wave[-1] - wave[0]) * x))


def _breath(inspired: float) -> Floats:
    """Thoracic volume over one breath: rises over the inspired share, then runs off."""
    x = GRID
    rise = np.sin(0.5 * np.pi * np.clip(x / inspired, 0.0, 1.0)) ** 1.4
    fall = np.exp(-np.clip(x - inspired, 0.0, None) / (0.28 * (1.0 - inspired)))
    wave = rise * fall
    return _scaled(wave - wave[-1] * x)


def _capnogram(inspired: float) -> Floats:
    """CO2 over one breath: falls at once as gas flows in, rises after the dead space, slopes to its end."""
    x = GRID
    washed_out = 1.0 / (1.0 + np.exp((x - 0.045) / 0.009))
    rise = 1.0 / (1.0 + np.exp(-(x - inspired - 0.09) / 0.014))
    slope = 0.88 + 0.12 * np.clip((x - inspired - 0.09) / (0.91 - inspired), 0.0, 1.0)
    wave: Floats = np.maximum(washed_out, rise * slope)
    wave /= wave[-1]
    return wave


PRESSURE: Final = _pressure()
NOTCH: Final = 0.43  # the share of the tables that is systole
# Mean of the pressure table over systole and over the rest.
SYSTOLE_MEAN: Final = float(PRESSURE[GRID <= NOTCH].mean())
RUN_OFF_MEAN: Final = float(PRESSURE[GRID > NOTCH].mean())
PLETH: Final = _pleth()
BREATH: Final = _breath(0.36)
INSPIRED: Final = 0.36
CAPNOGRAM: Final = _capnogram(INSPIRED)


def look_up(phase: Floats, table: Floats) -> Floats:
    """The table at every phase (0 to 1), linearly interpolated on its even grid."""
    place = np.clip(phase, 0.0, 1.0) * (len(table) - 1)
    index = np.minimum(place.astype(np.intp), len(table) - 2)
    rest = place - index
    found: Floats = table[index] * (1.0 - rest) + table[index + 1] * rest
    return found


def ejection(interval: Floats) -> Floats:
    """Seconds of systole of beats that take ``interval`` seconds: it shortens less than the interval does."""
    time: Floats = np.minimum(0.34 * np.sqrt(interval), 0.7 * interval)
    return time


def beat_phase(since: Floats, interval: Floats) -> Floats:
    """Place in the tables of a moment ``since`` seconds after the onset of a pulse."""
    systole = ejection(interval)
    early = NOTCH * since / systole
    late = NOTCH + (1.0 - NOTCH) * (since - systole) / (interval - systole)
    phase: Floats = np.where(since < systole, early, late)
    return phase


def bumps(times: Floats, centres: Any, widths: Any, heights: Any) -> Floats:
    """The sum of Gaussian bumps at every time; the ECG complexes of a window in one go."""
    distance = (times[:, None] - np.asarray(centres)) / np.asarray(widths)
    total: Floats = np.exp(-0.5 * distance * distance) @ np.asarray(heights, dtype=np.float64)
    return total
