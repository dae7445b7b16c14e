"""Stays out of ADT events: repeats, disorder and cancels (HL7 v2 chapter 3)."""

from __future__ import annotations

from itertools import permutations

import pytest

from wardbridge.devices.intervals import FOREVER
from wardbridge.devices.stays import Heard, stays

A01 = Heard("A01", 10, 10, "V", "bed1")
A02 = Heard("A02", 20, 20, "V", "bed2")
A03 = Heard("A03", 30, 30, "V")


def rows(*events: Heard) -> list[tuple[int, int, str]]:
    return [(s.start, s.stop, s.place_id) for s in stays("p", events)]


def test_admit_transfer_discharge_in_any_order_of_arrival() -> None:
    for order in permutations([A01, A02, A03, A01, A02]):
        assert rows(*order) == [(10, 20, "bed1"), (20, 30, "bed2")]


@pytest.mark.parametrize(
    ("cancel", "left"),
    [
        (Heard("A13", 30, 40, "V"), [(10, 20, "bed1"), (20, FOREVER, "bed2")]),
        (Heard("A12", 20, 40, "V", "bed1"), [(10, 30, "bed1")]),
        (Heard("A11", 10, 40, "V"), [(20, 30, "bed2")]),
    ],
)
def test_a_cancel_undoes_what_it_names(cancel: Heard, left: list[tuple[int, int, str]]) -> None:
    assert rows(A01, A02, A03, cancel) == left
    assert rows(cancel, A01, A02, A03, cancel) == left


def test_a_cancel_without_the_original_time_undoes_the_latest_one() -> None:
    second = Heard("A02", 25, 25, "V", "bed3")
    assert rows(A01, A02, second, Heard("A12", 40, 40, "V")) == [(10, 20, "bed1"), (20, FOREVER, "bed2")]


def test_a_transfer_said_again_after_its_cancel_stands() -> None:
    again = Heard("A02", 20, 45, "V", "bed2")
    assert rows(A01, A02, Heard("A12", 20, 40, "V"), again) == [(10, 20, "bed1"), (20, FOREVER, "bed2")]


def test_a_discharge_of_another_visit_ends_nothing() -> None:
    assert rows(A01, Heard("A03", 15, 15, "OTHER")) == [(10, FOREVER, "bed1")]


def test_an_update_opens_a_stay_only_when_nothing_is_known() -> None:
    update = Heard("A08", 15, 15, "V", "bed9")
    assert rows(update) == [(15, FOREVER, "bed9")]
    assert rows(A01, update) == [(10, FOREVER, "bed1")]
    assert rows(A01, A03, Heard("A08", 40, 40, "V")) == [(10, 30, "bed1")]


def test_an_admission_again_is_a_new_stay() -> None:
    assert rows(A01, A03, Heard("A01", 50, 50, "W", "bed1")) == [(10, 30, "bed1"), (50, FOREVER, "bed1")]
