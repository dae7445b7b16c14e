"""NEWS2 against the published chart, band by band and at every edge."""

from __future__ import annotations

import pytest

from wardbridge.alarms.news2 import score

CHART = {
    "rr": [(3, 3), (8, 3), (9, 1), (11, 1), (12, 0), (20, 0), (21, 2), (24, 2), (25, 3), (60, 3)],
    "spo2": [(70, 3), (91, 3), (92, 2), (93, 2), (94, 1), (95, 1), (96, 0), (100, 0)],
    "sys": [(60, 3), (90, 3), (91, 2), (100, 2), (101, 1), (110, 1), (111, 0), (219, 0), (220, 3)],
    "hr": [(30, 3), (40, 3), (41, 1), (50, 1), (51, 0), (90, 0), (91, 1), (110, 1), (111, 2), (130, 2), (131, 3)],
    "temp": [(34.0, 3), (35.0, 3), (35.1, 1), (36.0, 1), (36.1, 0), (38.0, 0), (38.1, 1), (39.0, 1), (39.1, 2)],
    "consciousness": [("A", 0), ("C", 3), ("V", 3), ("P", 3), ("U", 3)],
    "oxygen": [("air", 0), ("oxygen", 2)],
}
SCALE_2_AIR = [(83, 3), (84, 2), (85, 2), (86, 1), (87, 1), (88, 0), (92, 0), (93, 0), (100, 0)]
SCALE_2_OXYGEN = [(83, 3), (85, 2), (87, 1), (88, 0), (92, 0), (93, 1), (94, 1), (95, 2), (96, 2), (97, 3)]
WELL = {"rr": "16", "spo2": "97", "oxygen": "air", "sys": "120", "hr": "70", "consciousness": "A", "temp": "37.0"}


@pytest.mark.parametrize(
    ("name", "value", "points"), [(name, value, points) for name, rows in CHART.items() for value, points in rows]
)
def test_each_band(name: str, value: object, points: int) -> None:
    assert score({name: str(value)}).parts == ((name, str(value), points),)


@pytest.mark.parametrize(("oxygen", "rows"), [("air", SCALE_2_AIR), ("oxygen", SCALE_2_OXYGEN)])
def test_scale_2(oxygen: str, rows: list[tuple[int, int]]) -> None:
    for value, points in rows:
        parts = score({"spo2": str(value), "oxygen": oxygen}, scale_2=True).parts
        assert ("spo2", str(value), points) in parts


def test_a_well_patient_scores_nothing_and_is_complete() -> None:
    result = score(WELL)
    assert (result.total, result.band, result.complete) == (0, "low", True)


@pytest.mark.parametrize(("changed", "total", "band"), [
    ({"rr": "26"}, 3, "single"), ({"rr": "21", "hr": "115", "oxygen": "oxygen"}, 6, "medium"),
    ({"rr": "26", "spo2": "90", "sys": "95"}, 8, "high"), ({"consciousness": "C"}, 3, "single"),
])  # fmt: skip
def test_bands(changed: dict[str, str], total: int, band: str) -> None:
    result = score({**WELL, **changed})
    assert (result.total, result.band) == (total, band)


def test_what_is_missing_is_named_and_never_scores() -> None:
    result = score({"hr": "140", "rr": "--", "temp": "NaN"})
    assert result.total == 3
    assert set(result.missing) == {"rr", "spo2", "oxygen", "sys", "consciousness", "temp"}
    assert score({}).total is None


def test_values_between_printed_bands_are_rounded_to_the_chart() -> None:
    assert score({"temp": "38.04"}).parts[0][2] == 0
    assert score({"temp": "38.06"}).parts[0][2] == 1
    assert score({"hr": "90.4"}).parts[0][2] == 0
