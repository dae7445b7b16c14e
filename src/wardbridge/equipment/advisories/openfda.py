"""openFDA records of device recalls: ``device/recall`` and ``device/enforcement`` tell of the same recall number.

Fields by openFDA's published schemas. What is concerned stands in prose: the product description, and ``code_info``
with lots, serial numbers and identifiers.
"""

from __future__ import annotations

from typing import Any

from wardbridge.equipment.advisories import codes, ranges, read
from wardbridge.equipment.advisories.values import AFFECTED, Document, Product

PUBLISHER = "FDA"
RECALL, ENFORCEMENT = "openfda-recall", "openfda-enforcement"
_ENDED = frozenset({"terminated", "completed"})


def is_record(value: Any) -> bool:
    """Whether this is a record of either kind."""
    return isinstance(value, dict) and (
        "product_res_number" in value or "cfres_id" in value or ("recall_number" in value and "code_info" in value)
        or ("recalling_firm" in value and "product_description" in value)
    )  # fmt: skip


def document(value: dict[str, Any], raw: bytes) -> Document:
    """A record as a document. Raises Invalid for one without number, firm or product."""
    enforcement = "recall_number" in value
    number = read.need(value, "recall_number" if enforcement else "product_res_number")
    firm, told = read.need(value, "recalling_firm"), read.need(value, "product_description")
    info = " ".join(
        part for part in (read.text(value, "code_info", 400_000), read.text(value, "more_code_info")) if part
    )
    found = codes.read(info)
    status = read.text(value, "status" if enforcement else "recall_status")
    fda = read.child(value, "openfda")
    class_ = read.text(value, "classification") if enforcement else ""
    first = read.text(value, "recall_initiation_date" if enforcement else "event_date_initiated")
    dates = [read.text(value, name) for name in ("report_date", "center_classification_date", "event_date_posted",
                                                 "event_date_terminated", "termination_date")]  # fmt: skip
    moments = [at for text in dates if (at := read.moment(text)) is not None]
    published = read.moment(first)
    return Document(
        advisory_id=f"recall-{read.slug(number)}", kind="recall", source=ENFORCEMENT if enforcement else RECALL,
        number=number, publisher=PUBLISHER, title=f"{firm}: {told[:160]}",
        summary=read.text(value, "reason_for_recall"),
        remedy=read.text(value, "action"), published=published, updated=max([*moments, published or 0]) or None,
        version=read.text(value, "cfres_id") or read.text(value, "event_id"), severity=class_, class_=class_,
        state="ended" if status.casefold() in _ENDED else "current", raw=raw,
        products=(
            Product(
                product_id="1", vendor=firm, product=told, name=read.text(fda, "device_name"), codes=found,
                di=found.di, models=found.models, product_code=read.text(value, "product_code"), prose=True,
                range=ranges.Range(stated=False), status={"": AFFECTED}, remedy=read.text(value, "action"),
            ),
        ),
    )  # fmt: skip


def joined(documents: list[Document]) -> Document:
    """The two records of one recall as one: each gives what the other has not."""
    if len(documents) == 1:
        return documents[0]
    first, second = sorted(documents, key=lambda one: one.source, reverse=True)
    one, other = first.products[0], second.products[0]
    info = one.codes if len(one.codes.text) >= len(other.codes.text) else other.codes
    product = Product(
        product_id="1", vendor=one.vendor, name=one.name or other.name,
        product=one.product if len(one.product) >= len(other.product) else other.product, codes=info, prose=True,
        di=tuple(dict.fromkeys((*one.di, *other.di))), models=tuple(dict.fromkeys((*one.models, *other.models))),
        product_code=one.product_code or other.product_code, range=one.range, status={"": AFFECTED},
        remedy=one.remedy or other.remedy,
    )  # fmt: skip
    moments = [at for at in (first.updated, second.updated) if at is not None]
    return Document(
        advisory_id=first.advisory_id, kind=first.kind, source=first.source, number=first.number, publisher=PUBLISHER,
        title=first.title, summary=first.summary or second.summary, remedy=first.remedy or second.remedy,
        published=first.published or second.published, updated=max(moments, default=None), version=first.version,
        severity=first.severity or second.severity, class_=first.class_ or second.class_,
        state="ended" if "ended" in (first.state, second.state) else "current", products=(product,), raw=first.raw,
    )  # fmt: skip
