"""What statements say of a finding. Evaluated when it is read: the set of statements decides, never their order.

A statement speaks of a finding when it names the vulnerability *and* the product or component, in a version that it
means. Of those that do, the one about product and component beats the one about the product, which beats the one about
the component wherever it is built in; then the newer beats the older, then the more cautious one stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber import cpe as cpes
from wardbridge.equipment.cyber import names
from wardbridge.equipment.cyber import purl as purls
from wardbridge.equipment.cyber.cpe import Relation, relation
from wardbridge.equipment.cyber.values import Product, Said, Statement
from wardbridge.equipment.cyber.versions import compare, from_vers, judge
from wardbridge.equipment.cyber.vex import words

COMPONENT, PRODUCT, BOTH = 1, 2, 3


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What a finding is in: the component (``part``, with the bill that lists it) and the product around it."""

    cve: str
    part: Product
    root: Product = Product()
    model_id: str = ""
    manufacturer: str = ""
    model: str = ""
    firmware: str = ""
    aliases: tuple[str, ...] = ()
    cpes: tuple[str, ...] = ()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A statement with the document that it stands in: newer revisions of the same document replace it."""

    statement: Statement
    document: str = ""
    revision: int = 1
    author: str = ""
    vex_id: str = ""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The status that stands, the statement that says so, and why it applies."""

    status: str
    told: Told
    scope: int
    why: str

    @property
    def statement(self) -> Statement:
        return self.told.statement


def current(told: Iterable[Told]) -> list[Told]:
    """Those of the newest revision of their document; documents without a name of their own all count."""
    told = list(told)
    newest: dict[str, int] = {}
    for one in told:
        newest[one.document] = max(newest.get(one.document, 0), one.revision)
    return [one for one in told if not one.document or one.revision == newest[one.document]]


def stands(subject: Subject, told: Iterable[Told], bills: Collection[str] = ()) -> Judged | None:
    """The judgement that stands for a finding; None where nobody said anything. ``bills``: serials of known SBOMs."""
    found = [one for one in (applies(subject, one, bills) for one in told) if one is not None]
    return max(found, key=_rank) if found else None


def _rank(one: Judged) -> tuple[int, int, int, bytes]:
    caution = len(words.STATUSES) - words.STATUSES.index(one.status)
    return (one.scope, one.statement.at, caution, msgspec.json.encode(one.statement, order="deterministic"))


def applies(subject: Subject, told: Told, bills: Collection[str] = ()) -> Judged | None:
    """Whether a statement speaks of a finding, and what it says of it."""
    statement = told.statement
    if not {statement.cve, *statement.aliases} & {subject.cve, *subject.aliases}:
        return None
    whole = _product(subject, statement.product, bills)
    if statement.component is not None:
        inner = _component(subject, statement.component, bills)
        if whole is None or inner is None:
            return None
        scope, why, version = BOTH, f"{whole}; {inner}", _version(subject.part)
    elif whole is not None:
        scope, why, version = PRODUCT, whole, subject.root.version or subject.firmware
    else:
        inner = _component(subject, statement.product, bills)
        if inner is None:
            return None
        scope, why, version = COMPONENT, inner, _version(subject.part)
    status = _said(statement, version)
    if status is None:
        return None
    return Judged(status=status, told=told, scope=scope, why=why)


def _version(part: Product) -> str:
    found = purls.parse(part.purl)
    return part.version or (found.version if found else "")


def _said(statement: Statement, version: str) -> str | None:
    """The status for this version; None where the statement means other versions."""
    if not statement.versions:
        return statement.status
    for one in statement.versions:
        if not _means(one, version):
            continue
        if one.status == "affected" or (one.status, statement.status) == ("not_affected", "fixed"):
            return statement.status
        return one.status
    return None


def _means(said: Said, version: str) -> bool:
    if said.version:
        return bool(version) and compare(said.version, version) == 0
    try:
        return judge(from_vers(said.range), version)[0] == "affected"
    except Invalid:
        return False


def _product(subject: Subject, named: Product, bills: Collection[str]) -> str | None:
    """Why a statement's product is the one around the finding; None where it is another."""
    if named.model_id:
        return "this model" if named.model_id == subject.model_id else None
    if named.serial:
        return _linked(subject.root, named, bills)
    if named.purl:
        return _same_package(named.purl, subject.root)
    if named.cpe:
        own = [name for name in (subject.root.cpe, *subject.cpes) if name]
        return next((why for name in own if (why := _same_name(named.cpe, name))), None)
    if named.name:
        return _called(subject, named)
    if named.vendor:
        return f"every product of {named.vendor}" if names.maker(named.vendor) == names.maker(subject.manufacturer) \
            else None  # fmt: skip
    return None


def _component(subject: Subject, named: Product, bills: Collection[str]) -> str | None:
    """Why a statement's product is the component of the finding; None where it is another."""
    part = subject.part
    if named.family:
        return f"component {named.family}" if named.family == part.family else None
    if named.serial:
        return _linked(part, named, bills)
    if named.purl:
        return _same_package(named.purl, part)
    if named.cpe:
        return _same_name(named.cpe, part.cpe) if part.cpe else None
    if not named.name or named.name.lower() != part.name.lower():
        return None
    if named.vendor and part.vendor and names.maker(named.vendor) != names.maker(part.vendor):
        return None
    if named.version and compare(named.version, part.version) != 0:
        return None
    return f"component {named.name} {named.version}".strip()


def _linked(part: Product, named: Product, bills: Collection[str]) -> str | None:
    if part.serial == named.serial and part.serial:
        # A link without a revision means the first one (ECMA-424, BOM-Link).
        ours = part.revision or 1
        return f"BOM-Link {named.ref}" if part.ref == named.ref and (named.revision or ours) == ours else None
    if named.serial in bills or not named.ref.startswith("pkg:"):
        return None
    found, own = purls.parse(named.ref), purls.parse(part.purl)
    same = found is not None and own is not None and (found.key, found.version) == (own.key, own.version)
    return f"{named.ref} (the bill that it links to is not here)" if same else None


def _same_package(wanted: str, part: Product) -> str | None:
    found, own = purls.parse(wanted), purls.parse(part.purl)
    if found is None or own is None or found.key != own.key:
        return None
    version = own.version or part.version
    if found.version and compare(found.version, version, own.type) != 0:
        return None
    return f"package {wanted}"


def _same_name(wanted: str, own: str) -> str | None:
    pattern, name = cpes.parse(wanted), cpes.parse(own)
    fits = all(
        relation(getattr(pattern, key), getattr(name, key)) in (Relation.EQUAL, Relation.SUPERSET)
        for key in ("part", "vendor", "product", "version")
    )
    return f"name {wanted}" if fits else None


def _called(subject: Subject, named: Product) -> str | None:
    """By name: the product of the bill, or the model."""
    if named.vendor and names.maker(named.vendor) != names.maker(subject.manufacturer or subject.root.vendor):
        return None
    root = subject.root
    if root.name and root.name.lower() == named.name.lower():
        own = root.version or subject.firmware
    elif subject.model and names.product(subject.model, subject.manufacturer) == names.product(
        named.name, subject.manufacturer
    ):
        own = subject.firmware
    else:
        return None
    if named.version and (not own or compare(named.version, own) != 0):
        return None
    return f"product {named.name} {named.version}".strip()
