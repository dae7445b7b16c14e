"""OpenVEX 0.2 as statements, and statements as such a document.

A product is a purl (its version range as the qualifier ``vers``), a CPE, a BOM-Link, or a name of ours that holds
name and version; so what is written here is read back as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, unquote

from wardbridge.core.clock import iso
from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber import cpe as cpes
from wardbridge.equipment.cyber import purl as purls
from wardbridge.equipment.cyber.sbom.limits import moment, rows, table, text
from wardbridge.equipment.cyber.values import Product, Refused, Said, Statement, Vex
from wardbridge.equipment.cyber.vex import words

_OURS = "urn:wardbridge:product:"
_FIELDS = ("name", "version", "vendor", "serial", "revision", "ref", "purl", "cpe")
_CONTEXT = "https://openvex.dev/ns/v0.2.0"


def recognised(sent: dict[str, Any]) -> bool:
    """Whether a JSON document is OpenVEX."""
    return "openvex" in str(sent.get("@context", "")) and isinstance(sent.get("statements"), list)


def read(sent: dict[str, Any]) -> Vex:
    """A parsed document. Statements that say nothing usable are refused with their place."""
    made = moment(sent.get("last_updated")) or moment(sent.get("timestamp"))
    out: list[Statement] = []
    refused: list[Refused] = []
    for at, one in enumerate(rows(sent.get("statements"))):
        try:
            out += _statement(table(one), made or 0)
        except Invalid as error:
            refused.append(Refused(f"statements[{at}].{error.where}", error.message))
    revision = sent.get("version")
    return Vex(
        format="OpenVEX", serial=text(sent.get("@id"), 1000), author=text(sent.get("author"), 300), made_at=made,
        revision=revision if isinstance(revision, int) and 0 < revision < 1 << 31 else 1,
        statements=tuple(out), refused=tuple(refused),
    )  # fmt: skip


def _statement(sent: dict[str, Any], made: int) -> list[Statement]:
    flaw = sent.get("vulnerability")
    cve = text(table(flaw).get("name")) or text(flaw) or text(table(flaw).get("@id")).rpartition("/")[2]
    if not cve:
        raise Invalid("it names no vulnerability", "vulnerability")
    status = text(sent.get("status"), 40)
    if status not in words.STATUSES:
        raise Invalid(f"the status is one of: {', '.join(words.STATUSES)}", "status")
    products = rows(sent.get("products"))
    if not products:
        raise Invalid("it names no product", "products")
    when = moment(sent.get("last_updated")) or moment(sent.get("timestamp")) or made
    used = ("vulnerability", "status", "products", "timestamp", "last_updated", "justification", "impact_statement",
            "action_statement")  # fmt: skip
    more = {key: value for key, value in sent.items() if key not in used}
    out = []
    for one in products:
        product, versions = _product(one)
        for part in rows(table(one).get("subcomponents")) or [None]:
            component, inner = (None, ()) if part is None else _product(part)
            out.append(
                Statement(
                    cve=cve, product=product, component=component, versions=inner or versions, status=status,
                    said=status, at=when, justification=text(sent.get("justification"), 100),
                    aliases=tuple(filter(None, (text(name, 200) for name in rows(table(flaw).get("aliases"))))),
                    impact=text(sent.get("impact_statement")), action=text(sent.get("action_statement")),
                    more={"openvex": more} if more else {},
                )
            )  # fmt: skip
    return out


def _product(sent: Any) -> tuple[Product, tuple[Said, ...]]:
    ident = text(sent if isinstance(sent, str) else table(sent).get("@id"), 3000)
    names = table(table(sent).get("identifiers"))
    package = text(names.get("purl"), 2000) or (ident if ident.startswith("pkg:") else "")
    named = text(names.get("cpe23"), 1000) or text(names.get("cpe22"), 1000)
    fields: dict[str, Any] = {}
    versions: tuple[Said, ...] = ()
    if ident.startswith(_OURS):
        body, *ranges = ident.removeprefix(_OURS).split(";")
        values = [unquote(value) for value in body.split(":")]
        fields = {key: value for key, value in zip(_FIELDS, values, strict=False) if value}
        fields["revision"] = int(fields.get("revision", "0"))
        versions = tuple(Said(*(unquote(part) for part in one.split(","))) for one in ranges if one.count(",") == 2)
    elif ident.startswith("urn:cdx:"):
        link, _, inner = ident[8:].partition("#")
        serial, _, version = link.partition("/")
        fields = {"serial": serial.lower(), "revision": int(version) if version.isdigit() else 0, "ref": unquote(inner)}
    if named:
        try:
            fields["cpe"] = str(cpes.parse(named))
        except Invalid as error:
            raise Invalid(error.message, "products") from error
    if package:
        found = purls.parse(package)
        if found is None:
            raise Invalid(f"this is no purl: {package[:100]}", "products")
        fields["purl"] = package
        if found.vers and not versions:
            versions = (Said(range=found.vers),)
    if not fields and ident:
        fields = {"name": ident}
    if not fields:
        raise Invalid("this product has neither @id nor identifiers", "products")
    return Product(**fields), versions


def write(statements: Sequence[Statement], *, serial: str, made: int, author: str) -> dict[str, Any]:
    """Statements as an OpenVEX document; the justification in its vocabulary."""
    return {
        "@context": _CONTEXT, "@id": f"urn:uuid:{serial}", "author": author, "timestamp": iso(made), "version": 1,
        "statements": [_written(one) for one in statements],
    }  # fmt: skip


def _written(one: Statement) -> dict[str, Any]:
    product = _identity(one.product, () if one.component else one.versions)
    if one.component is not None:
        product["subcomponents"] = [_identity(one.component, one.versions)]
    why = words.openvex(one.justification)
    return {
        **table(one.more.get("openvex")),
        "vulnerability": {"name": one.cve, **({"aliases": list(one.aliases)} if one.aliases else {})},
        "products": [product], "status": one.status, "timestamp": iso(one.at),
        **({"justification": why} if why and one.status == "not_affected" else {}),
        **({"impact_statement": one.impact} if one.impact else {}),
        **({"action_statement": one.action} if one.action else {}),
    }  # fmt: skip


def _identity(product: Product, versions: Sequence[Said]) -> dict[str, Any]:
    ranged = [one for one in versions if (one.version, one.status) != ("", "affected")]
    plain = Product(purl=product.purl, cpe=product.cpe)
    if product == plain and product.purl and not ranged and len(versions) <= 1:
        whole = purls.parse(product.purl)
        if not versions or (whole is not None and whole.vers == versions[0].range):
            names = {"cpe23": product.cpe} if product.cpe else {}
            return {"@id": product.purl, **({"identifiers": names} if names else {})}
    values = ":".join(quote(str(getattr(product, key) or ""), safe="") for key in _FIELDS)
    tail = "".join(
        ";" + ",".join(quote(part, safe="") for part in (one.version, one.range, one.status)) for one in versions
    )
    names = {key: value for key, value in (("purl", product.purl), ("cpe23", product.cpe)) if value}
    return {"@id": _OURS + values + tail, **({"identifiers": names} if names else {})}
