"""SPDX 3.0 JSON-LD: packages, relationships and VEX assessments of a document with the published context.

Only the compact form that the context gives is read (a list under ``@graph``); other JSON-LD is refused with a word.
"""

from __future__ import annotations

from typing import Any

import msgspec

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber import cpe as cpes
from wardbridge.equipment.cyber import purl as purls
from wardbridge.equipment.cyber.sbom.limits import PARTS, moment, rows, table, text
from wardbridge.equipment.cyber.values import Bom, Component, Product, Refused, Statement, family

_STATES = {
    "VexNotAffectedVulnAssessmentRelationship": "not_affected", "VexAffectedVulnAssessmentRelationship": "affected",
    "VexFixedVulnAssessmentRelationship": "fixed",
    "VexUnderInvestigationVulnAssessmentRelationship": "under_investigation",
}  # fmt: skip
_WHY = {
    "componentNotPresent": "component_not_present", "vulnerableCodeNotPresent": "vulnerable_code_not_present",
    "vulnerableCodeNotInExecutePath": "vulnerable_code_not_in_execute_path",
    "vulnerableCodeCannotBeControlledByAdversary": "vulnerable_code_cannot_be_controlled_by_adversary",
    "inlineMitigationsAlreadyExist": "inline_mitigations_already_exist",
}  # fmt: skip
_HASHES = {"sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512", "md5": "MD5"}


def _kind(sent: dict[str, Any]) -> str:
    return text(sent.get("type") or sent.get("@type")).rpartition("_")[2]


def _ident(sent: dict[str, Any]) -> str:
    return text(sent.get("spdxId") or sent.get("@id"), 1000)


def read(sent: dict[str, Any]) -> Bom:
    """A parsed document. Raises Invalid for JSON-LD that is not in the compact form."""
    graph = [one for one in rows(sent.get("@graph")) if isinstance(one, dict)]
    if not graph or "spdx.org" not in str(sent.get("@context")):
        raise Invalid("SPDX 3 is read as JSON-LD with the published @context and an @graph", "@graph")
    if len(graph) > PARTS * 4:
        raise Invalid("this document has too many elements", "@graph")
    by_id = {_ident(one): one for one in graph if _ident(one)}
    document = next((one for one in graph if _kind(one) == "SpdxDocument"), {})
    info = table(by_id.get(text(document.get("creationInfo"))) or document.get("creationInfo"))
    roots = {
        text(ref) for one in graph if _kind(one) in ("SpdxDocument", "Sbom") for ref in rows(one.get("rootElement"))
    }
    refused: list[Refused] = []
    parts: list[Component] = []
    for at, one in enumerate(graph):
        if _kind(one) != "Package":
            continue
        try:
            parts.append(_package(one, by_id, len(parts) + 1))
        except Invalid as error:
            refused.append(Refused(f"@graph[{at}].{error.where}", error.message))
    described = [one for one in parts if one.ref in roots]
    root = described[0] if len(described) == 1 and len(parts) > 1 else None
    known = {one.ref: one for one in parts}
    said = [*_statements(graph, by_id, known, moment(info.get("created")) or 0)]
    return Bom(
        format="SPDX", spec=text(info.get("specVersion"), 20) or "3.0", kind="sbom", serial=_ident(document),
        name=root.name if root else text(document.get("name"), 500), made_at=moment(info.get("created")),
        author=", ".join(filter(None, (text(table(by_id.get(text(ref))).get("name"), 200)
                                       for ref in rows(info.get("createdBy"))[:5]))),
        root=None if root is None else _as_root(root), components=tuple(parts), depends=_depends(graph),
        statements=tuple(said), refused=tuple(refused),
    )  # fmt: skip


def _as_root(one: Component) -> Component:

    return msgspec.structs.replace(one, n=0)


def _package(sent: dict[str, Any], by_id: dict[str, dict[str, Any]], n: int) -> Component:
    name = text(sent.get("name"), 500)
    if not name:
        raise Invalid("it has no name", "name")
    package, named = text(_of(sent, "packageUrl"), 2000), ""
    for one in rows(sent.get("externalIdentifier")):
        kind, value = text(table(one).get("externalIdentifierType")), text(table(one).get("identifier"), 2000)
        if kind == "packageUrl":
            package = package or value
        elif kind in ("cpe22", "cpe23") and not named:
            try:
                named = str(cpes.parse(value))
            except Invalid:
                continue
    if purls.parse(package) is None:
        package = ""
    sums = [
        {"alg": _HASHES.get(text(table(one).get("algorithm")), text(table(one).get("algorithm"))),
         "content": text(table(one).get("hashValue"))}
        for one in rows(sent.get("verifiedUsing")) if table(one).get("hashValue")
    ]  # fmt: skip
    supplier = table(by_id.get(text(sent.get("suppliedBy"))) or sent.get("suppliedBy"))
    levels = [text(one) for one in rows(sent.get("supportLevel")) or [sent.get("supportLevel")] if text(one)]
    return Component(
        n=n, ref=_ident(sent), type=text(_of(sent, "primaryPurpose")) or "library", family=family(name, "", package),
        name=name, version=text(_of(sent, "packageVersion"), 500), purl=package, cpe=named,
        supplier=text(supplier.get("name"), 500), support=", ".join(levels),
        support_ends=moment(sent.get("validUntilTime")), more={**({"hashes": sums} if sums else {}), "spdx": sent},
    )  # fmt: skip


def _of(sent: dict[str, Any], name: str) -> Any:
    return sent.get(f"software_{name}", sent.get(name))


def _depends(graph: list[dict[str, Any]]) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for one in graph:
        if _kind(one) == "Relationship" and one.get("relationshipType") in ("dependsOn", "contains"):
            out.setdefault(text(one.get("from")), []).extend(text(to) for to in rows(one.get("to")) if text(to))
    return out


def _statements(
    graph: list[dict[str, Any]], by_id: dict[str, dict[str, Any]], known: dict[str, Component], made: int
) -> list[Statement]:
    out = []
    for one in graph:
        status = _STATES.get(_kind(one))
        if status is None:
            continue
        flaw = table(by_id.get(text(one.get("from"))))
        names = [text(table(ref).get("identifier")) for ref in rows(flaw.get("externalIdentifier"))]
        cve = next((name for name in names if name.startswith("CVE-")), "") or text(flaw.get("name")) or _ident(flaw)
        for to in rows(one.get("to")):
            part = known.get(text(to))
            if part is None or not cve:
                continue
            out.append(
                Statement(
                    cve=cve, status=status, at=moment(one.get("security_publishedTime")) or made,
                    product=Product(purl=part.purl, cpe=part.cpe, name=part.name, version=part.version, ref=part.ref),
                    justification=_WHY.get(text(one.get("security_justificationType")), ""),
                    impact=text(one.get("security_impactStatement")), said=status,
                    action=text(one.get("security_actionStatement")),
                )
            )  # fmt: skip
    return out
