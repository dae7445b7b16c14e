"""Forms of codes: UCUM by its grammar, SNOMED CT and LOINC by their check digits, ECL by its grammar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.fhir.validate.ecl import is_ecl
from wardbridge.fhir.validate.systems import LOINC, SNOMED, UCUM, code_problem, is_loinc, is_sctid
from wardbridge.fhir.validate.ucum import METRIC, PLAIN, PREFIXES, is_unit

UNITS = (
    "mm[Hg] /min 10*9/L 10*-3 10^3/uL {beats}/min % 1 mL/min/{1.73_m2} kg.m2 m2 s-1 cm[H2O] [degF] Cel ug/dL [iU]/mL "
    "mm[Hg]{hg} 2.3 (m/s)/s %[slope] m[H2O] B[10.nV] [in_i'H2O] mol/kg/s dB[SPL] KiBy"
)
NO_UNITS = "mmHg fmm[Hg] bpm dk m/ /  ./min m//s (m {a [in_x] k% 10*x kmin °C µg"


@pytest.mark.parametrize("unit", UNITS.split())
def test_units(unit: str) -> None:
    assert is_unit(unit)


@pytest.mark.parametrize("text", [*NO_UNITS.split(), "", " m", "m ", "mm [Hg]", "{a b}", "a" * 300])
def test_no_units(text: str) -> None:
    assert not is_unit(text)


@given(st.text(max_size=30))
def test_any_text_is_judged(text: str) -> None:
    assert is_unit(text) in (True, False)
    assert is_ecl(text) in (True, False)
    assert code_problem(SNOMED, text) is None or not is_sctid(text)


metric = st.sampled_from(sorted(METRIC))
atoms = st.one_of(
    st.sampled_from(sorted(PLAIN)),
    metric,
    st.builds(str.__add__, st.sampled_from(sorted(PREFIXES)), metric),
)


@given(
    st.lists(st.tuples(atoms, st.sampled_from(["", "2", "-1"]), st.sampled_from(["", "{x}"])), min_size=1, max_size=4),
    st.sampled_from("./"),
)
def test_units_are_made_of_atoms(parts: list[tuple[str, str, str]], sign: str) -> None:
    text = sign.join(atom + (exponent if not atom[-1].isdigit() else "") + note for atom, exponent, note in parts)
    assert is_unit(text)


@pytest.mark.parametrize("code", ["276885007", "80891009", "35901911000001104", "900000000000207008", "138875005"])
def test_identifiers_of_snomed(code: str) -> None:
    assert is_sctid(code)
    assert code_problem(SNOMED, code) is None
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    assert not is_sctid(wrong)
    assert code_problem(SNOMED, wrong) is not None


@pytest.mark.parametrize("code", ["1", "276885007x", "", "12345", "0276885007", "1" * 19])
def test_no_identifiers_of_snomed(code: str) -> None:
    assert not is_sctid(code)


def test_expressions_of_snomed_are_left_alone() -> None:
    assert code_problem(SNOMED, "128045006:{363698007=56459004}") is None


@pytest.mark.parametrize(
    "code", ["8867-4", "85354-9", "2708-6", "60591-5", "8310-5", "LP29684-5", "LA6576-8", "LL1162-8"]
)
def test_loinc(code: str) -> None:
    assert is_loinc(code)


@pytest.mark.parametrize("code", ["8867-5", "8867", "8867-", "12345678-1", "8867-44"])
def test_no_loinc(code: str) -> None:
    assert code_problem(LOINC, code) is not None


def test_other_systems() -> None:
    assert code_problem(UCUM, "mmHg") == "is no UCUM unit"
    assert code_problem("urn:ietf:bcp:47", "de-CH") is None
    assert code_problem("urn:ietf:bcp:47", "german language") is not None
    assert code_problem("urn:iso:std:iso:4217", "eur") is not None
    assert code_problem("https://hospital.test/codes", "anything") is None


ECL = [
    "*",
    "138875005",
    "<< 138875005 |SNOMED CT Concept|",
    "<< 73211009 AND < 64572001",
    "^ 929360041000036105",
    "(<< 73211009 OR << 64572001) MINUS 138875005",
    "< 64572001 : 363698007 = << 80891009",
    "< 64572001 : { 363698007 = << 80891009, 116676008 = * }, [0..1] 246075003 = 138875005",
    "< 64572001 : 1142135004 >= #250",
    "< 64572001 . 363698007",
    '< 64572001 {{ term = "heart" }}',
    "<!138875005",
]


@pytest.mark.parametrize("text", ECL)
def test_constraints(text: str) -> None:
    assert is_ecl(text)


NO_ECL = [
    "",
    "234234 << 234234",
    "<<",
    "< 1",
    "( 138875005",
    "138875005 )",
    "138875005 AND",
    "< 64572001 :",
    "abc",
    "< 64572001 : 363698007",
    "138875006",
]


@pytest.mark.parametrize("text", NO_ECL)
def test_no_constraints(text: str) -> None:
    assert not is_ecl(text)
