"""CISA's catalogue of known exploited vulnerabilities: each entry is an advisory on one product, without versions."""

from __future__ import annotations

import re
from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.equipment.advisories import ranges, read
from wardbridge.equipment.advisories.values import AFFECTED, Cve, Document, Product

PUBLISHER = "CISA"
URL = "https://www.cisa.gov/known-exploited-vulnerabilities-catalog"


def is_entry(value: Any) -> bool:
    """Whether this is an entry of the catalogue."""
    return isinstance(value, dict) and "cveID" in value


def document(value: dict[str, Any], raw: bytes) -> Document:
    """An entry as a document. Raises Invalid for one without CVE, product or date."""
    cve = read.need(value, "cveID")
    if not re.fullmatch(r"CVE-\d{4}-\d{4,19}", cve):
        raise Invalid(f"{cve[:40]} is no CVE id", "cveID")
    vendor, product = read.need(value, "vendorProject"), read.need(value, "product")
    added, due = read.moment(read.need(value, "dateAdded")), read.moment(read.need(value, "dueDate"))
    if added is None or due is None:
        raise Invalid("a date is not readable", "dateAdded" if added is None else "dueDate")
    ransomware = read.text(value, "knownRansomwareCampaignUse").casefold() == "known"
    cwes = ", ".join(one for one in read.several(value, "cwes") if isinstance(one, str))
    return Document(
        advisory_id=f"kev-{read.slug(cve)}", kind="kev", source="kev", number=cve, publisher=PUBLISHER,
        title=read.text(value, "vulnerabilityName") or f"{vendor} {product}",
        summary=read.text(value, "shortDescription"), remedy=read.text(value, "requiredAction"), published=added,
        updated=added, version=read.text(value, "dateAdded"), severity="exploited",
        class_="ransomware" if ransomware else "", url=URL, raw=raw,
        products=(
            Product(
                product_id="1", vendor=vendor, product=product, name=f"{vendor} {product}",
                range=ranges.Range(stated=False), status={cve: AFFECTED}, remedy=read.text(value, "requiredAction"),
            ),
        ),
        cves=(Cve(cve=cve, title=read.text(value, "vulnerabilityName"), cwe=cwes, due=due, ransomware=ransomware),),
    )  # fmt: skip
