"""Statements: order never matters, a vulnerability alone is not enough, and what we write is read back as it was."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber.values import Product, Said, Statement
from wardbridge.equipment.cyber.vex import cyclonedx, openvex
from wardbridge.equipment.cyber.vex.judge import COMPONENT, Subject, Told, current, stands
from wardbridge.equipment.cyber.vex.read import read
from wardbridge.equipment.cyber.vex.words import CYCLONEDX, OF_CYCLONEDX, OPENVEX, STATUSES

SERIAL = "3e671687-395b-41f5-a30f-a58921a69b79"
CVE = "CVE-2021-44228"


def subject(**more: Any) -> Subject:
    part = {"purl": "pkg:maven/org.log/core@2.14.0", "name": "core", "version": "2.14.0", "serial": SERIAL,
            "revision": 1, "ref": "lib"}  # fmt: skip
    root = {"name": "ABC", "version": "4.2", "serial": SERIAL, "revision": 1, "ref": "top"}
    return Subject(cve=more.pop("cve", CVE), part=Product(**part | more.pop("part", {})),
                   root=Product(**root | more.pop("root", {})), model_id="m", manufacturer="Acme Medical",
                   model="Flow 3", firmware="4.2", **more)  # fmt: skip


def document(product: dict[str, Any] | None, *flaws: dict[str, Any], **more: Any) -> bytes:
    meta = {"metadata": {"timestamp": "2022-03-03T00:00:00Z", **({"component": product} if product else {})}}
    return orjson.dumps({"bomFormat": "CycloneDX", "specVersion": "1.4", "version": 1, **meta,
                         "vulnerabilities": list(flaws), **more})  # fmt: skip


def flaw(state: str, *affects: dict[str, Any], cve: str = CVE, **analysis: Any) -> dict[str, Any]:
    return {"id": cve, "analysis": {"state": state, **analysis}, **({"affects": list(affects)} if affects else {})}


def told(sent: bytes) -> list[Told]:
    vex = read(sent)
    return [Told(statement=one, document=vex.serial, revision=vex.revision) for one in vex.statements]


def status(sent: bytes, about: Subject, bills: tuple[str, ...] = (SERIAL,)) -> str:
    found = stands(about, told(sent), bills)
    return found.status if found else ""


ABC = {"name": "ABC", "version": "4.2", "type": "application", "bom-ref": "product-ABC"}


@pytest.mark.parametrize("state", OF_CYCLONEDX)
def test_every_state_of_cyclonedx(state: str) -> None:
    assert status(document(ABC, flaw(state, {"ref": "product-ABC"})), subject()) == OF_CYCLONEDX[state]


def test_the_vulnerability_alone_is_not_enough() -> None:
    sent = document(ABC | {"name": "XYZ"}, flaw("not_affected", {"ref": "product-ABC"}))
    assert status(sent, subject()) == ""
    assert status(document(ABC, flaw("not_affected", cve="CVE-2021-45105")), subject()) == ""
    other_version = document(ABC | {"version": "4.1"}, flaw("not_affected", {"ref": "product-ABC"}))
    assert status(other_version, subject()) == ""


def test_a_link_into_a_bill_means_that_bill_and_revision() -> None:
    link = f"urn:cdx:{SERIAL}/1#lib"
    sent = document(None, flaw("not_affected", {"ref": link}))
    assert status(sent, subject()) == "not_affected"
    assert status(sent, subject(part={"ref": "other"})) == ""
    assert status(sent, subject(part={"revision": 2})) == ""
    assert status(document(None, flaw("resolved", {"ref": f"urn:cdx:{SERIAL}/1#top"})), subject()) == "fixed"


def test_a_link_to_a_bill_that_is_not_here_stands_for_the_package_it_is_called_by() -> None:
    sent = document(None, flaw("not_affected", {"ref": "urn:cdx:00000000-0000-4000-8000-000000000000/1#"
                                                       "pkg:maven/org.log/core@2.14.0"}))  # fmt: skip
    assert status(sent, subject()) == "not_affected"
    assert status(sent, subject(), ("00000000-0000-4000-8000-000000000000",)) == ""
    assert status(sent, subject(part={"purl": "pkg:maven/org.log/core@2.15.0", "version": "2.15.0"})) == ""


def test_versions_of_a_product_as_in_the_cisa_cases() -> None:
    product = {"name": "ABC", "type": "application", "bom-ref": "p"}
    sent = document(
        product,
        flaw("exploitable", {"ref": "p", "versions": [{"version": "2.4", "status": "affected"},
                                                      {"range": "vers:generic/>=2.9|<=4.1", "status": "affected"}]}),
        flaw("not_affected", {"ref": "p", "versions": [{"range": "vers:generic/>=1.0|<=2.3", "status": "unaffected"},
                                                       {"version": "4.2", "status": "unaffected"}]}),
        flaw("resolved", {"ref": "p", "versions": [{"version": "5.1"}]}),
    )  # fmt: skip
    at = {
        version: status(sent, subject(root={"version": version})) for version in ("1.0", "2.4", "3", "4.2", "5.1", "6")
    }
    assert at == {"1.0": "not_affected", "2.4": "affected", "3": "affected", "4.2": "not_affected", "5.1": "fixed",
                  "6": ""}  # fmt: skip


def test_ranges_out_of_order_are_put_in_order() -> None:
    sent = document({"name": "ABC", "bom-ref": "p"}, flaw("exploitable", {"ref": "p", "versions": [
        {"range": "vers:semver/<7.0.0|>=1.5.0", "status": "affected"}]}))  # fmt: skip
    assert [status(sent, subject(root={"version": one})) for one in ("1.0.0", "2.0.0", "7.0.0")] == ["", "affected", ""]


def test_what_is_said_of_nothing_in_particular_is_said_of_the_suppliers_products() -> None:
    sent = document(None, flaw("not_affected"))
    with pytest.raises(Invalid, match="no statement"):
        read(sent)
    named = orjson.loads(sent)
    named["metadata"]["supplier"] = {"name": "Acme Medical, Inc."}
    assert status(orjson.dumps(named), subject()) == "not_affected"
    named["metadata"]["supplier"] = {"name": "Someone else"}
    assert status(orjson.dumps(named), subject()) == ""


def test_product_and_component_beats_product_beats_component_then_newer_then_careful() -> None:
    package, product = Product(purl="pkg:maven/org.log/core@2.14.0"), Product(name="ABC", version="4.2")
    said = {
        "component": Statement(cve=CVE, product=package, status="not_affected", at=9),
        "product": Statement(cve=CVE, product=product, status="fixed", at=8),
        "both": Statement(cve=CVE, product=product, component=package, status="affected", at=1),
        "newer": Statement(cve=CVE, product=product, component=package, status="under_investigation", at=2),
        "careful": Statement(cve=CVE, product=product, component=package, status="affected", at=2),
    }
    seen = []
    for count in range(1, len(said) + 1):
        found = stands(subject(), [Told(statement=one) for one in list(said.values())[:count]])
        assert found is not None
        seen.append(found.status)
    assert seen == ["not_affected", "fixed", "affected", "under_investigation", "affected"]


def test_a_newer_revision_of_a_document_replaces_the_older_one() -> None:
    one = Statement(cve=CVE, product=Product(purl="pkg:maven/org.log/core@2.14.0"), status="affected", at=5)
    two = msgspec.structs.replace(one, status="fixed", at=1)
    for order in itertools.permutations([Told(statement=one, document="d", revision=1),
                                         Told(statement=two, document="d", revision=2)]):  # fmt: skip
        found = stands(subject(), current(order))
        assert found is not None
        assert found.status == "fixed"


def test_names_in_cpe_and_aliases() -> None:
    sent = Told(statement=Statement(cve="GHSA-x", aliases=(CVE,), status="fixed", at=1,
                                    product=Product(cpe="cpe:2.3:o:acme:flow_3_firmware:*:*:*:*:*:*:*:*")))  # fmt: skip
    found = stands(subject(part={"cpe": "cpe:2.3:o:acme:flow_3_firmware:4.2:*:*:*:*:*:*:*"}), [sent])
    assert found is not None
    assert (found.status, found.scope) == ("fixed", COMPONENT)
    assert stands(subject(), [sent]) is None


PRODUCTS = st.one_of(
    st.sampled_from([Product(name="ABC", version="4.2"), Product(name="ABC"), Product(vendor="Acme Medical"),
                     Product(purl="pkg:maven/org.log/core@2.14.0"), Product(purl="pkg:maven/org.log/core"),
                     Product(purl="pkg:npm/x@1"), Product(serial=SERIAL, revision=1, ref="lib"),
                     Product(cpe="cpe:2.3:a:acme:flow:1.0:*:*:*:*:*:*:*")]),
    st.builds(Product, name=st.text("abcXYZ :;,/#%", min_size=1).map(str.strip).filter(bool),
              version=st.sampled_from(["", "1.0", "2 b"])),
)  # fmt: skip
RANGES = st.sampled_from([Said(version="1.0"), Said(range="vers:generic/>=1|<2"),
                          Said(range="vers:semver/<1.5.0", status="not_affected"),
                          Said(version="3", status="under_investigation")])  # fmt: skip
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20).map(str.strip)
STATEMENTS = st.builds(
    Statement, cve=st.sampled_from([CVE, "CVE-2021-45105", "GHSA-x"]), product=PRODUCTS,
    component=st.one_of(st.none(), PRODUCTS), status=st.sampled_from(STATUSES), at=st.integers(1, 10**15),
    versions=st.lists(RANGES, max_size=2).map(tuple), impact=TEXT, action=TEXT,
)  # fmt: skip


@given(st.lists(STATEMENTS, max_size=6), st.randoms())
def test_any_order_gives_the_same(statements: list[Statement], random: Any) -> None:
    before = stands(subject(), [Told(statement=one) for one in statements], (SERIAL,))
    shuffled = list(statements)
    random.shuffle(shuffled)
    after = stands(subject(), [Told(statement=one) for one in shuffled], (SERIAL,))
    assert (before and (before.status, before.statement)) == (after and (after.status, after.statement))


def plain(one: Statement) -> Statement:
    """What a statement says, without the words of its format."""
    return msgspec.structs.replace(one, more={}, said="")


@given(st.lists(STATEMENTS, min_size=1, max_size=4), st.sampled_from(CYCLONEDX))
@settings(max_examples=150)
def test_cyclonedx_is_read_back_as_it_was(statements: list[Statement], why: str) -> None:
    statements = [msgspec.structs.replace(one, justification=why) for one in statements]
    sent = orjson.dumps(cyclonedx.write(statements, serial="s", made=5, author="us"))
    assert [plain(one) for one in read(sent).statements] == [plain(one) for one in statements]


@given(st.lists(STATEMENTS, min_size=1, max_size=4), st.sampled_from(OPENVEX))
@settings(max_examples=150)
def test_openvex_is_read_back_as_it_was(statements: list[Statement], why: str) -> None:
    statements = [
        msgspec.structs.replace(one, justification=why if one.status == "not_affected" else "") for one in statements
    ]
    sent = orjson.dumps(openvex.write(statements, serial="s", made=5, author="us"))
    assert [plain(one) for one in read(sent).statements] == [plain(one) for one in statements]


def test_openvex_with_subcomponents_and_wrong_statements() -> None:
    sent = {
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://acme.test/vex/1", "author": "Acme", "version": 2,
        "timestamp": "2023-01-08T18:02:03Z",
        "statements": [
            {"vulnerability": {"@id": "https://x.test/CVE-1", "name": CVE}, "status": "not_affected",
             "products": [{"@id": "urn:cdx:" + SERIAL + "/1#top",
                           "subcomponents": [{"@id": "pkg:maven/org.log/core@2.14.0"}]}],
             "justification": "vulnerable_code_not_in_execute_path", "impact_statement": "never called"},
            {"vulnerability": {"name": CVE}, "status": "maybe", "products": [{"@id": "pkg:npm/x"}]},
            {"vulnerability": {"name": CVE}, "status": "fixed"},
            {"status": "fixed", "products": [{"@id": "pkg:npm/x"}]},
            {"vulnerability": {"name": CVE}, "status": "fixed", "products": [{"@id": "pkg:"}]},
        ],
    }  # fmt: skip
    vex = read(orjson.dumps(sent))
    assert (vex.revision, len(vex.statements)) == (2, 1)
    assert [one.where for one in vex.refused] == [
        "statements[1].status", "statements[2].products", "statements[3].vulnerability", "statements[4].products",
    ]  # fmt: skip
    found = stands(subject(), [Told(statement=one) for one in vex.statements])
    assert found is not None
    assert found.statement.impact == "never called"


def test_csaf_is_sent_to_the_advisories() -> None:
    with pytest.raises(Invalid, match="load-advisories"):
        read(b'{"document": {"csaf_version": "2.0"}}')
