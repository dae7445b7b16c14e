"""NEWS2 (Royal College of Physicians, 2017): bands as the published table, scored by one function.

Not for children below 16 years and not in pregnancy. A missing parameter scores nothing and is named.
Reproduced with acknowledgement to the Royal College of Physicians, London.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

VERSION = "RCP 2017"

# (lowest value of the band, points), ascending; a value belongs to the last band that it reaches.
# Values between two printed bands (a temperature of 38.05) are rounded to the table's step first.
RESPIRATION = ((0, 3), (9, 1), (12, 0), (21, 2), (25, 3))
SPO2_SCALE_1 = ((0, 3), (92, 2), (94, 1), (96, 0))
SPO2_SCALE_2_AIR = ((0, 3), (84, 2), (86, 1), (88, 0))
SPO2_SCALE_2_OXYGEN = ((0, 3), (84, 2), (86, 1), (88, 0), (93, 1), (95, 2), (97, 3))
SYSTOLIC = ((0, 3), (91, 2), (101, 1), (111, 0), (220, 3))
PULSE = ((0, 3), (41, 1), (51, 0), (91, 1), (111, 2), (131, 3))
TEMPERATURE = ((0, 3), (35.1, 1), (36.1, 0), (38.1, 1), (39.1, 2))
CONSCIOUSNESS = {"A": 0, "C": 3, "V": 3, "P": 3, "U": 3}
OXYGEN = {"air": 0, "oxygen": 2}

PARAMETERS = ("rr", "spo2", "oxygen", "sys", "hr", "consciousness", "temp")
LABELS = {
    "rr": "Respiration", "spo2": "SpO₂", "oxygen": "Air or oxygen", "sys": "Systolic BP",
    "hr": "Pulse", "consciousness": "Consciousness", "temp": "Temperature",
}  # fmt: skip


class Score(msgspec.Struct, frozen=True):
    """``total`` of what is known; ``parts`` (parameter, value as text, points); ``missing`` parameters.

    band: low (0-4), single (a single 3), medium (5-6), high (7 or more), none when nothing is known.
    """

    total: int | None
    band: str
    parts: tuple[tuple[str, str, int], ...]
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return not self.missing


def _points(bands: tuple[tuple[float, int], ...], value: Decimal) -> int:
    points = bands[0][1]
    for lowest, band in bands:
        if value >= Decimal(str(lowest)):
            points = band
    return points


def score(values: Mapping[str, str], *, scale_2: bool = False) -> Score:
    """Score the parameters in ``values`` (texts: numbers, ACVPU letter, ``air`` or ``oxygen``).

    ``scale_2`` selects the SpO₂ scale for hypercapnic failure (target 88-92 %). A text that is no
    number, or no known letter, counts as missing.
    """
    parts: list[tuple[str, str, int]] = []
    missing: list[str] = []
    for name in PARAMETERS:
        text = values.get(name, "")
        points = _part(name, text, values.get("oxygen", "") == "oxygen", scale_2)
        if points is None:
            missing.append(name)
        else:
            parts.append((name, text, points))
    if not parts:
        return Score(None, "none", (), tuple(missing))
    total = sum(points for _, _, points in parts)
    if total >= 7:
        band = "high"
    elif total >= 5:
        band = "medium"
    else:
        band = "single" if any(points == 3 for _, _, points in parts) else "low"
    return Score(total, band, tuple(parts), tuple(missing))


def _part(name: str, text: str, on_oxygen: bool, scale_2: bool) -> int | None:
    if name == "consciousness":
        return CONSCIOUSNESS.get(text)
    if name == "oxygen":
        return OXYGEN.get(text)
    try:
        value = Decimal(text)
    except ArithmeticError:
        return None
    if not value.is_finite():
        return None
    if name == "temp":
        return _points(TEMPERATURE, value.quantize(Decimal("0.1")))
    value = value.quantize(Decimal(1))
    if name == "spo2":
        if not scale_2:
            return _points(SPO2_SCALE_1, value)
        return _points(SPO2_SCALE_2_OXYGEN if on_oxygen else SPO2_SCALE_2_AIR, value)
    return _points({"rr": RESPIRATION, "sys": SYSTOLIC, "hr": PULSE}[name], value)
