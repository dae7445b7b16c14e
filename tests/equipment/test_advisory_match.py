"""Which machines a document concerns, how certain that is and why; and what must never match."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.equipment.feeds import csaf, enforcement, kev, recall

from wardbridge.equipment.advisories import csaf as csaf_reader
from wardbridge.equipment.advisories import kev as kev_reader
from wardbridge.equipment.advisories import openfda
from wardbridge.equipment.advisories.judge import Machine, Match
from wardbridge.equipment.advisories.match import Register
from wardbridge.equipment.advisories.names import Makers, Name, compare
from wardbridge.equipment.advisories.values import Product


def machine(**fields: Any) -> Machine:
    return Machine(**{"device_id": "d1", "model_id": "m1", "manufacturer": "Acme", "model": "Flow 3"} | fields)


def said(value: dict[str, Any]) -> tuple[Product, ...]:
    read = openfda.document
    if csaf_reader.is_document(value):
        read = csaf_reader.document
    elif kev_reader.is_entry(value):
        read = kev_reader.document
    return tuple(read(value, msgspec.json.encode(value)).products)


def one(value: dict[str, Any], **fields: Any) -> Match | None:
    found, _ = Register([machine(**fields)]).match(said(value))
    return found[0] if found else None


def judged(value: dict[str, Any], **fields: Any) -> tuple[str, str]:
    found = one(value, **fields)
    return ("", "") if found is None else (found.verdict, found.certainty)


# The certainties, one by one.


def test_a_version_inside_is_likely_outside_is_excluded_unknown_is_possible() -> None:
    told = csaf("A", range_="< 2.1")
    assert judged(told, firmware="2.0") == ("candidate", "likely")
    assert judged(told, firmware="") == ("candidate", "possible")
    assert judged(told, firmware="BT05") == ("candidate", "possible")
    outside = one(told, firmware="2.1")
    assert outside is not None
    assert (outside.verdict, outside.reason) == ("excluded", "firmware 2.1 is not within < 2.1")


def test_every_answer_says_why_and_what_is_not_known() -> None:
    found = one(csaf("A", range_="< 2.1"), firmware="")
    assert found is not None
    assert found.why == ("manufacturer Acme is Acme; model Flow 3 is named",)
    assert found.unknown == ("firmware version is not recorded; meant is < 2.1",)


def test_text_that_cannot_be_read_is_shown_and_excludes_nobody() -> None:
    found = one(csaf("A", range_="shipped before the summer"), firmware="9.9")
    assert found is not None
    assert (found.verdict, found.certainty) == ("candidate", "possible")
    assert "shipped before the summer" in found.unknown[0]


def test_an_identifier_is_certain_unless_the_lot_says_otherwise() -> None:
    told = recall("Z-1", recalling_firm="Somebody Else", code_info="UDI-DI 10885403123452, Lot A100, A101")
    mine = {"di": ("10885403123452",), "manufacturer": "Unrelated", "model": "Pump"}
    assert judged(told, lot="a-100", **mine) == ("candidate", "certain")
    assert judged(told, lot="", **mine) == ("candidate", "possible")
    away = one(told, lot="B200", **mine)
    assert away is not None
    assert (away.verdict, away.reason) == ("excluded", "lot B200 not listed")
    bare = recall("Z-2", recalling_firm="Somebody Else", code_info="UDI-DI 10885403123452")
    assert judged(bare, **mine) == ("candidate", "certain")


def test_serials_and_lots_of_the_named_model() -> None:
    told = recall("Z-1", code_info="Serial Numbers 1000-1999")
    assert judged(told, serial="1500") == ("candidate", "certain")
    assert judged(told, serial="") == ("candidate", "possible")
    assert judged(told, serial="2500") == ("excluded", "possible")
    unclear = recall("Z-1", code_info="Serial Numbers 1000-1999 and some 55512 of the Ulm plant, lot unknown 77")
    assert judged(unclear, serial="2500")[0] == "candidate"
    assert judged(recall("Z-1", code_info="All serial numbers")) == ("candidate", "likely")
    assert judged(recall("Z-1", code_info="Made in 2019")) == ("candidate", "possible")


def test_a_catalogue_number_finds_a_model_of_another_name() -> None:
    told = recall("Z-1", product_description="Volumetric pump, REF 8100-20", code_info="REF 8100-20, all lots")
    assert judged(told, model="LVP module", catalogue="810020") == ("candidate", "likely")
    assert one(told, model="LVP module", catalogue="8100-21") is None


def test_what_is_fixed_or_not_affected_is_no_candidate() -> None:
    assert judged(csaf("A", status="known_not_affected", range_="2.0"), firmware="2.0")[0] == "excluded"
    assert one(csaf("A", status="fixed", range_="2.1"), firmware="2.0") is None
    looking = one(csaf("A", status="under_investigation", range_="2.0"), firmware="2.0")
    assert looking is not None
    assert (looking.certainty, looking.unknown) == ("possible", ("the publisher is still investigating",))


def test_the_most_certain_of_several_products_counts() -> None:
    value = csaf("A", range_="< 2.1")
    (vendor,) = value["product_tree"]["branches"]
    vendor["branches"].append({"category": "product_name", "name": "Flow 3 and Flow 4", "branches": [
        {"category": "product_version_range", "name": "something", "product": {"name": "x", "product_id": "P-2"}},
    ]})  # fmt: skip
    value["vulnerabilities"][0]["product_status"]["known_affected"].append("P-2")
    assert judged(value, firmware="2.0") == ("candidate", "likely")
    assert judged(value, firmware="3.0") == ("candidate", "possible")


# CSAF relationships: both parts must be there (false negatives and positives of AND configurations).


def installed(**fields: Any) -> tuple[str, str]:
    value = csaf("A", product="Flow 3 Firmware", range_="< 2.1")
    tree = value["product_tree"]
    tree["branches"].append({"category": "vendor", "name": "Acme", "branches": [
        {"category": "product_name", "name": "Flow 3", "product": {"name": "Flow 3", "product_id": "H-1"}},
    ]})  # fmt: skip
    tree["relationships"] = [{
        "category": "installed_on", "product_reference": "P-1", "relates_to_product_reference": "H-1",
        "full_product_name": {"name": "firmware on Flow 3", "product_id": "R-1"},
    }]  # fmt: skip
    value["vulnerabilities"][0]["product_status"] = {"known_affected": ["R-1"]}
    return judged(value, **fields)


def test_firmware_and_hardware_must_both_fit() -> None:
    assert installed(firmware="2.0") == ("candidate", "likely")
    assert installed(firmware="2.2")[0] == "excluded"
    assert installed(firmware="2.0", model="Flow 9") == ("", "")
    assert installed(firmware="") == ("candidate", "possible")


# Manufacturers.


@pytest.mark.parametrize(("one_", "other"), [
    ("Philips", "Philips Healthcare"), ("Phillips", "PHILIPS MEDICAL SYSTEMS"),
    ("GE Healthcare", "General Electric (GE)"),
    ("Becton, Dickinson and Company (BD)", "CareFusion"), ("Dräger", "Draegerwerk AG & Co. KGaA"),
    ("St. Jude Medical", "Abbott Laboratories"), ("Hillrom and ELI, Baxter International Inc.", "Welch Allyn, Inc."),
    ("Smith & Nephew, Inc.", "Smith and Nephew"), ("Medtronic", "MEDTRONIC SOFAMOR DANEK, INC."),
    ("Silex Technology and GE Healthcare", "GE MEDICAL SYSTEMS"), ("Acme Medical, Inc.", "ACME"),
])  # fmt: skip
def test_names_of_one_manufacturer(one_: str, other: str) -> None:
    makers = Makers()
    assert makers.keys(one_) & makers.keys(other)


@pytest.mark.parametrize(("one_", "other"), [
    ("GE", "Georgia Medical"), ("GE Healthcare", "General Medical Inc."), ("Smith & Nephew", "Smiths Medical"),
    ("Philips", "Philip Morris"), ("*", "Acme"), ("", "Acme"), ("Medical Systems Inc.", "Healthcare Devices Ltd"),
    ("BD", "ABD Instruments"), ("Cook Incorporated", "Cookson"),
])  # fmt: skip
def test_names_of_different_manufacturers(one_: str, other: str) -> None:
    makers = Makers()
    assert not makers.keys(one_) & makers.keys(other)


def test_the_sites_own_names_go_first() -> None:
    makers = Makers({"Acme South": "Flowtech", "Vyaire": "Acme"})
    assert makers.keys("ACME South GmbH") == makers.keys("Flowtech")
    assert makers.keys("Vyaire Medical") == makers.keys("Acme")


# Products: whole words that tell something (false positives of the reference, 1c 9 and 10).


@pytest.mark.parametrize(("text", "model", "strength"), [
    ("BD Alaris Point-of-Care Unit (PCU) Model 8015", "8015", 2), ("Alaris PC Unit", "Alaris PC Unit 8015", 2),
    ("IntelliVue MX (MX400-550)", "IntelliVue MX550", 2), ("IntelliVue (MP2/MX700/800)", "IntelliVue MX800", 2),
    ("IntelliBridge EC 40 Hub", "IntelliBridge EC40", 2), ("LOGIQ, not including LOGIQ 100 Pro", "LOGIQ 100 Pro", 0),
    ("LOGIQ, not including LOGIQ 100 Pro", "LOGIQ E9", 1), ("Infusion Pump", "Pump", 0),
    ("Patient Monitor", "Monitor", 0),
    ("Alaris Gateway Workstation", "Alaris Syringe Module 8110", 0), ("Current", "Current Plus", 0),
    ("Vivid 7", "Vivid 70", 0), ("Model 801", "Model 8015", 0), ("Flow 3", "Flow 30", 0), ("Flow 3", "Overflow 3", 0),
    ("*", "Flow 3", 0), ("", "Flow 3", 0), ("Flow 3", "", 0), ("Version", "Version", 3), ("Flow-3", "FLOW 3", 3),
])  # fmt: skip
def test_product_names(text: str, model: str, strength: int) -> None:
    assert compare(Name(text), Name(model)) == strength


def test_a_wildcard_vendor_or_product_matches_nothing() -> None:
    for told in (csaf("A", vendor="*", range_="*"), csaf("A", vendor="-", range_="*"),
                 csaf("A", product="*", range_="*"), csaf("A", product="-", range_="*")):  # fmt: skip
        assert one(told, firmware="2.0") is None


def test_a_version_of_a_hyphen_does_not_hit_every_version() -> None:
    found = one(csaf("A", range_="-"), firmware="2.0")
    assert found is not None
    assert found.certainty == "possible"
    assert "names no version" in found.unknown[0]


def test_one_word_does_not_match_two_hundred_things() -> None:
    programs = tuple((f"mysql-{name}", "1.0") for name in ("connector-python", "client", "router", "shell", "common"))
    programs += (("mysql", "5.7"), ("libmysqlclient", "18"), ("MySQL Server", "5.7.3"), ("Oracle MySQL", "5.7"))
    machines = [machine(device_id=f"d{n}", software=(one_,)) for n, one_ in enumerate(programs)]
    found, _ = Register(machines).match(said(csaf("A", vendor="Oracle", product="MySQL", range_="< 5.8")))
    assert {dict(machines[int(m.device_id[1:])].software).popitem()[0] for m in found} == {"Oracle MySQL"}


def test_programs_count_by_their_version() -> None:
    told = csaf("A", vendor="Oracle", product="Java Runtime Environment", range_="< 8.1")
    assert judged(told, software=(("Oracle Java Runtime Environment", "8.0"),)) == ("candidate", "likely")
    assert one(told, software=(("Oracle Java Runtime Environment", "8.2"),)) is None
    assert one(told, software=(("Java", "8.0"),)) is None


def test_a_system_without_a_version_in_the_catalogue_is_counted_not_listed() -> None:
    told = said(kev("CVE-2017-0144"))
    machines = [machine(device_id="d1", os="Windows 10 IoT"), machine(device_id="d2", os="VxWorks 6.9"),
                machine(device_id="d3", os="Microsoft Windows 7"),
                machine(device_id="d4", model="Windows")]  # fmt: skip
    register = Register(machines)
    assert register.match(told) == ([], 2)
    assert [(m.device_id, m.certainty) for m in register.broad(told)] == [("d1", "possible"), ("d3", "possible")]


def test_a_device_of_the_catalogue_is_possible_for_it_has_no_versions() -> None:
    told = kev("CVE-2020-25078", vendorProject="D-Link", product="DCS-2530L and DCS-2670L Devices")
    found = one(told, manufacturer="D-Link", model="DCS-2530L", firmware="1.0")
    assert found is not None
    assert (found.certainty, found.unknown) == ("possible", ("the document names no version",))


@given(st.lists(st.sampled_from(["1.0", "2.0", "2.1", "3.0", "", "BT05"]), min_size=1, max_size=20))
def test_every_machine_of_a_named_model_is_accounted_for(versions: list[str]) -> None:
    machines = [machine(device_id=f"d{n}", firmware=text) for n, text in enumerate(versions)]
    found, _ = Register(machines).match(said(csaf("A", range_="< 2.1")))
    assert sorted(m.device_id for m in found) == sorted(m.device_id for m in machines)
    for match in found:
        assert match.why
        assert match.reason if match.verdict == "excluded" else match.certainty != "likely" or not match.unknown


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=20), st.text(max_size=20))
def test_any_text_is_judged(vendor: str, product: str, range_: str, firmware: str) -> None:
    firm, name = vendor.strip() or "x", product.strip() or "x"
    value = csaf("A", vendor=firm, product=name, range_=range_)
    judged(value, firmware=firmware, manufacturer=vendor, model=product)
    judged(enforcement("Z", recalling_firm=firm, product_description=name, code_info=range_),
           serial=firmware, manufacturer=vendor, model=product)  # fmt: skip
