"""What is known of a model, for others: its bill of materials, and statements on its vulnerabilities (VEX)."""

from __future__ import annotations

from typing import Any

from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.cyber.sbom.write import write as write_bom
from wardbridge.equipment.cyber.store import said, sboms
from wardbridge.equipment.cyber.triage import Triage
from wardbridge.equipment.cyber.values import Bom, Component, Product, Said, Statement
from wardbridge.equipment.cyber.vex import cyclonedx, openvex
from wardbridge.equipment.cyber.vex.judge import current
from wardbridge.equipment.register.store import models as models_of
from wardbridge.equipment.shop import Shop

FORMATS = ("cyclonedx", "openvex")
_STATUS = {"in_triage": "under_investigation", "exploitable": "affected", "not_affected": "not_affected",
           "resolved": "fixed", "accepted": "affected"}  # fmt: skip


async def sbom(shop: Shop, sbom_id: str) -> dict[str, Any]:
    """A bill as CycloneDX 1.6, whatever it came as. Raises NotFound."""
    one = await sboms.one(shop.pool, sbom_id)
    if one is None:
        raise NotFound("there is no such bill of materials", f"sbom/{sbom_id}")
    parts = await sboms.components(shop.pool, sbom_id)
    bom = Bom(
        format=one.format, spec=one.spec, kind=one.kind, serial=one.serial, revision=one.revision, name=one.name,
        author=one.author, made_at=one.made_at, root=next((part for part in parts if part.n == 0), None),
        components=tuple(part for part in parts if part.n), depends=one.depends,
    )  # fmt: skip
    return write_bom(bom)


async def vex(shop: Shop, model_id: str, kind: str) -> dict[str, Any]:
    """Makers' statements on the vulnerabilities found in a model and this hospital's judgements.

    Raises NotFound for the model, Invalid for a format that is not offered.
    """
    if kind not in FORMATS:
        raise Invalid(f"the format is one of: {', '.join(FORMATS)}", "format")
    found = await models_of(shop.pool, [model_id])
    if not found:
        raise NotFound("there is no such model in the register", f"DeviceDefinition/{model_id}")
    model = found[0]
    cves = await said.found_in(shop.pool, model_id)
    told = [one.statement for one in current(await said.told(shop.pool, cves))]
    product = Product(name=model.name, vendor=model.manufacturer)
    newest: dict[tuple[str, str], Triage] = {}
    for one in await said.triages(shop.pool, model_id=model_id):
        newest[one.cve, one.family] = max(
            one, newest.get((one.cve, one.family), one), key=lambda t: (t.at, t.triage_id)
        )
    parts = {part.family: part for part in await _parts(shop, model_id)}
    told += [_statement(one, product, parts.get(one.family)) for one in newest.values()]
    write = cyclonedx.write if kind == "cyclonedx" else openvex.write
    return write(told, serial=shop.ids(), made=shop.clock.now(), author="Wardbridge")


async def _parts(shop: Shop, model_id: str) -> list[Component]:
    bills = [one for one in await sboms.of_model(shop.pool, model_id) if one.superseded_by is None]
    return [part for bill in reversed(bills) for part in await sboms.components(shop.pool, bill.sbom_id)]


def _statement(one: Triage, product: Product, part: Component | None) -> Statement:
    """A judgement as a statement on the model's component, by the names that the bill gives it."""
    component = None
    if part is not None:
        component = Product(name=part.name, vendor=part.supplier)
    status = _STATUS[one.state]
    return Statement(
        cve=one.cve, product=product, component=component, status=status, at=one.at, said="",
        versions=(Said(range=one.versions),) if one.versions else (), justification=one.justification,
        impact=one.note if status == "not_affected" else "", action="" if status == "not_affected" else one.note,
    )  # fmt: skip
