"""SPDX 2.2 and 2.3: JSON, and tag-value as the same value. Packages are components; files stay in the document."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber import cpe as cpes
from wardbridge.equipment.cyber import purl as purls
from wardbridge.equipment.cyber.sbom.limits import PARTS, moment, rows, table, text
from wardbridge.equipment.cyber.values import Bom, Component, Refused, family

_NOTHING = frozenset({"", "NOASSERTION", "NONE"})
_HASHES = {"SHA1": "SHA-1", "SHA224": "SHA-224", "SHA256": "SHA-256", "SHA384": "SHA-384", "SHA512": "SHA-512",
           "SHA3-256": "SHA3-256", "SHA3-384": "SHA3-384", "SHA3-512": "SHA3-512", "BLAKE2B-256": "BLAKE2b-256",
           "BLAKE2B-384": "BLAKE2b-384", "BLAKE2B-512": "BLAKE2b-512", "BLAKE3": "BLAKE3", "MD5": "MD5"}  # fmt: skip
_TYPES = {"OPERATING-SYSTEM": "operating-system", "OPERATING_SYSTEM": "operating-system", "SOURCE": "library",
          "ARCHIVE": "file", "INSTALL": "application", "OTHER": "library"}  # fmt: skip
_NEEDS = {"DEPENDS_ON": False, "DEPENDENCY_OF": True, "CONTAINS": False, "CONTAINED_BY": True,
          "RUNTIME_DEPENDENCY_OF": True, "STATIC_LINK": False, "DYNAMIC_LINK": False}  # fmt: skip
"""Relationship -> whether its direction is turned round."""
_OWN = frozenset({"SPDXID", "name", "versionInfo", "supplier", "externalRefs", "checksums", "licenseConcluded",
                  "licenseDeclared", "primaryPackagePurpose", "validUntilDate"})  # fmt: skip
_PARTY = re.compile(r"^(?:Organization|Person|Tool):\s*(.*?)\s*(?:\(.*\))?$")


def read(sent: dict[str, Any]) -> Bom:
    """A parsed document. Raises Invalid for another version or too many packages."""
    version = text(sent.get("spdxVersion"), 20)
    if not re.fullmatch(r"SPDX-2\.\d", version):
        raise Invalid("this version of SPDX is not read: 2.2, 2.3 and 3.0 are", "spdxVersion")
    packages = rows(sent.get("packages"))
    if len(packages) > PARTS:
        raise Invalid(f"a document lists at most {PARTS} packages", "packages")
    roots = {text(one) for one in rows(sent.get("documentDescribes"))}
    depends: dict[str, list[str]] = {}
    for one in rows(sent.get("relationships")):
        kind = text(table(one).get("relationshipType"))
        left, right = text(table(one).get("spdxElementId")), text(table(one).get("relatedSpdxElement"))
        if kind == "DESCRIBES" and left.endswith("SPDXRef-DOCUMENT"):
            roots.add(right)
        elif kind == "DESCRIBED_BY" and right.endswith("SPDXRef-DOCUMENT"):
            roots.add(left)
        elif kind in _NEEDS and left and right:
            left, right = (right, left) if _NEEDS[kind] else (left, right)
            depends.setdefault(left, []).append(right)
    refused: list[Refused] = []
    parts: list[Component] = []
    for at, one in enumerate(packages):
        try:
            parts.append(_package(table(one), len(parts) + 1))
        except Invalid as error:
            refused.append(Refused(f"packages[{at}].{error.where}", error.message))
    described = [one for one in parts if one.ref in roots]
    root = described[0] if len(described) == 1 and len(parts) > 1 else None
    info = table(sent.get("creationInfo"))
    makers = [party(one) for one in rows(info.get("creators")) if text(one).startswith(("Organization", "Person"))]
    return Bom(
        format="SPDX", spec=version.removeprefix("SPDX-"), kind="sbom",
        serial=text(sent.get("documentNamespace"), 1000),
        name=root.name if root else text(sent.get("name"), 500), author=", ".join(filter(None, makers[:5])),
        made_at=moment(info.get("created")), root=None if root is None else _as_root(root), components=tuple(parts),
        depends=depends, refused=tuple(refused),
    )  # fmt: skip


def _as_root(one: Component) -> Component:

    return msgspec.structs.replace(one, n=0)


def party(value: Any) -> str:
    """The name of a supplier or creator: ``Organization: Acme (mail)``."""
    sent = text(value, 500)
    if sent in _NOTHING:
        return ""
    found = _PARTY.match(sent)
    return found[1] if found else sent


def _package(sent: dict[str, Any], n: int) -> Component:
    name = text(sent.get("name"), 500)
    if not name:
        raise Invalid("it has no name", "name")
    package, named, others = "", "", []
    for one in rows(sent.get("externalRefs")):
        kind, locator = text(table(one).get("referenceType")), text(table(one).get("referenceLocator"), 2000)
        if kind == "purl" and not package and purls.parse(locator):
            package = locator
        elif kind in ("cpe22Type", "cpe23Type") and not named and (found := _cpe(locator)):
            named = found
        else:
            others.append(one)
    more: dict[str, Any] = {}
    sums = [{"alg": _HASHES.get(text(table(one).get("algorithm")).upper(), text(table(one).get("algorithm"))),
             "content": text(table(one).get("checksumValue"))} for one in rows(sent.get("checksums"))]  # fmt: skip
    if sums:
        more["hashes"] = sums
    licences = [text(sent.get(key)) for key in ("licenseConcluded", "licenseDeclared")]
    licence = next((one for one in licences if one not in _NOTHING), "")
    if licence:
        more["licenses"] = [{"expression": licence}]
    rest = {key: value for key, value in sent.items() if key not in _OWN}
    rest |= {"externalRefs": others} if others else {}
    rest |= {"licenseDeclared": licences[1]} if licences[1] not in (*_NOTHING, licence) else {}
    more["spdx"] = rest
    purpose = text(sent.get("primaryPackagePurpose")).upper()
    return Component(
        n=n, ref=text(sent.get("SPDXID"), 1000), type=_TYPES.get(purpose, purpose.lower() or "library"),
        family=family(name, "", package), name=name, version=_said(sent.get("versionInfo")), purl=package, cpe=named,
        supplier=party(sent.get("supplier")), support_ends=moment(sent.get("validUntilDate")), more=more,
    )  # fmt: skip


def _said(value: Any) -> str:
    sent = text(value, 500)
    return "" if sent in _NOTHING else sent


def _cpe(sent: str) -> str:
    try:
        return str(cpes.parse(sent))
    except Invalid:
        return ""


_TEXT = re.compile(r"<text>(.*?)</text>", re.DOTALL)
_LINE = re.compile(r"^([A-Za-z][A-Za-z0-9_-]*):[ \t]*(.*)$")
_PLAIN = {
    "SPDXID": "SPDXID", "PackageVersion": "versionInfo", "PackageSupplier": "supplier",
    "PackageOriginator": "originator", "PackageDownloadLocation": "downloadLocation",
    "PackageFileName": "packageFileName", "PackageLicenseConcluded": "licenseConcluded",
    "PackageLicenseDeclared": "licenseDeclared", "PackageCopyrightText": "copyrightText",
    "PackageHomePage": "homepage", "PackageSummary": "summary", "PackageDescription": "description",
    "PackageComment": "comment", "PackageSourceInfo": "sourceInfo", "FilesAnalyzed": "filesAnalyzed",
    "PrimaryPackagePurpose": "primaryPackagePurpose", "ValidUntilDate": "validUntilDate", "BuiltDate": "builtDate",
    "ReleaseDate": "releaseDate", "PackageVerificationCode": "packageVerificationCode",
    "PackageLicenseComments": "licenseComments",
}  # fmt: skip
_ELSEWHERE = ("FileName", "SnippetSPDXID", "LicenseID", "Reviewer", "Annotator")


def from_tags(sent: str) -> dict[str, Any]:
    """A tag-value document as JSON would have it: packages, relationships, creation."""
    blocks: list[str] = []

    def keep(found: re.Match[str]) -> str:
        blocks.append(found[1])
        return f"\x00{len(blocks) - 1}\x00"

    out: dict[str, Any] = {"packages": [], "relationships": [], "creationInfo": {"creators": []}}
    here: dict[str, Any] | None = out
    for line in _TEXT.sub(keep, sent.replace("\x00", "")).splitlines():
        found = _LINE.match(line.strip())
        if found is None:
            continue
        tag, value = found[1], found[2].strip()
        if value.startswith("\x00") and value.endswith("\x00"):
            value = blocks[int(value.strip("\x00"))].strip()
        if tag == "PackageName":
            here = {"name": value}
            out["packages"].append(here)
        elif tag.startswith(_ELSEWHERE):
            here = None
        else:
            _tag(out, here, tag, value)
    return out


def _tag(out: dict[str, Any], here: dict[str, Any] | None, tag: str, value: str) -> None:
    words = value.split()
    match tag:
        case "SPDXVersion":
            out["spdxVersion"] = value
        case "DocumentName":
            out["name"] = value
        case "DocumentNamespace":
            out["documentNamespace"] = value
        case "Creator":
            out["creationInfo"]["creators"].append(value)
        case "Created":
            out["creationInfo"]["created"] = value
        case "Relationship" if len(words) >= 3:
            out["relationships"].append(
                {"spdxElementId": words[0], "relationshipType": words[1], "relatedSpdxElement": words[2]}
            )
        case "PackageChecksum" if here is not None and ":" in value:
            name, _, content = value.partition(":")
            here.setdefault("checksums", []).append({"algorithm": name.strip(), "checksumValue": content.strip()})
        case "ExternalRef" if here is not None and len(words) >= 3:
            here.setdefault("externalRefs", []).append(
                {"referenceCategory": words[0], "referenceType": words[1], "referenceLocator": words[2]}
            )
        case _ if here is not None and tag in _PLAIN:
            here[_PLAIN[tag]] = value
