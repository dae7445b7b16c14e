"""The nomenclature: numbers and names agree with the published lists, labels and LOINC with the numbers."""

from __future__ import annotations

import csv
import gzip
from importlib.resources import files
from pathlib import Path

import pytest

from wardbridge.terminology import mdc, units
from wardbridge.terminology.mdc import SETTING, Loinc


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(files("wardbridge.terminology").joinpath(name).read_text("utf-8").splitlines()))


@pytest.mark.parametrize(
    ("code", "refid", "problem"),
    [
        ("147842", "MDC_ECG_CARD_BEAT_RATE", ""),
        ("147842", "MDC_ECG_HEART_RATE", ""),
        ("147842", "", ""),
        ("16929196", "MDC_VENT_VOL_TIDAL_SETTING", ""),
        ("16935956", "MDC_HDIALY_BLD_PUMP_BLOOD_FLOW_RATE_SETTING", ""),
        ("196671", "MDC_EVT_LO", ""),
        ("147842", "MDC_TEMP", "mismatch"),
        ("0", "MDC_TEMP", "no-code"),
        ("", "MDC_TEMP", "no-code"),
        ("684810", "MDC_ATTR_EVENT_PHASE", "wrong-code"),
        ("999999", "MDCX_NOVEL", "unknown"),
        ("99999999999", "X", "unknown"),
        ("-5", "X", "unknown"),
        ("²", "X", "unknown"),
        ("", "", "unknown"),
    ],
)
def test_resolve_says_what_it_found_and_never_guesses(code: str, refid: str, problem: str) -> None:
    found = mdc.resolve(code, refid)
    assert found.problem == problem
    if refid:
        assert found.refid == refid
    if problem in ("mismatch", "wrong-code"):
        assert found.code == int(code)


def test_every_code_and_name_is_there_once() -> None:
    table = rows("mdc.csv")
    codes = [int(row["code"]) for row in table]
    assert codes == sorted(set(codes))
    assert len(codes) > 1500
    assert all(0 < code < SETTING for code in codes)


def test_labels_exist_and_their_codes_are_known() -> None:
    table = rows("names.csv")
    codes = [int(row["code"]) for row in table]
    assert len(codes) == len(set(codes)) > 150
    for row in table:
        assert mdc.term(int(row["code"])) is not None, row
        assert row["short"]
        assert len(row["short"]) <= 14
        assert row["long"][0].isupper()
        name = mdc.name(int(row["code"]))
        assert name is not None
        assert 0 <= name.decimals <= 3
    assert mdc.label(150456) == "SpO₂"
    assert mdc.label(16929196) == "Vt set"
    assert mdc.label(1, "MDCX_ODD") == "MDCX_ODD"
    assert mdc.label(77) == "77"


def test_loinc_rows_have_valid_check_digits_and_known_metrics() -> None:
    for row in rows("loinc.csv"):
        term = mdc.term(int(row["mdc"]))
        assert term is not None
        assert term.kind in ("metric", "setting", "attribute")
        for code in (row["loinc"], row["vital"], row["panel"]):
            if code:
                number, _, check = code.partition("-")
                assert check == str(luhn(number)), code


def luhn(number: str) -> int:
    """LOINC's check digit (Mod 10)."""
    total = 0
    for at, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if at % 2 == 0 else 1)
        total += value // 10 + value % 10
    return -total % 10


def test_vital_signs_carry_the_code_that_fhir_asks_for() -> None:
    assert mdc.loinc(150456) == Loinc("59408-5", "2708-6", "")
    assert mdc.loinc(150456).codes == ("2708-6", "59408-5")  # type: ignore[union-attr]
    assert mdc.loinc(150021).panel == "85354-9"  # type: ignore[union-attr]
    assert set(mdc.panel_members("85354-9")) == {150017, 150018, 150019, 150021, 150022, 150023}
    assert mdc.loinc(1) is None


@pytest.mark.parametrize(
    ("code", "text", "system", "ucum"),
    [
        ("266016", "MDC_DIM_MMHG", "MDC", "mm[Hg]"),
        ("266016", "", "MDC", "mm[Hg]"),
        ("264864", "MDC_DIM_BEAT_PER_MIN", "MDC", "/min"),
        ("262656", "MDC_DIM_DIMLESS", "MDC", "1"),
        ("265619", "MDC_DIM_MICRO_G_PER_KG_PER_MIN", "MDC", "ug/kg/min"),
        ("{beat}/min", "{beat}/min", "UCUM", "/min"),
        ("mm[Hg]", "mm[Hg]", "UCUM", "mm[Hg]"),
        ("ml/hr", "ml/hr", "UCUM", "mL/h"),
        ("mmHg", "", "", "mm[Hg]"),
        ("1", "furlong", "99ACME", ""),
        ("147842", "MDC_ECG_CARD_BEAT_RATE", "MDC", ""),
    ],
)
def test_units_on_the_wire_become_ucum(code: str, text: str, system: str, ucum: str) -> None:
    assert units.ucum_of(code, text, system) == ucum


@pytest.mark.parametrize(
    ("value", "unit", "wanted", "expected"),
    [
        (98.6, "[degF]", "Cel", 37.0),
        (37.0, "Cel", "[degF]", 98.6),
        (16.0, "kPa", "mm[Hg]", 120.0),
        (5.0, "mm[Hg]", "mm[Hg]", 5.0),
        (220.46, "[lb_av]", "kg", 100.0),
        (1.0, "mL", "furlong", None),
    ],
)
def test_conversion_knows_or_says_nothing(value: float, unit: str, wanted: str, expected: float | None) -> None:
    got = units.convert(value, unit, wanted)
    assert got == expected if expected is None else got == pytest.approx(expected, abs=0.01)


def test_what_screens_show() -> None:
    assert (units.shown("mm[Hg]"), units.shown("Cel"), units.shown("1"), units.shown("mL/h")) == (
        "mmHg",
        "°C",
        "",
        "mL/h",
    )


def test_a_site_adds_terms_without_changing_known_ones() -> None:
    own = mdc.Nomenclature(mdc.nomenclature())
    own.extend([mdc.Term(61440, "MDCX_OURS", "metric"), mdc.Term(147842, "MDCX_WRONG", "metric")])
    assert own.resolve("61440", "MDCX_OURS").problem == ""
    assert own.term(147842).refid == "MDC_ECG_CARD_BEAT_RATE"  # type: ignore[union-attr]


@pytest.mark.suite
def test_the_seed_agrees_with_the_term_list(suites: Path) -> None:
    file = suites / "mdc" / "rtmms-terms.csv.gz"
    if not file.is_file():
        pytest.skip("suite mdc is absent")
    listed: dict[int, set[str]] = {}
    numbers: dict[str, set[int]] = {}
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            listed.setdefault(int(row["code"]), set()).add(row["refid"])
            numbers.setdefault(row["refid"], set()).add(int(row["code"]))
    facts = {int(row["code"]): row for row in csv.DictReader((suites / "mdc" / "mdc.csv").open(encoding="utf-8"))}
    for term in mdc.nomenclature():
        fact = facts.get(term.code)
        allowed = listed.get(term.code, set()) | ({fact["refid"], *fact["aliases"].split()} if fact else set())
        assert term.refid in allowed, term
        assert not numbers.get(term.refid) or term.code in numbers[term.refid], term


@pytest.mark.suite
def test_units_agree_with_the_unit_list(suites: Path) -> None:
    file = suites / "mdc" / "mdc-units.csv"
    if not file.is_file():
        pytest.skip("suite mdc is absent")
    count = 0
    for row in csv.DictReader(file.open(encoding="utf-8")):
        forms = {row["ucum_preferred"], *row["ucum_also"].split(), "1"}
        ours = units.ucum_of(row["unit_code"], row["unit_refid"], "MDC")
        prefixed = any(form in row["ucum_preferred"] for form in ("k[arb'U]", "M[arb'U]", "m[arb'U]"))
        assert ours == "" if prefixed else ours in forms, row
        count += bool(ours)
    assert count > 300
