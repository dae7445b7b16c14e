"""``vulnerabilities`` of CycloneDX (1.4 on) as statements, and statements as such a document.

One statement for each thing that a vulnerability ``affects``; a BOM-Link names a component of another document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from wardbridge.core.clock import iso
from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber import cpe as cpes
from wardbridge.equipment.cyber import purl as purls
from wardbridge.equipment.cyber.sbom.limits import moment, rows, table, text
from wardbridge.equipment.cyber.values import Component, Product, Refused, Said, Statement
from wardbridge.equipment.cyber.vex import words

_SAID = {"affected": "affected", "unaffected": "not_affected", "unknown": "under_investigation"}
_STATEMENT = "wardbridge:statement"
_UNNAMED = "wardbridge:unnamed"
"""A component must have a name; this says that the one it has is made up."""


def read(
    sent: Mapping[str, Any], known: Mapping[str, Component], root: Component | None, serial: str, revision: int,
    made: int | None,
) -> tuple[list[Statement], list[Refused]]:  # fmt: skip
    """What is said about nothing in particular is about everything of the supplier whom the document names.

    The statements of a document whose components are ``known`` by their ref; what is refused, with its place."""
    out: list[Statement] = []
    refused: list[Refused] = []
    meta = table(sent.get("metadata"))
    maker = text(table(meta.get("supplier")).get("name"), 300) or text(table(meta.get("manufacture")).get("name"), 300)
    for at, one in enumerate(rows(sent.get("vulnerabilities"))):
        where = f"vulnerabilities[{at}]"
        flaw = table(one)
        cve = text(flaw.get("id"), 200)
        if not cve:
            refused.append(Refused(f"{where}.id", "a vulnerability has an id"))
            continue
        analysis = table(flaw.get("analysis"))
        said = text(analysis.get("state"), 60)
        status = words.OF_CYCLONEDX.get(said, "under_investigation")
        if said and said not in words.OF_CYCLONEDX:
            refused.append(Refused(f"{where}.analysis.state", f"{said} is no state; taken as in_triage"))
        targets = rows(flaw.get("affects")) or ([{"ref": root.ref or root.name}] if root else [None] if maker else [])
        if not targets:
            refused.append(Refused(f"{where}.affects", "it does not say what it is about"))
        when = next(filter(None, (moment(analysis.get(key)) for key in ("lastUpdated", "firstIssued"))), None)
        when = when or moment(flaw.get("updated")) or made or moment(flaw.get("published")) or 0
        more = {key: value for key, value in flaw.items() if key not in ("affects", "analysis", "id")}
        aliases = tuple(filter(None, (text(table(ref).get("id"), 200) for ref in rows(flaw.get("references")))))
        inside = _inside(more)
        for target in targets:
            product, component = _target(text(table(target).get("ref"), 1000), known, root, serial, revision)
            if target is None:
                product = Product(vendor=maker)
            if inside and product is not None:
                product, component = _target(inside, known, root, serial, revision)[0], product
            if product is None:
                refused.append(Refused(f"{where}.affects", f"nothing is called {text(table(target).get('ref'))!r}"))
                continue
            out.append(
                Statement(
                    cve=cve, product=product, component=component, status=status, said=said, at=when,
                    aliases=aliases,
                    versions=_versions(target), justification=text(analysis.get("justification"), 100),
                    impact=text(analysis.get("detail")), action=text(flaw.get("recommendation")),
                    more={"flaw": more, "response": rows(analysis.get("response"))},
                )
            )  # fmt: skip
    return out, refused


def _inside(more: dict[str, Any]) -> str:
    """Our own note of the product that the affected component is in, taken out of what is kept."""
    notes = [one for one in rows(more.get("properties")) if table(one).get("name") == _STATEMENT]
    rest = [one for one in rows(more.get("properties")) if one not in notes]
    if notes:
        more.pop("properties")
        more |= {"properties": rest} if rest else {}
    return text(notes[0].get("value"), 1000) if notes else ""


def _versions(target: Any) -> tuple[Said, ...]:
    return tuple(
        Said(text(table(one).get("version"), 300), text(table(one).get("range"), 500),
             _SAID.get(text(table(one).get("status")) or "affected", "under_investigation"))
        for one in rows(table(target).get("versions"))
        if text(table(one).get("version")) or text(table(one).get("range"))
    )  # fmt: skip


def _target(
    ref: str, known: Mapping[str, Component], root: Component | None, serial: str, revision: int
) -> tuple[Product | None, Product | None]:
    """What a ref names: the product, and the component of it where it names one."""
    if not ref:
        return None, None
    if ref.startswith("urn:cdx:"):
        link, _, inner = ref[8:].partition("#")
        other, _, version = link.partition("/")
        if other.lower() != serial or unquote(inner) not in known:
            inner = unquote(inner)
            return Product(serial=other.lower(), revision=int(version) if version.isdigit() else 0, ref=inner), None
        ref = unquote(inner)
    whole = None if root is None else _named(root)
    if root is not None and ref in (root.ref, root.name):
        return whole, None
    if ref in known:
        part = _named(known[ref])
        return (whole, part) if whole is not None else (part, None)
    if purls.parse(ref):
        return (whole, Product(purl=ref)) if whole is not None else (Product(purl=ref), None)
    if ref.startswith("cpe:"):
        try:
            return Product(cpe=str(cpes.parse(ref))), None
        except Invalid:
            return None, None
    # A document on its own whose refs point into a bill that comes separately: the ref is the identity.
    return (Product(serial=serial, revision=revision, ref=ref), None) if serial else (None, None)


def _named(one: Component) -> Product:
    unnamed = any(table(note).get("name") == _UNNAMED for note in rows(one.more.get("properties")))
    name = "" if unnamed else one.name
    return Product(purl=one.purl, cpe=one.cpe, name=name, version=one.version, vendor=one.supplier)


def write(statements: Sequence[Statement], *, serial: str, made: int, author: str) -> dict[str, Any]:
    """Statements as a CycloneDX 1.6 document. Products become components, so that every name of theirs is kept."""
    refs: dict[Product, str] = {}
    components: list[dict[str, Any]] = []
    flaws = []
    for statement in statements:
        target = statement.component or statement.product
        ref = _ref(target, refs, components)
        more = dict(table(statement.more.get("flaw")))
        extra = [one for one in rows(more.get("properties")) if table(one).get("name") != _STATEMENT]
        if statement.component is not None:
            inside = _ref(statement.product, refs, components)
            extra.append({"name": _STATEMENT, "value": inside})
        flaws.append({
            **more, "id": statement.cve, "affects": [_affected(statement, ref)],
            **({"references": [{"id": alias, "source": {"name": "alias"}} for alias in statement.aliases]}
               if statement.aliases and "references" not in more else {}),
            **({"properties": extra} if extra else {}),
            **({"recommendation": statement.action} if statement.action else {}),
            "analysis": _analysis(statement),
        })  # fmt: skip
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1,
        "metadata": {"timestamp": iso(made), "authors": [{"name": author}]},
        "components": components, "vulnerabilities": flaws,
    }  # fmt: skip


def _analysis(statement: Statement) -> dict[str, Any]:
    said = statement.said if words.OF_CYCLONEDX.get(statement.said) == statement.status else ""
    out: dict[str, Any] = {"state": said or words.TO_CYCLONEDX[statement.status]}
    if why := words.cyclonedx(statement.justification):
        out["justification"] = why
    if statement.more.get("response"):
        out["response"] = statement.more["response"]
    if statement.impact:
        out["detail"] = statement.impact
    if statement.at:
        out["lastUpdated"] = iso(statement.at)
    return out


def _affected(statement: Statement, ref: str) -> dict[str, Any]:
    back = {value: key for key, value in _SAID.items()}
    versions = [
        {
            **({"version": one.version} if one.version else {"range": one.range}),
            "status": back.get(one.status, "unknown"),
        }
        for one in statement.versions
    ]
    return {"ref": ref, **({"versions": versions} if versions else {})}


def _ref(product: Product, refs: dict[Product, str], components: list[dict[str, Any]]) -> str:
    """The ref of a product: a BOM-Link where it is one, else that of its component, which is added once."""
    if product.serial and product.ref:
        return f"urn:cdx:{product.serial}/{product.revision or 1}#{quote(product.ref)}"
    if product not in refs:
        refs[product] = f"product-{len(refs) + 1}"
        fields = (("version", product.version), ("purl", product.purl), ("cpe", product.cpe))
        components.append({
            "type": "application", "bom-ref": refs[product],
            "name": product.name or product.purl or product.cpe or product.vendor,
            **{key: value for key, value in fields if value},
            **({"supplier": {"name": product.vendor}} if product.vendor else {}),
            **({} if product.name else {"properties": [{"name": _UNNAMED, "value": "true"}]}),
        })  # fmt: skip
    return refs[product]
