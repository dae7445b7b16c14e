"""Matching: where others find too much (reference 1c 9) or nothing, by name; sets of builds against one at a time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.equipment.cyber.builds import Bill, Build, Described, Item, Versions, build, system
from wardbridge.equipment.cyber.feeds import cve5, nvd, osv
from wardbridge.equipment.cyber.match import Found, Table, evaluate, match
from wardbridge.equipment.cyber.values import Body, Leaf, Node, Vulnerability
from wardbridge.equipment.cyber.versions import Affects, Span


def item(name: str = "flow", version: str = "", **more: Any) -> Item:
    return Item(family=name, name=name, version=version, **more)


def builds(*parts: Item) -> Table:
    return Table([Build(build_id="b", model_id="m", items=parts)])


def found(table: Table, *flaws: Vulnerability) -> list[Found]:
    return match(table, flaws)


def criteria(name: str, **bounds: str) -> dict[str, Any]:
    return {"vulnerable": True, "criteria": name, **bounds}


def from_nvd(*nodes: dict[str, Any], operator: str = "OR", cve: str = "CVE-2024-1") -> Vulnerability:
    return nvd.read({"id": cve, "configurations": [{"operator": operator, "nodes": list(nodes)}]})


def test_3178_any_vendor_of_a_component_is_no_match_for_any_product_of_a_criterion() -> None:
    table = builds(item("foo", "1.0", cpes=("cpe:2.3:a:*:foo:1.0:*:*:*:*:*:*:*",)))
    assert found(table, from_nvd({"cpeMatch": [criteria("cpe:2.3:a:bar:*:1.0:*:*:*:*:*:*:*")]})) == []
    assert found(table, from_nvd({"cpeMatch": [criteria("cpe:2.3:a:*:*:*:*:*:*:*:*:*:*")]})) == []


def test_a_criterion_for_every_product_of_a_vendor_fits_that_vendor_alone() -> None:
    flaw = from_nvd({"cpeMatch": [criteria("cpe:2.3:a:acme:*:*:*:*:*:*:*:*:*")]})
    table = builds(item("flow", "1", cpes=("cpe:2.3:a:acme:flow:1",)), item("x", "1", cpes=("cpe:2.3:a:other:x:1",)))
    assert [one.family for one in found(table, flaw)] == ["flow"]


def test_3268_a_criterion_without_version_does_not_hit_every_version() -> None:
    flaw = from_nvd({"cpeMatch": [criteria("cpe:2.3:a:acme:flow:-:*:*:*:*:*:*:*")]})
    assert found(builds(item("flow", "1.2", cpes=("cpe:2.3:a:acme:flow:1.2",))), flaw) == []
    assert len(found(builds(item("flow", cpes=("cpe:2.3:a:acme:flow:-",))), flaw)) == 1


def test_3063_the_word_mysql_is_no_product() -> None:
    flaw = from_nvd({"cpeMatch": [criteria("cpe:2.3:a:oracle:mysql:*:*:*:*:*:*:*:*", versionEndExcluding="8.1")]})
    words = cve5.read({"cveMetadata": {"cveId": "CVE-2024-2"}, "containers": {"cna": {"affected": [
        {"vendor": "Oracle", "product": "MySQL",
         "versions": [{"version": "8.0", "status": "affected"}]}]}}})  # fmt: skip
    parts = (
        item("mysql-connector-java", "8.0", purl="pkg:maven/mysql/mysql-connector-java@8.0"),
        item("mysql", "8.0", purl="pkg:npm/mysql@8.0"),
        item("mysql", "8.0", texts=True),
        item("mysql plugin", "8.0", texts=True, vendor="Oracle"),
        item("mysql", "8.0", texts=True, vendor="Someone else"),
    )
    assert found(builds(*parts), flaw, words) == []
    real = item("mysql", "8.0", cpes=("cpe:2.3:a:oracle:mysql:8.0",))
    assert len(found(builds(real), flaw)) == 1
    named = found(builds(item("MySQL", "8.0", texts=True, vendor="Oracle Corporation")), words)
    assert [(one.via, one.sure) for one in named] == [("text", False)]


FIRMWARE = {"operator": "OR", "cpeMatch": [
    criteria("cpe:2.3:o:acme:flow_3_firmware:*", versionStartIncluding="1.0", versionEndIncluding="2.0")]}  # fmt: skip
HARDWARE = {"operator": "OR", "cpeMatch": [criteria("cpe:2.3:h:acme:flow_3:-:*:*:*:*:*:*:*") | {"vulnerable": False}]}


def pump(firmware: str, *names: tuple[str, str]) -> Table:
    own = Versions(build_id="b", model_id="m", firmware=firmware)
    return Table([build(own, Described(manufacturer="Acme", model="Flow 3", cpes=names), [])])


def test_5070_a_configuration_of_hardware_and_firmware_needs_both() -> None:
    flaw = from_nvd(FIRMWARE, HARDWARE, operator="AND")
    hardware = item("hardware", cpes=("cpe:2.3:h:acme:flow_3:-",))
    firmware = item("firmware", "1.5", cpes=("cpe:2.3:o:acme:flow_3_firmware:1.5",))
    assert found(builds(hardware), flaw) == []
    assert found(builds(firmware), flaw) == []
    (one,) = found(builds(hardware, firmware), flaw)
    assert (one.family, one.version, one.sure) == ("firmware", "1.5", True)
    assert one.why[0]["node"] == "AND › OR"


def test_5070_a_machine_known_by_its_hardware_name_is_found_by_its_own_firmware() -> None:
    flaw = from_nvd(FIRMWARE, HARDWARE, operator="AND")
    name = ("cpe:2.3:h:acme:flow_3:-:*:*:*:*:*:*:*", "")
    assert [one.family for one in found(pump("1.5", name), flaw)] == ["firmware"]
    assert found(pump("2.1", name), flaw) == []
    (unknown,) = found(pump("", name), flaw)
    assert not unknown.sure
    assert "not known" in unknown.why[0]["note"]


def test_5070_a_component_may_be_on_a_platform() -> None:
    running = {"cpeMatch": [criteria("cpe:2.3:o:microsoft:windows_7:-:sp1:*:*:*:*:*:*") | {"vulnerable": False}]}
    program = {"cpeMatch": [criteria("cpe:2.3:a:acme:viewer:*:*:*:*:*:*:*:*", versionEndExcluding="3")]}
    flaw = from_nvd(program, running, operator="AND")
    viewer = item("viewer", "2", cpes=("cpe:2.3:a:acme:viewer:2",))
    assert found(builds(viewer), flaw) == []
    windows = item("os", cpes=(system("Windows 7 Professional SP1"),))
    (one,) = found(builds(viewer, windows), flaw)
    assert one.family == "viewer"


def test_negation_is_of_sets() -> None:
    flaw = from_nvd(
        {"cpeMatch": [criteria("cpe:2.3:a:acme:viewer:*")]},
        {"negate": True, "cpeMatch": [criteria("cpe:2.3:a:acme:shield:*")]}, operator="AND",
    )  # fmt: skip
    viewer, shield = (item(name, "1", cpes=(f"cpe:2.3:a:acme:{name}:1",)) for name in ("viewer", "shield"))
    table = Table([Build(build_id="bare", model_id="m", items=(viewer,)),
                   Build(build_id="safe", model_id="m", items=(viewer, shield))])  # fmt: skip
    assert [one.build_id for one in found(table, flaw)] == ["bare"]


def test_the_same_range_twice_is_one_finding_with_one_reason() -> None:
    name = criteria("cpe:2.3:a:acme:flow:*:*:*:*:*:*:*:*", versionEndExcluding="2")
    flaw = from_nvd({"cpeMatch": [name, name]}, {"cpeMatch": [name]})
    (one,) = found(builds(item("flow", "1", cpes=("cpe:2.3:a:acme:flow:1",))), flaw, flaw)
    assert len(one.why) == 1


@pytest.mark.parametrize(
    ("bounds", "hit"),
    [({"versionStartIncluding": "1.5"}, True), ({"versionStartExcluding": "1.5"}, False),
     ({"versionEndIncluding": "1.5"}, True), ({"versionEndExcluding": "1.5"}, False),
     ({"versionStartIncluding": "1.4", "versionEndExcluding": "1.10"}, True), ({"versionEndExcluding": "1.5.1"}, True),
     ({"versionStartIncluding": "1.5.0"}, True), ({}, True)],
)  # fmt: skip
def test_bounds(bounds: dict[str, str], hit: bool) -> None:
    flaw = from_nvd({"cpeMatch": [criteria("cpe:2.3:a:acme:flow:*", **bounds)]})
    assert bool(found(builds(item("flow", "1.5", cpes=("cpe:2.3:a:acme:flow:1.5",))), flaw)) is hit


def test_another_edition_is_disjoint_and_an_unsaid_one_is_possible() -> None:
    flaw = from_nvd({"cpeMatch": [criteria("cpe:2.3:a:acme:flow:1.0:*:*:*:*:windows:*:*")]})
    on = "cpe:2.3:a:acme:flow:1.0:*:*:*:*:{}:*:*"
    assert found(builds(item("flow", "1.0", cpes=(on.format("linux"),))), flaw) == []
    (sure,) = found(builds(item("flow", "1.0", cpes=(on.format("windows"),))), flaw)
    (possible,) = found(builds(item("flow", "1.0", cpes=(on.format("*"),))), flaw)
    assert (sure.sure, possible.sure) == (True, False)
    assert "target_sw" in possible.why[0]["note"]


def test_packages_match_by_type_namespace_and_name() -> None:
    (flaw,) = osv.read({
        "id": "CVE-2024-3", "modified": "2024-01-01T00:00:00Z",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "Foo_Bar"},
                      "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"},
                                                                  {"introduced": "3.0"}, {"last_affected": "3.1"}]}],
                      "versions": ["2.5"]}],
    })  # fmt: skip
    at = {version: bool(found(builds(item("foo-bar", version, purl="pkg:pypi/foo-bar")), flaw))
          for version in ("1.9", "2.0rc1", "2.0", "2.5", "3.1", "3.2")}  # fmt: skip
    assert at == {"1.9": True, "2.0rc1": True, "2.0": False, "2.5": True, "3.1": True, "3.2": False}
    assert found(builds(item("foo-bar", "1.9", purl="pkg:npm/foo-bar")), flaw) == []
    (one,) = found(builds(item("foo-bar", "1.9", purl="pkg:pypi/foo-bar")), flaw)
    assert (one.fixed, one.via) == ("2.0", "purl")


def test_a_distributions_package_is_not_the_upstream_one() -> None:
    (flaw,) = osv.read({"id": "CVE-2024-4", "modified": "x", "affected": [
        {"package": {"ecosystem": "Debian:11", "name": "openssl"},
         "ranges": [{"type": "ECOSYSTEM",
                     "events": [{"introduced": "0"}, {"fixed": "1.1.1n-0+deb11u1"}]}]}]})  # fmt: skip
    assert found(builds(item("openssl", "1.1.1n-0", purl="pkg:deb/debian/openssl")), flaw)
    assert not found(builds(item("openssl", "1.1.1n-0+deb11u2", purl="pkg:deb/debian/openssl")), flaw)
    assert not found(builds(item("openssl", "1.1.1n-0", purl="pkg:deb/ubuntu/openssl")), flaw)
    assert not found(builds(item("openssl", "1.1.1", purl="pkg:generic/openssl")), flaw)


def test_cve_records_first_entry_decides_then_changes_then_the_default() -> None:
    affects = cve5.versions({"defaultStatus": "unaffected", "versions": [
        {"version": "2.3", "status": "unaffected"},
        {"version": "1.0", "lessThan": "3.0", "status": "affected", "versionType": "semver",
         "changes": [{"at": "2.8", "status": "unaffected"}]},
        {"version": "4.0", "status": "affected"}]})  # fmt: skip
    flaw = Vulnerability(cve="CVE-2024-5", source="cve", body=Body(nodes=(Node(leaves=(
        Leaf("cpe:2.3:a:acme:flow:*:*:*:*:*:*:*:*", affects),)),)))  # fmt: skip
    at = {version: bool(found(builds(item("flow", version, cpes=(f"cpe:2.3:a:acme:flow:{version}",))), flaw))
          for version in ("0.9", "1.0", "2.3", "2.7", "2.8", "3.0", "4.0", "4.1")}  # fmt: skip
    assert at == {"0.9": False, "1.0": True, "2.3": False, "2.7": True, "2.8": False, "3.0": False, "4.0": True,
                  "4.1": False}  # fmt: skip


def test_versions_beside_a_name_with_a_dash_are_the_versions() -> None:
    record = {"cveMetadata": {"cveId": "CVE-2024-6"}, "containers": {"adp": [{"affected": [
        {"cpes": ["cpe:2.3:a:acme:flow:-:*:*:*:*:*:*:*"],
         "versions": [{"version": "0", "lessThanOrEqual": "1.2", "status": "affected"}]}]}]}}  # fmt: skip
    flaw = cve5.read(record)
    assert found(builds(item("flow", "1.2", cpes=("cpe:2.3:a:acme:flow:1.2",))), flaw)
    assert not found(builds(item("flow", "1.3", cpes=("cpe:2.3:a:acme:flow:1.3",))), flaw)


def test_a_model_is_found_by_its_makers_words_and_only_as_possible() -> None:
    flaw = cve5.read({"cveMetadata": {"cveId": "CVE-2024-7"}, "containers": {"cna": {"affected": [
        {"vendor": "Acme Medical, Inc.", "product": "Flow 3",
         "versions": [{"version": "0", "lessThan": "2", "status": "affected"}]}]}}})  # fmt: skip
    own = Versions(build_id="b", model_id="m", firmware="1.9")
    table = Table([build(own, Described(manufacturer="Acme Medical GmbH", model="Acme Medical Flow-3"), [])])
    (one,) = found(table, flaw)
    assert (one.via, one.sure, one.family) == ("text", False, "firmware")
    newer = Table([build(Versions(build_id="b", model_id="m", firmware="2.0"),
                         Described(manufacturer="Acme Medical", model="Flow 3"), [])])  # fmt: skip
    assert found(newer, flaw) == []


def test_the_bill_of_another_version_is_used_and_said() -> None:
    bills = [Bill(sbom_id=f"s{n}", version=f"{n}.0", loaded_at=n,
                  items=(item("lib", str(n), purl=f"pkg:npm/lib@{n}"),)) for n in (1, 2)]  # fmt: skip
    model = Described(manufacturer="A", model="B")
    exact = build(Versions(build_id="b", model_id="m", firmware="1.0.0"), model, bills)
    assert [one.version for one in exact.items if one.family == "lib"] == ["1"]
    other = build(Versions(build_id="b", model_id="m", firmware="3.0"), model, bills)
    (part,) = [one for one in other.items if one.family == "lib"]
    assert (part.version, "version 2.0" in part.note) == ("2", True)
    (flaw,) = osv.read({"id": "CVE-2024-8", "modified": "x", "affected": [{"package": {"purl": "pkg:npm/lib"}}]})
    (one,) = found(Table([other]), flaw)
    assert not one.sure


@pytest.mark.parametrize(
    ("text", "name"),
    [("Windows 10 IoT Enterprise 21H2", "windows_10_21h2"), ("Windows 10 1607", "windows_10_1607"),
     ("Microsoft Windows XP Embedded SP3", "windows_xp"), ("Windows Server 2016", "windows_server_2016"),
     ("Ubuntu 20.04 LTS", "ubuntu_linux"), ("VxWorks 6.9.4", "vxworks"), ("Linux 4.9.88", "linux_kernel")],
)  # fmt: skip
def test_operating_systems_as_registers_write_them(text: str, name: str) -> None:
    assert system(text).split(":")[4] == name


def test_an_operating_system_nobody_knows_has_no_name() -> None:
    assert system("proprietary") == ""


NAMES = ("a", "b", "c", "d")
LEAVES = st.sampled_from(NAMES).map(lambda name: Leaf(f"cpe:2.3:a:acme:{name}:*:*:*:*:*:*:*:*"))
NODES = st.recursive(
    st.builds(Node, st.sampled_from(["AND", "OR"]), st.booleans(), st.just(()),
              st.lists(LEAVES, max_size=3).map(tuple)),
    lambda inner: st.builds(Node, st.sampled_from(["AND", "OR"]), st.booleans(), st.lists(inner, max_size=3).map(tuple),
                            st.lists(LEAVES, max_size=2).map(tuple)),
    max_leaves=6,
)  # fmt: skip


def holds(node: Node, parts: frozenset[str]) -> bool:
    """The plain meaning of a node for one build."""
    values = [leaf.cpe.split(":")[4] in parts for leaf in node.leaves] + [holds(one, parts) for one in node.nodes]
    value = bool(values) and (all(values) if node.operator == "AND" else any(values))
    return value is not node.negate


@given(NODES, st.lists(st.frozensets(st.sampled_from(NAMES)), min_size=1, max_size=5))
def test_sets_of_builds_say_what_each_build_alone_says(node: Node, parts: list[frozenset[str]]) -> None:
    table = Table([Build(build_id=str(at), model_id="m",
                         items=tuple(item(name, "1", cpes=(f"cpe:2.3:a:acme:{name}:1",)) for name in sorted(one)))
                   for at, one in enumerate(parts)])  # fmt: skip
    mask, sure, _ = evaluate(table, node, "nvd")
    assert mask == sure == sum(1 << at for at, one in enumerate(parts) if holds(node, one))


SPANS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.booleans(), st.booleans()), max_size=4)


@given(SPANS, st.integers(0, 21))
def test_spans_hold_what_numbers_say(spans: list[tuple[int, int, bool, bool]], version: int) -> None:
    affects = Affects(tuple(Span(str(low), str(high), low_in, high_in) for low, high, low_in, high_in in spans
                            if low < high))  # fmt: skip
    hit = any(
        (low <= version if low_in else low < version) and (version <= high if high_in else version < high)
        for low, high, low_in, high_in in spans if low < high
    )  # fmt: skip
    flaw = Vulnerability(cve="CVE-2024-9", source="nvd", body=Body(nodes=(
        Node(leaves=(Leaf("cpe:2.3:a:acme:flow:*:*:*:*:*:*:*:*", affects),)),)))  # fmt: skip
    assert bool(found(builds(item("flow", str(version), cpes=(f"cpe:2.3:a:acme:flow:{version}",))), flaw)) is hit
