"""UCUM by its grammar: what is a unit, what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.fhir.validate.ucum import is_unit

UNITS = [
    "mm[Hg]",
    "ug/kg/min",
    "10*3/uL",
    "10^9/L",
    "10*-6",
    "{beats}/min",
    "/min",
    "1",
    "%",
    "mg/dL",
    "mL/min/{1.73_m2}",
    "mL/min/1.73.m2",
    "[degF]",
    "Cel",
    "cm[H2O]",
    "4.[pi].10*-7.N/A2",
    "m2",
    "meq/L",
    "k[IU]/mL",
    "[iU]/L",
    "mosm/kg",
    "g%",
    "wk",
    "mo",
    "10",
    "/[HPF]",
    "{score}",
    "kg.m/s2",
    "dB[SPL]",
    "[pH]",
    "ng/mL/h",
    "mol/(kg.s)",
    "[in_i'H2O]",
    "mL{total}/h",
    "{INR}",
    "1/d",
    "a_j",
    "m[H2O]",
]
NONE = [
    "",
    "mmHg",
    "mcg",
    "cel",
    "bpm",
    "mEq",
    "kg m",
    "m/",
    ".m",
    "mg//dL",
    "(m",
    "m)",
    "{a",
    "a}",
    "µg",
    "kkg",
    "m[Hg",
    "min2x",
    "k%",
    "[mi_i",
    "(m/s)2",
]


@pytest.mark.parametrize("code", UNITS)
def test_unit(code: str) -> None:
    assert is_unit(code)


@pytest.mark.parametrize("code", NONE)
def test_no_unit(code: str) -> None:
    assert not is_unit(code)


@given(st.sampled_from(UNITS), st.sampled_from(UNITS))
def test_a_quotient_of_units_is_a_unit(one: str, other: str) -> None:
    assert is_unit(f"({one})/({other})")


@given(st.text("mgL/.(){}[]10*^-kHu%", max_size=40))
def test_any_text_is_judged(text: str) -> None:
    assert is_unit(text) in (True, False)


def test_depth_is_bounded() -> None:
    assert not is_unit("(" * 200 + "m" + ")" * 200)
