"""A document on products that something is wrong with, whoever published it: one shape for all kinds."""

from __future__ import annotations

from typing import Any

import msgspec

from wardbridge.equipment.advisories.codes import Codes
from wardbridge.equipment.advisories.ranges import Range

KINDS = ("recall", "hazard", "csaf", "kev", "letter")
AFFECTED, FIXED, UNAFFECTED, LOOKING = "affected", "fixed", "not_affected", "under_investigation"
"""Product status: CSAF 2.0 section 3.2.3.9 in the four words that VEX has, too."""


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``advisory_product``.

    ``host``: ``{vendor, product, version}`` of what it must be installed on. ``prose``: ``product`` is a text that
    names products, not a name. ``status``: ``{cve: status}``, under '' where the document has no CVE.
    """

    product_id: str
    vendor: str
    product: str
    name: str = ""
    version: str = ""
    range: Range = Range(stated=False)
    codes: Codes = Codes()
    di: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    product_code: str = ""
    cpe: str = ""
    purl: str = ""
    host: dict[str, str] | None = None
    prose: bool = False
    status: dict[str, str] = {}
    remedy: str = ""


class Cve(msgspec.Struct, frozen=True, kw_only=True):
    """A vulnerability that a document tells of."""

    cve: str
    title: str = ""
    cvss: float | None = None
    vector: str = ""
    cwe: str = ""
    due: int | None = None
    ransomware: bool = False


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What a document says. ``source`` is its format; times in µs since the epoch; ``raw`` as it came."""

    advisory_id: str
    kind: str
    source: str
    number: str
    publisher: str
    title: str
    summary: str = ""
    remedy: str = ""
    published: int | None = None
    updated: int | None = None
    version: str = ""
    severity: str = ""
    class_: str = msgspec.field(default="", name="class")
    cvss: float | None = None
    url: str = ""
    state: str = "current"
    products: tuple[Product, ...] = ()
    cves: tuple[Cve, ...] = ()
    raw: bytes = b""


class Advisory(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``advisory``, with what lists show beside it."""

    advisory_id: str
    kind: str
    number: str
    publisher: str
    title: str
    summary: str
    remedy: str
    published: int | None
    updated: int | None
    version: str
    severity: str
    class_: str = msgspec.field(name="class")
    cvss: float | None
    url: str
    state: str
    digest: str
    loaded_at: int
    broad: int
    cves: tuple[str, ...] = ()
    kev: bool = False
    due: int | None = None
    ransomware: bool = False
    open: int = 0
    decided: int = 0
    excluded: int = 0


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A record that could not be read, where it stood and why. ``foreign``: a file in a folder that is none of ours."""

    file: str
    place: str
    reason: str
    raw: bytes = b""
    foreign: bool = False


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``advisory_candidate``."""

    advisory_id: str
    device_id: str
    verdict: str
    certainty: str
    since: int
    products: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    reason: str = ""
    facts: dict[str, Any] = {}
    decision: str = "open"
    decided_why: str = ""
    decided_by: str = ""
    decided_at: int | None = None
    decided_facts: dict[str, Any] | None = None
    reopened: str = ""
