"""CSAF 2.0 documents (OASIS): product tree, relationships, identification helpers, vulnerabilities with their status.

Sections named are those of the Common Security Advisory Framework 2.0. CSAF 2.1's ``metrics`` are read, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

from wardbridge.core.errors import Invalid
from wardbridge.equipment.advisories import ranges, read
from wardbridge.equipment.advisories.codes import Codes
from wardbridge.equipment.advisories.values import AFFECTED, FIXED, LOOKING, UNAFFECTED, Cve, Document, Product

STATUS = {
    "known_affected": AFFECTED, "first_affected": AFFECTED, "last_affected": AFFECTED, "fixed": FIXED,
    "first_fixed": FIXED, "known_not_affected": UNAFFECTED, "under_investigation": LOOKING,
}  # fmt: skip
"""Lists of ``product_status`` (3.2.3.9); ``recommended`` says nothing of a machine that runs it."""
_DEEPEST = 40
_MOST = 50_000


def is_document(value: Any) -> bool:
    """Whether this is a CSAF document."""
    return isinstance(value, dict) and isinstance(value.get("document"), dict) and "tracking" in value["document"]


def document(value: dict[str, Any], raw: bytes) -> Document:
    """A CSAF document. Raises Invalid where id, title or publisher are missing, or the tree is too deep."""
    head = read.child(value, "document")
    tracking, publisher = read.child(head, "tracking"), read.child(head, "publisher")
    ident, title = read.need(tracking, "id", "document.tracking."), read.need(head, "title", "document.")
    name = read.need(publisher, "name", "document.publisher.")
    flaws = [one for one in read.several(value, "vulnerabilities") if isinstance(one, dict)]
    cves = tuple({one.cve: one for at, flaw in enumerate(flaws) for one in [_cve(flaw, at)]}.values())
    groups = {
        read.text(one, "group_id"): read.several(one, "product_ids")
        for one in read.several(read.child(value, "product_tree"), "product_groups")
    }
    products = list(_products(read.child(value, "product_tree"), name if publisher.get("category") == "vendor" else ""))
    scores = [one.cvss for one in cves if one.cvss is not None]
    top = max(scores, default=None)
    severity = read.text(read.child(head, "aggregate_severity"), "text").casefold()
    return Document(
        advisory_id=_ident(publisher, ident), kind="csaf", source="csaf", number=ident, publisher=name, title=title,
        summary=_note(head, flaws), remedy=_fixes(flaws),
        published=read.moment(read.text(tracking, "initial_release_date")),
        updated=read.moment(read.text(tracking, "current_release_date")), version=read.text(tracking, "version"),
        severity=severity or word(top), class_=read.text(head, "category"), cvss=top, url=_url(head),
        products=_with_status(products, flaws, groups), cves=cves, raw=raw,
    )  # fmt: skip


def word(score: float | None) -> str:
    """The severity of a CVSS v3 base score (CVSS 3.1, section 5)."""
    if score is None:
        return ""
    return next(name for least, name in ((9, "critical"), (7, "high"), (4, "medium"), (0.1, "low"), (0, "none"))
                if score >= least)  # fmt: skip


def _ident(publisher: dict[str, Any], number: str) -> str:
    """Document ids are unique within a publisher only (3.2.1.12.4)."""
    host = (urlsplit(read.text(publisher, "namespace")).hostname or read.text(publisher, "name")).removeprefix("www.")
    return f"csaf-{read.slug(host)}-{read.slug(number)}"


def _url(head: dict[str, Any]) -> str:
    own = [one for one in read.several(head, "references") if isinstance(one, dict) and one.get("category") == "self"]
    found = [read.text(one, "url") for one in own]
    pages = [url for url in found if not url.endswith(".json")] or found
    return next((url for url in pages if url.startswith(("https://", "http://"))), "")


def _note(head: dict[str, Any], flaws: list[dict[str, Any]]) -> str:
    notes = [one for one in read.several(head, "notes") if isinstance(one, dict)]
    for category in ("summary", "description"):
        found = next((read.text(one, "text") for one in notes if one.get("category") == category), "")
        if found:
            return found
    of_flaws = [read.text(note, "text") for flaw in flaws for note in read.several(flaw, "notes")
                if isinstance(note, dict) and note.get("category") in ("summary", "description")]  # fmt: skip
    return "\n".join(dict.fromkeys(of_flaws))[:20_000]


def _fixes(flaws: list[dict[str, Any]]) -> str:
    fixes = [one for flaw in flaws for one in read.several(flaw, "remediations") if read.text(one, "details")]
    said = [(read.text(one, "category").replace("_", " ").capitalize(), read.text(one, "details")) for one in fixes]
    texts = [f"{kind}: {details}" for kind, details in said]
    return "\n".join(dict.fromkeys(texts))[:20_000]


def _cve(flaw: dict[str, Any], at: int) -> Cve:
    ids = [read.text(one, "text") for one in read.several(flaw, "ids")]
    found: list[tuple[float, str]] = []
    for one in (*read.several(flaw, "scores"), *(read.child(one, "content") for one in read.several(flaw, "metrics"))):
        for name in ("cvss_v4", "cvss_v3", "cvss_v2"):
            score = read.number(read.child(one, name), "baseScore")
            if score is not None:
                found.append((score, read.text(read.child(one, name), "vectorString")))
                break
    best = max(found, default=(None, ""))
    cwe = read.child(flaw, "cwe") or next((c for c in read.several(flaw, "cwes") if isinstance(c, dict)), {})
    return Cve(
        cve=read.text(flaw, "cve") or next((text for text in ids if text), f"#{at + 1}"),
        title=read.text(flaw, "title"), cvss=best[0], vector=best[1], cwe=read.text(cwe, "id"),
    )  # fmt: skip


def _products(tree: dict[str, Any], vendor: str) -> Iterator[Product]:
    found: dict[str, Product] = {}
    for one in _leaves(read.several(tree, "branches"), {"vendor": vendor} if vendor else {}, 0):
        found.setdefault(one.product_id, one)
    for full in read.several(tree, "full_product_names"):
        if isinstance(full, dict) and read.text(full, "product_id"):
            found.setdefault(read.text(full, "product_id"), _product(full, {"vendor": vendor}))
    for relation in read.several(tree, "relationships"):
        full = read.child(relation, "full_product_name")
        ident = read.text(full, "product_id")
        part = found.get(read.text(relation, "product_reference"))
        host = found.get(read.text(relation, "relates_to_product_reference"))
        if ident and part is not None and host is not None:
            where = {"vendor": host.vendor, "product": host.product, "version": host.version}
            found[ident] = msgspec.structs.replace(part, product_id=ident, name=read.text(full, "name"), host=where)
    if len(found) > _MOST:
        raise Invalid(f"more than {_MOST} products", "product_tree")
    yield from found.values()


def _leaves(branches: list[Any], path: dict[str, str], depth: int) -> Iterator[Product]:
    if depth > _DEEPEST:
        raise Invalid("the product tree is too deep", "product_tree.branches")
    for branch in branches:
        category, name = read.text(branch, "category"), read.text(branch, "name")
        here = {**path, category: name}
        full = read.child(branch, "product")
        if read.text(full, "product_id"):
            yield _product(full, here)
        yield from _leaves(read.several(branch, "branches"), here, depth + 1)


def _product(full: dict[str, Any], path: dict[str, str]) -> Product:
    helper = read.child(full, "product_identification_helper")
    cpe = read.text(helper, "cpe")
    parts = _cpe(cpe)
    version = path.get("product_version_range") or path.get("product_version") or ""
    extra = [path[name] for name in ("patch_level", "service_pack") if path.get(name)]
    statement = " ".join([version, *extra]).strip()
    if not statement and not path.get("product_name") and parts.get("version") not in (None, "*", "-"):
        statement = parts["version"]
    hardware = [path[name] for name in ("specification",) if path.get(name)]
    product = " ".join([path.get("product_name") or path.get("product_family") or parts.get("product", "")
                        or read.text(full, "name"), *hardware])  # fmt: skip
    serials = tuple(one for one in read.several(helper, "serial_numbers") if isinstance(one, str))
    models = tuple(
        one for name in ("model_numbers", "skus") for one in read.several(helper, name) if isinstance(one, str)
    )
    return Product(
        product_id=read.text(full, "product_id"), vendor=path.get("vendor") or parts.get("vendor", ""), product=product,
        name=read.text(full, "name"), version=statement, range=ranges.parse(statement), codes=Codes(serials=serials),
        models=models, cpe=cpe, purl=read.text(helper, "purl"),
    )  # fmt: skip


def _cpe(cpe: str) -> dict[str, str]:
    """Vendor, product and version of a CPE 2.3 string or 2.2 URI, without wildcards."""
    body = cpe.removeprefix("cpe:2.3:").removeprefix("cpe:/")
    if not cpe.startswith(("cpe:2.3:", "cpe:/")):
        return {}
    parts = [part.replace("\\", "").replace("_", " ") for part in body.split(":")]
    return {name: value for name, value in zip(("vendor", "product", "version"), parts[1:4], strict=False)
            if value not in ("*", "-", "")}  # fmt: skip


def _with_status(
    products: list[Product], flaws: list[dict[str, Any]], groups: dict[str, list[Any]]
) -> tuple[Product, ...]:
    status: dict[str, dict[str, str]] = {}
    fixes: dict[str, list[str]] = {}
    for at, flaw in enumerate(flaws):
        cve = _cve(flaw, at).cve
        for name, ids in read.child(flaw, "product_status").items():
            for ident in ids if isinstance(ids, list) and name in STATUS else ():
                status.setdefault(str(ident), {})[cve] = STATUS[name]
        for fix in read.several(flaw, "remediations"):
            grouped = [one for group in read.several(fix, "group_ids") for one in groups.get(str(group), ())]
            ids = [*read.several(fix, "product_ids"), *grouped]
            line = read.text(fix, "details")
            for ident in ids:
                known = fixes.setdefault(str(ident), [])
                if line and line not in known:
                    known.append(line)
    silent = {} if status else {"": AFFECTED}
    return tuple(
        msgspec.structs.replace(one, status=status.get(one.product_id, silent),
                                remedy="\n".join(fixes.get(one.product_id, ()))[:8000])
        for one in products
    )  # fmt: skip
