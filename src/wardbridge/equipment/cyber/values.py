"""What SBOMs, feeds and statements are read into. Times are µs since the epoch (UTC), None for unknown."""

from __future__ import annotations

from typing import Any

import msgspec

from wardbridge.equipment.cyber import purl as purls
from wardbridge.equipment.cyber.versions import EVERY, Affects


class Refused(msgspec.Struct, frozen=True):
    """A part of a document that could not be understood; the document is kept whole."""

    where: str
    reason: str


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a product (or, ``n`` 0, the product); ``family`` is what it is called in every version.

    ``support`` and ``support_ends`` are FD&C 524B's level and end of support. ``more`` is what else is said of it, in
    the words of CycloneDX JSON; what SPDX alone says is under ``spdx``.
    """

    n: int
    parent: int | None = None
    ref: str = ""
    type: str = "library"
    family: str
    name: str
    group: str = ""
    version: str = ""
    purl: str = ""
    cpe: str = ""
    supplier: str = ""
    support: str = ""
    support_ends: int | None = None
    more: dict[str, Any] = {}


class Product(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a statement speaks of, by every name that it gives: purl, CPE, BOM-Link (serial, revision, ref), name."""

    purl: str = ""
    cpe: str = ""
    name: str = ""
    version: str = ""
    serial: str = ""
    revision: int = 0
    ref: str = ""
    vendor: str = ""
    model_id: str = ""
    family: str = ""


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """For which versions of the product: one version, or a range in vers notation."""

    version: str = ""
    range: str = ""
    status: str = "affected"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says of one vulnerability of one product (and one component of it, where ``component`` is given).

    ``said`` is the state in the document's own words; ``more`` keeps what else the document says.
    """

    cve: str
    product: Product
    status: str
    at: int
    aliases: tuple[str, ...] = ()
    component: Product | None = None
    versions: tuple[Said, ...] = ()
    justification: str = ""
    impact: str = ""
    action: str = ""
    said: str = ""
    more: dict[str, Any] = {}


class Bom(msgspec.Struct, frozen=True, kw_only=True):
    """A document of components; ``depends``: ref -> the refs that it depends on."""

    format: str
    spec: str
    kind: str
    serial: str = ""
    revision: int = 1
    name: str = ""
    author: str = ""
    made_at: int | None = None
    root: Component | None = None
    components: tuple[Component, ...] = ()
    depends: dict[str, list[str]] = {}
    statements: tuple[Statement, ...] = ()
    refused: tuple[Refused, ...] = ()

    @property
    def parts(self) -> int:
        """How many components it lists, services aside."""
        return sum(one.type != "service" for one in self.components)

    @property
    def services(self) -> int:
        return sum(one.type == "service" for one in self.components)


class Vex(msgspec.Struct, frozen=True, kw_only=True):
    """A document of statements."""

    format: str
    serial: str
    revision: int = 1
    author: str = ""
    made_at: int | None = None
    statements: tuple[Statement, ...] = ()
    refused: tuple[Refused, ...] = ()


class Leaf(msgspec.Struct, frozen=True, omit_defaults=True):
    """A criterion of a configuration: a CPE pattern with the versions it means."""

    cpe: str
    affects: Affects = EVERY
    vulnerable: bool = True


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """AND or OR over leaves and nodes, negated or not (NVD API 2.0 ``configurations``)."""

    operator: str = "OR"
    negate: bool = False
    nodes: tuple[Node, ...] = ()
    leaves: tuple[Leaf, ...] = ()


class Package(msgspec.Struct, frozen=True, omit_defaults=True):
    """A package of an ecosystem with the versions that are affected."""

    purl: str
    affects: Affects = EVERY


class Text(msgspec.Struct, frozen=True, omit_defaults=True):
    """Vendor and product in the words of the record."""

    vendor: str
    product: str
    affects: Affects = EVERY


class Body(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which products a vulnerability is in."""

    packages: tuple[Package, ...] = ()
    nodes: tuple[Node, ...] = ()
    texts: tuple[Text, ...] = ()


class Vulnerability(msgspec.Struct, frozen=True, kw_only=True):
    """A vulnerability as one source (cve, nvd, osv) describes it; ``cve`` is its CVE id, or the source's own one."""

    cve: str
    source: str
    aliases: tuple[str, ...] = ()
    state: str = "published"
    title: str = ""
    text: str = ""
    published: int | None = None
    modified: int | None = None
    cvss: float | None = None
    vector: str = ""
    ssvc: dict[str, str] = {}
    kev: bool = False
    body: Body = Body()


def family(name: str, group: str = "", purl: str = "") -> str:
    """What a component is called in every version: group and name, lower case."""
    found = purls.parse(purl)
    if found is not None:
        group = group or ("" if found.namespace == "?" else found.namespace)
    return "/".join(filter(None, (group.strip().lower(), name.strip().lower())))[:300]
