"""Measuring waves as a person with a ruler would: peaks, troughs, intervals. Knows nothing of the model."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def peaks(wave: Floats, rate: float, above: float, apart: float) -> list[int]:
    """Indices of local maxima over ``above``, at least ``apart`` seconds from one another."""
    found: list[int] = []
    for i in range(1, len(wave) - 1):
        if wave[i] > above and wave[i] >= wave[i - 1] and wave[i] > wave[i + 1]:
            if found and i - found[-1] < apart * rate:
                if wave[i] > wave[found[-1]]:
                    found[-1] = i
            else:
                found.append(i)
    return found


def per_minute(found: list[int], rate: float) -> float:
    """Events a minute from the mean distance of their indices."""
    return 60.0 * rate * (len(found) - 1) / (found[-1] - found[0])


def extremes(wave: Floats, tops: list[int]) -> tuple[float, float]:
    """Mean of the maxima and mean of the minima between them."""
    high = float(np.mean([wave[i] for i in tops]))
    low = float(np.mean([wave[a:b].min() for a, b in itertools.pairwise(tops)]))
    return high, low
