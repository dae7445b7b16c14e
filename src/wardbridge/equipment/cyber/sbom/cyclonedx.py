"""CycloneDX JSON 1.2 to 1.7 (ECMA-424): components of every kind, services, dependencies, statements.

Reads what is there and never asks for more: a part that makes no sense is refused alone, with its place.
"""

from __future__ import annotations

from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber import cpe as cpes
from wardbridge.equipment.cyber import purl as purls
from wardbridge.equipment.cyber.sbom.limits import DEPTH, PARTS, moment, rows, support, table, text
from wardbridge.equipment.cyber.values import Bom, Component, Refused, family
from wardbridge.equipment.cyber.vex import cyclonedx as statements

_OWN = frozenset({"type", "bom-ref", "name", "group", "version", "purl", "cpe", "components", "services"})
UNREAD = "wardbridge:unread"
"""In ``more``: a purl or CPE as it stood, which is none."""


def read(sent: dict[str, Any]) -> Bom:
    """A parsed document. Raises Invalid for one that is no CycloneDX or far too large."""
    if sent.get("bomFormat", "CycloneDX") != "CycloneDX":
        raise Invalid("this is no CycloneDX document: bomFormat is another one", "bomFormat")
    meta = table(sent.get("metadata"))
    refused: list[Refused] = []
    root, nested = _root(meta.get("component"), refused)
    parts = nested + _tree(rows(sent.get("components")), "components", "components", refused, 1 + len(nested))
    parts += _tree(rows(sent.get("services")), "services", "services", refused, 1 + len(parts))
    serial = text(sent.get("serialNumber"), 200).removeprefix("urn:uuid:").lower()
    revision = sent.get("version")
    revision = revision if isinstance(revision, int) and 0 < revision < 1 << 31 else 1
    known = {one.ref: one for one in (root, *parts) if one is not None and one.ref}
    made = moment(meta.get("timestamp"))
    said, wrong = statements.read(sent, known, root, serial, revision, made)
    return Bom(
        format="CycloneDX", spec=text(sent.get("specVersion"), 20), kind=_kind(sent, parts, meta), serial=serial,
        revision=revision, name=root.name if root else "", author=_author(meta), made_at=made, root=root,
        components=tuple(parts), depends=_depends(sent, refused), statements=tuple(said),
        refused=(*refused, *wrong),
    )  # fmt: skip


def _root(sent: Any, refused: list[Refused]) -> tuple[Component | None, list[Component]]:
    """The product, and the components that are named inside it."""
    if not isinstance(sent, dict):
        return None, []
    root = None
    try:
        root = component(sent, 0, None, "components")
    except Invalid as error:
        refused.append(Refused(f"metadata.component.{error.where}", error.message))
    return root, _tree(rows(sent.get("components")), "metadata.component.components", "components", refused, 1)


def _tree(items: list[Any], where: str, key: str, refused: list[Refused], start: int) -> list[Component]:
    """Every item and what is nested in it, depth first; what is nested in a refused one stays, one level up."""
    out: list[Component] = []
    stack: list[tuple[Any, str, int | None, int]] = [(one, f"{where}[{at}]", None, 0) for at, one in enumerate(items)]
    stack.reverse()
    while stack:
        item, place, parent, depth = stack.pop()
        if not isinstance(item, dict):
            refused.append(Refused(place, "a component is an object"))
            continue
        if depth > DEPTH:
            refused.append(Refused(place, f"components are nested deeper than {DEPTH}"))
            continue
        if start + len(out) >= PARTS:
            raise Invalid(f"a document lists at most {PARTS} components", place)
        try:
            out.append(component(item, start + len(out), parent, key))
            parent = out[-1].n
        except Invalid as error:
            refused.append(Refused(f"{place}.{error.where}", error.message))
        inner = rows(item.get(key))
        stack += [(one, f"{place}.{key}[{at}]", parent, depth + 1) for at, one in enumerate(inner)][::-1]
    return out


def component(item: dict[str, Any], n: int, parent: int | None, key: str) -> Component:
    """One component or service, without what is nested in it. Raises Invalid for one without a name."""
    name = text(item.get("name"), 500)
    if not name:
        raise Invalid("it has no name", "name")
    group, package, named = text(item.get("group"), 500), text(item.get("purl"), 2000), text(item.get("cpe"), 1000)
    level, ends = support(item.get("properties"))
    more = {word: value for word, value in item.items() if word not in _OWN}
    unread = {}
    if package and purls.parse(package) is None:
        unread["purl"], package = package, ""
    if named:
        try:
            cpes.parse(named)
        except Invalid:
            unread["cpe"], named = named, ""
    if unread:
        more[UNREAD] = unread
    maker = table(item.get("supplier")) or table(item.get("manufacturer")) or table(item.get("provider"))
    return Component(
        n=n, parent=parent, ref=text(item.get("bom-ref"), 1000),
        type="service" if key == "services" else text(item.get("type"), 60) or "library",
        family=family(name, group, package), name=name, group=group, version=text(item.get("version"), 500),
        purl=package, cpe=named, supplier=text(maker.get("name"), 500) or text(item.get("publisher"), 500),
        support=level, support_ends=ends, more=more,
    )  # fmt: skip


def _kind(sent: dict[str, Any], parts: list[Component], meta: dict[str, Any]) -> str:
    """What sort of bill this is, by what it lists."""
    types = {one.type for one in parts}
    phases = {text(table(one).get("phase")) for one in rows(meta.get("lifecycles"))}
    if not parts:
        return "vex" if sent.get("vulnerabilities") else ("obom" if "operations" in phases else "sbom")
    if types == {"service"}:
        return "saasbom"
    if "cryptographic-asset" in types:
        return "cbom"
    if "operations" in phases:
        return "obom"
    if types & {"device", "firmware"} and not types & {"library", "framework"}:
        return "hbom"
    return "sbom"


def _author(meta: dict[str, Any]) -> str:
    for key in ("manufacturer", "manufacture", "supplier"):
        if name := text(table(meta.get(key)).get("name"), 300):
            return name
    return ", ".join(filter(None, (text(table(one).get("name"), 200) for one in rows(meta.get("authors"))[:5])))


def _depends(sent: dict[str, Any], refused: list[Refused]) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for at, one in enumerate(rows(sent.get("dependencies"))):
        ref = text(table(one).get("ref"), 1000)
        if not ref:
            refused.append(Refused(f"dependencies[{at}]", "it names nothing that depends"))
            continue
        out.setdefault(ref, []).extend(text(to, 1000) for to in rows(one.get("dependsOn")) if text(to))
    return out
