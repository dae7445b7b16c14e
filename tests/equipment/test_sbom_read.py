"""Bills of materials: the same document in its formats, what is nested or broken, and written again without a loss."""

from __future__ import annotations

import gzip
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber.sbom import limits
from wardbridge.equipment.cyber.sbom.read import read
from wardbridge.equipment.cyber.sbom.write import write
from wardbridge.equipment.cyber.values import Bom, Component

XML = b"""<?xml version="1.0"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.5" version="3"
     serialNumber="urn:uuid:3E671687-395B-41F5-A30F-A58921A69B79">
  <metadata><timestamp>2024-01-02T03:04:05Z</timestamp>
    <component type="device" bom-ref="top"><name>Flow 3</name><version>2.1</version></component></metadata>
  <components>
    <component type="library" bom-ref="a"><supplier><name>Example</name></supplier><group>org.example</group>
      <name>parser</name><version>1.4</version>
      <hashes><hash alg="SHA-1">aa</hash><hash alg="SHA-256">bb</hash></hashes>
      <licenses><license><id>MIT</id></license><license><name>Own</name></license></licenses>
      <cpe>cpe:/a:example:parser:1.4</cpe><purl>pkg:maven/org.example/parser@1.4</purl>
      <properties><property name="eol">2025-01-01</property></properties>
      <components><component type="file"><name>inner.so</name></component></components>
    </component>
    <component type="library"><version>9</version></component>
  </components>
  <services><service bom-ref="s"><name>cloud</name>
    <endpoints><endpoint>https://x.test</endpoint></endpoints></service></services>
  <dependencies><dependency ref="top"><dependency ref="a"/><dependency ref="s"/></dependency></dependencies>
  <vulnerabilities><vulnerability><id>CVE-2024-1</id><ratings><rating><score>9.8</score></rating></ratings>
    <cwes><cwe>79</cwe></cwes>
    <analysis><state>not_affected</state><justification>code_not_present</justification>
      <responses><response>update</response></responses><detail>gone</detail></analysis>
    <affects><target><ref>a</ref><versions>
      <version><range>vers:maven/&lt;2</range><status>affected</status></version></versions></target></affects>
  </vulnerability></vulnerabilities>
</bom>"""

JSON: dict[str, Any] = {
    "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 3,
    "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
    "metadata": {"timestamp": "2024-01-02T03:04:05Z",
                 "component": {"type": "device", "bom-ref": "top", "name": "Flow 3", "version": "2.1"}},
    "components": [
        {"type": "library", "bom-ref": "a", "supplier": {"name": "Example"}, "group": "org.example", "name": "parser",
         "version": "1.4", "hashes": [{"alg": "SHA-1", "content": "aa"}, {"alg": "SHA-256", "content": "bb"}],
         "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "Own"}}], "cpe": "cpe:/a:example:parser:1.4",
         "purl": "pkg:maven/org.example/parser@1.4", "properties": [{"name": "eol", "value": "2025-01-01"}],
         "components": [{"type": "file", "name": "inner.so"}]},
        {"type": "library", "version": "9"},
    ],
    "services": [{"bom-ref": "s", "name": "cloud", "endpoints": ["https://x.test"]}],
    "dependencies": [{"ref": "top", "dependsOn": ["a", "s"]}],
    "vulnerabilities": [{
        "id": "CVE-2024-1", "ratings": [{"score": 9.8}], "cwes": [79],
        "analysis": {"state": "not_affected", "justification": "code_not_present", "response": ["update"],
                     "detail": "gone"},
        "affects": [{"ref": "a", "versions": [{"range": "vers:maven/<2", "status": "affected"}]}],
    }],
}  # fmt: skip


def test_xml_and_json_are_the_same_document() -> None:
    one, two = read(XML), read(orjson.dumps(JSON))
    assert one == two
    assert (one.parts, one.services, one.revision, one.serial[:8]) == (2, 1, 3, "3e671687")
    parser, inner, cloud = one.components
    assert (parser.family, inner.parent, cloud.type) == ("org.example/parser", parser.n, "service")
    assert parser.support_ends == 1_735_689_600_000_000
    assert [refused.where for refused in one.refused] == ["components[1].name"]
    (said,) = one.statements
    assert (said.status, said.component and said.component.purl, said.product.name) == (
        "not_affected", "pkg:maven/org.example/parser@1.4", "Flow 3")  # fmt: skip


SPDX: dict[str, Any] = {
    "spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "flow", "documentNamespace": "https://x.test/1",
    "creationInfo": {"created": "2024-01-02T03:04:05Z", "creators": ["Tool: t", "Organization: Example (a@x.test)"]},
    "packages": [
        {"SPDXID": "SPDXRef-top", "name": "Flow 3", "versionInfo": "2.1", "primaryPackagePurpose": "FIRMWARE"},
        {"SPDXID": "SPDXRef-a", "name": "parser", "versionInfo": "1.4", "supplier": "Organization: Example (b@x.test)",
         "checksums": [{"algorithm": "SHA1", "checksumValue": "aa"}], "licenseConcluded": "NOASSERTION",
         "licenseDeclared": "MIT", "validUntilDate": "2025-01-01T00:00:00Z",
         "externalRefs": [
             {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
              "referenceLocator": "pkg:maven/org.example/parser@1.4"},
             {"referenceCategory": "SECURITY", "referenceType": "cpe23Type",
              "referenceLocator": "cpe:2.3:a:example:parser:1.4:*:*:*:*:*:*:*"}]},
        {"SPDXID": "SPDXRef-b"},
    ],
    "relationships": [
        {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-top"},
        {"spdxElementId": "SPDXRef-a", "relationshipType": "DEPENDENCY_OF", "relatedSpdxElement": "SPDXRef-top"}],
}  # fmt: skip

TAGS = b"""SPDXVersion: SPDX-2.3
DocumentName: flow
DocumentNamespace: https://x.test/1
Creator: Tool: t
Creator: Organization: Example (a@x.test)
Created: 2024-01-02T03:04:05Z
Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-top

PackageName: Flow 3
SPDXID: SPDXRef-top
PackageVersion: 2.1
PrimaryPackagePurpose: FIRMWARE

PackageName: parser
SPDXID: SPDXRef-a
PackageVersion: 1.4
PackageSupplier: Organization: Example (b@x.test)
PackageChecksum: SHA1: aa
PackageLicenseConcluded: NOASSERTION
PackageLicenseDeclared: MIT
PackageComment: <text>two
PackageName: not a package
lines</text>
ValidUntilDate: 2025-01-01T00:00:00Z
ExternalRef: PACKAGE-MANAGER purl pkg:maven/org.example/parser@1.4
ExternalRef: SECURITY cpe23Type cpe:2.3:a:example:parser:1.4:*:*:*:*:*:*:*
Relationship: SPDXRef-a DEPENDENCY_OF SPDXRef-top

FileName: ./x.c
SPDXID: SPDXRef-file
"""


def identity(one: Component) -> tuple[object, ...]:
    return (one.name, one.version, one.purl, one.cpe, one.supplier, one.support_ends, one.type, one.more.get("hashes"),
            one.more.get("licenses"))  # fmt: skip


def test_spdx_in_json_and_in_tags_are_the_same_document() -> None:
    one, two = read(orjson.dumps(SPDX)), read(TAGS)
    assert [identity(part) for part in one.components] == [identity(part) for part in two.components]
    assert one.depends == two.depends == {"SPDXRef-top": ["SPDXRef-a"]}
    assert (one.root and one.root.name, one.author, one.made_at) == ("Flow 3", "Example", two.made_at)
    assert one.components[1].more["licenses"] == [{"expression": "MIT"}]
    assert [refused.where for refused in one.refused] == ["packages[2].name"]
    assert two.components[1].more["spdx"]["comment"].endswith("lines")


def test_spdx_3_is_read() -> None:
    graph = [
        {"type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.1", "created": "2024-01-02T03:04:05Z",
         "createdBy": ["https://x.test/o"]},
        {"type": "Organization", "spdxId": "https://x.test/o", "name": "Example"},
        {"type": "SpdxDocument", "spdxId": "https://x.test/d", "creationInfo": "_:c",
         "rootElement": ["https://x.test/t"]},
        {"type": "software_Package", "spdxId": "https://x.test/t", "name": "Flow 3", "software_packageVersion": "2.1"},
        {"type": "software_Package", "spdxId": "https://x.test/a", "name": "parser", "software_packageVersion": "1.4",
         "software_packageUrl": "pkg:maven/org.example/parser@1.4", "suppliedBy": "https://x.test/o",
         "supportLevel": ["limitedSupport"], "validUntilTime": "2025-01-01T00:00:00Z",
         "verifiedUsing": [{"type": "Hash", "algorithm": "sha256", "hashValue": "bb"}]},
        {"type": "Relationship", "spdxId": "r", "from": "https://x.test/t", "to": ["https://x.test/a"],
         "relationshipType": "dependsOn"},
        {"type": "security_Vulnerability", "spdxId": "https://x.test/v",
         "externalIdentifier": [{"externalIdentifierType": "cve", "identifier": "CVE-2024-1"}]},
        {"type": "security_VexNotAffectedVulnAssessmentRelationship", "spdxId": "w", "from": "https://x.test/v",
         "to": ["https://x.test/a"], "security_justificationType": "vulnerableCodeNotPresent"},
    ]  # fmt: skip
    bom = read(orjson.dumps({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": graph}))
    assert (bom.spec, bom.name, bom.author, bom.parts) == ("3.0.1", "Flow 3", "Example", 2)
    parser = bom.components[1]
    assert (parser.supplier, parser.support, parser.more["hashes"]) == (
        "Example", "limitedSupport", [{"alg": "SHA-256", "content": "bb"}])  # fmt: skip
    assert [(one.cve, one.status, one.justification) for one in bom.statements] == [
        ("CVE-2024-1", "not_affected", "vulnerable_code_not_present")]  # fmt: skip
    with pytest.raises(Invalid, match="@context"):
        read(b'{"@graph": [{"a": 1}]}')


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"", "neither"), (b"hello", "neither"), (b"{", "no JSON"), (b"[1]", "neither"), (b"{}", "neither"),
        (b'{"bomFormat": "Other"}', "bomFormat"), (b'{"spdxVersion": "SPDX-1.2"}', "not read"),
        (b"<bom/>", "no CycloneDX"), (b"<bom", "well-formed"),
        (b'<!DOCTYPE bom [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
         b'<bom xmlns="http://cyclonedx.org/schema/bom/1.4">&x;</bom>', "DOCTYPE"),
        (b"\x1f\x8bnothing", "damaged"), (b'{"bomFormat": "CycloneDX", "components": ' + b"[" * 2000, "no JSON"),
    ],
)  # fmt: skip
def test_what_is_none_is_refused_with_a_word(sent: bytes, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        read(sent)


def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wardbridge.equipment.cyber.sbom.read.SIZE", 1000)
    with pytest.raises(Invalid, match="at most"):
        read(gzip.compress(b" " * 5000 + orjson.dumps(JSON)))
    monkeypatch.setattr("wardbridge.equipment.cyber.sbom.cyclonedx.PARTS", 2)
    with pytest.raises(Invalid, match="at most 2 components"):
        read(orjson.dumps({"bomFormat": "CycloneDX", "components": [{"name": str(at)} for at in range(3)]}))


def test_what_is_nested_too_deeply_is_refused_alone() -> None:
    inner: dict[str, Any] = {"name": "bottom"}
    for at in range(limits.DEPTH + 5):
        inner = {"name": str(at), "components": [inner]}
    bom = read(orjson.dumps({"bomFormat": "CycloneDX", "components": [inner, {"name": "flat"}]}))
    assert bom.parts == limits.DEPTH + 2
    assert "nested deeper" in bom.refused[0].reason


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ({"components": [{"type": "device", "name": "board"}, {"type": "firmware", "name": "boot"}]}, "hbom"),
        ({"components": [{"type": "cryptographic-asset", "name": "AES"}]}, "cbom"),
        ({"services": [{"name": "s"}]}, "saasbom"),
        ({"components": [{"name": "x"}], "metadata": {"lifecycles": [{"phase": "operations"}]}}, "obom"),
        ({"components": [{"name": "x"}]}, "sbom"), ({"vulnerabilities": [{"id": "CVE-1"}]}, "vex"),
    ],
)  # fmt: skip
def test_kinds(parts: dict[str, Any], kind: str) -> None:
    assert read(orjson.dumps({"bomFormat": "CycloneDX", **parts})).kind == kind


def again(bom: Bom) -> Bom:
    return read(orjson.dumps(write(bom)))


def test_written_again_without_a_loss() -> None:
    bom = read(orjson.dumps(JSON))
    same = again(bom)
    assert same.components == bom.components
    assert (same.root, same.depends, same.serial, same.revision) == (bom.root, bom.depends, bom.serial, bom.revision)
    spdx = read(orjson.dumps(SPDX))
    for one, two in zip(spdx.components, again(spdx).components, strict=True):
        assert identity(one) == identity(two)


def test_a_name_that_is_none_is_kept_as_it_stood() -> None:
    bom = read(orjson.dumps({"bomFormat": "CycloneDX", "components": [{"name": "x", "purl": "x@1", "cpe": "cpe:x"}]}))
    (part,) = bom.components
    assert (part.purl, part.cpe) == ("", "")
    written = write(bom)["components"][0]
    assert (written["purl"], written["cpe"]) == ("x@1", "cpe:x")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["name", "components", "purl", "cpe", "hashes", "supplier", "affects", "analysis",
                                       "id", "ref", "versions", "properties", "metadata", "component"]),
                      inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(JUNK, JUNK, JUNK, JUNK)
def test_nothing_breaks_it(components: Any, meta: Any, flaws: Any, depends: Any) -> None:
    for sent in (
        {"bomFormat": "CycloneDX", "components": components, "metadata": meta, "vulnerabilities": flaws,
         "dependencies": depends, "services": components},
        {"spdxVersion": "SPDX-2.3", "packages": components, "relationships": depends, "creationInfo": meta},
        {"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": components},
    ):  # fmt: skip
        try:
            again(read(orjson.dumps(sent)))
        except Invalid:
            continue
