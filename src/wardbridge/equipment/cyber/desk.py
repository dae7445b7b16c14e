"""Putting documents, names, judgements, zones and controls into the register, each with its FHIR resources."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.cyber import cpe as cpes
from wardbridge.equipment.cyber import resources, triage
from wardbridge.equipment.cyber.mds2 import form
from wardbridge.equipment.cyber.mds2 import read as mds2
from wardbridge.equipment.cyber.priority import EFFECT, EXPOSURE
from wardbridge.equipment.cyber.rematch import Matched, rematch
from wardbridge.equipment.cyber.sbom.read import read as read_bom
from wardbridge.equipment.cyber.store import said as said_store
from wardbridge.equipment.cyber.store import sboms, zones
from wardbridge.equipment.cyber.store.exposure import Control
from wardbridge.equipment.cyber.store.zones import Conduit, Sheet, Zone
from wardbridge.equipment.cyber.triage import Triage
from wardbridge.equipment.cyber.values import Bom, Component, Refused, Vex
from wardbridge.equipment.cyber.vex.read import of_bom
from wardbridge.equipment.cyber.vex.read import read as read_vex
from wardbridge.equipment.register import desk as register
from wardbridge.equipment.register.store import models as models_of
from wardbridge.equipment.register.values import Model
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.signing.sign import sides_of, sign
from wardbridge.security.principal import Principal

_FILLS_LENGTH = 200


class Put(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a document: its id, counts, what was refused. ``again``: it was here, nothing was written."""

    ident: str
    kind: str
    components: int = 0
    services: int = 0
    statements: int = 0
    answers: int = 0
    refused: tuple[Refused, ...] = ()
    again: bool = False
    matched: Matched | None = None


async def model_of(conn: Connection, model_id: str) -> Model:
    """A model of the register. Raises NotFound."""
    found = await models_of(conn, [model_id])
    if not found:
        raise NotFound("there is no such model in the register", f"DeviceDefinition/{model_id}")
    return found[0]


async def add_sbom(
    shop: Shop, conn: Connection, model_id: str, sent: bytes, by: Principal, *, version: str = ""
) -> Put:  # fmt: skip
    """The bill of materials of a model, or of one version of its software; replaces the one in force for it.

    Its statements on vulnerabilities are taken over, too. Raises NotFound for the model, Invalid for the document.
    """
    await model_of(conn, model_id)
    bom = read_bom(sent)
    digest = hashlib.sha256(sent).hexdigest()
    again = await sboms.same(conn, model_id, version, digest)
    if again is not None:
        return Put(ident=again, kind=bom.kind, components=bom.parts, services=bom.services, refused=bom.refused,
                   statements=len(bom.statements), again=True)  # fmt: skip
    ident = await _document(shop, conn, "sbom", sent, digest, model_id, bom.name, bom.author, bom.format)
    old = [one for one in await sboms.of_model(conn, model_id)
           if one.version == version and one.superseded_by is None]  # fmt: skip
    parts: Sequence[Component] = ([bom.root] if bom.root else []) + list(_without_root(bom))
    await sboms.add(
        conn,
        sboms.Sbom(
            sbom_id=ident, model_id=model_id, version=version, format=bom.format, spec=bom.spec, kind=bom.kind,
            serial=bom.serial, revision=bom.revision, name=bom.name, author=bom.author, made_at=bom.made_at,
            digest=digest, size=len(sent), document_id=ident, components=bom.parts, services=bom.services,
            refused=bom.refused, depends=bom.depends, loaded_at=shop.clock.now(), loaded_by=by.id,
        ),
        parts,
    )  # fmt: skip
    for one in old:
        await _supersede(shop, conn, one.document_id, ident)
    if bom.statements:
        await _put_vex(shop, conn, of_bom(bom), digest, ident, model_id, by)
    matched = await rematch(shop, conn, models=[model_id])
    return Put(ident=ident, kind=bom.kind, components=bom.parts, services=bom.services, refused=bom.refused,
               statements=len(bom.statements), matched=matched)  # fmt: skip


def _without_root(bom: Bom) -> list[Component]:
    """The components, without the product where the document lists that among them."""
    return [one for one in bom.components if bom.root is None or not one.ref or one.ref != bom.root.ref]


async def add_vex(shop: Shop, conn: Connection, sent: bytes, by: Principal) -> Put:
    """A maker's statements. They count from now on, and for whatever is found later. Raises Invalid."""
    vex = read_vex(sent)
    digest = hashlib.sha256(sent).hexdigest()
    again = await said_store.known(conn, digest)
    if again is not None:
        return Put(ident=again, kind="vex", statements=len(vex.statements), refused=vex.refused, again=True)
    ident = await _document(shop, conn, "vex", sent, digest, "", vex.serial, vex.author, vex.format)
    await _put_vex(shop, conn, vex, digest, ident, None, by)
    return Put(ident=ident, kind="vex", statements=len(vex.statements), refused=vex.refused)


async def _put_vex(
    shop: Shop, conn: Connection, vex: Vex, digest: str, document_id: str, model_id: str | None, by: Principal
) -> None:
    if await said_store.known(conn, digest) is not None:
        return
    row = {
        "vex_id": document_id, "format": vex.format, "serial": vex.serial, "revision": vex.revision,
        "author": vex.author, "made_at": vex.made_at, "digest": digest, "document_id": document_id,
        "model_id": model_id, "statements": len(vex.statements), "refused": msgspec.to_builtins(vex.refused),
        "loaded_at": shop.clock.now(), "loaded_by": by.id,
    }  # fmt: skip
    await said_store.add(conn, row, vex.statements)


async def add_mds2(
    shop: Shop, conn: Connection, model_id: str, sent: bytes, by: Principal, *, version: str = ""
) -> Put:  # fmt: skip
    """The disclosure statement of a model. What it says of storage (MPII-2.2) becomes the model's.

    Raises NotFound for the model, Invalid for the file.
    """
    model = await model_of(conn, model_id)
    found = mds2.read(sent)
    digest = hashlib.sha256(sent).hexdigest()
    old = await zones.sheet(conn, model_id)
    if old is not None and old.digest == digest:
        return Put(ident=old.mds2_id, kind="mds2", answers=len(found.answers), refused=found.refused, again=True)
    ident = await _document(shop, conn, "mds2", sent, digest, model_id, f"MDS2 {model.name}", model.manufacturer, "")
    now = shop.clock.now()
    await zones.put_sheet(
        conn,
        Sheet(mds2_id=ident, model_id=model_id, version=version, answers=found.answers, digest=digest,
              refused=msgspec.to_builtins(list(found.refused)), document_id=ident, loaded_at=now, loaded_by=by.id),
    )  # fmt: skip
    await shop.record.put(conn, [resources.response(f"{ident}-answers", model_id, found.answers, now)])
    if old is not None:
        await _supersede(shop, conn, old.document_id, ident)
    storage = form.storage(found.answers)
    if storage not in ("unknown", model.storage):
        await register.add_models(shop, conn, [msgspec.structs.replace(model, storage=storage)])
    return Put(ident=ident, kind="mds2", answers=len(found.answers), refused=found.refused)


async def _document(
    shop: Shop, conn: Connection, kind: str, sent: bytes, digest: str, model_id: str, title: str, author: str, how: str
) -> str:
    ident = shop.ids()
    start = sent[:200].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    media = {b"<": "application/xml", b"{": "application/json", b"[": "application/json"}.get(start, "text/plain")
    media = {b"\x1f\x8b": "application/gzip", b"PK": "application/zip"}.get(sent[:2], media)
    await shop.record.put(
        conn,
        resources.document(ident, kind, sent, media=media, model_id=model_id, title=" ".join(f"{how} {title}".split()),
                           digest=digest, at=shop.clock.now(), author=author),
    )  # fmt: skip
    return ident


async def _supersede(shop: Shop, conn: Connection, document_id: str, by: str) -> None:
    found = await shop.record.current(conn, "DocumentReference", document_id)
    if found is not None:
        await shop.record.put(conn, [resources.superseded(found, by)])


async def name_model(shop: Shop, conn: Connection, model_id: str, cpe: str, fills: str = "") -> Matched:
    """Give a model a CPE name; ``fills``: firmware, os, hardware or a program, whose version stands in for ``*``.

    Raises Invalid for a name that says neither vendor nor product.
    """
    await model_of(conn, model_id)
    found = cpes.parse(cpe)
    if found.vendor in (cpes.ANY, cpes.NA) or found.product in (cpes.ANY, cpes.NA):
        raise Invalid("a CPE name of a model says its vendor and product", "cpe")
    name = sboms.Name(model_id=model_id, cpe=str(found), fills=fills.strip()[:_FILLS_LENGTH])
    await sboms.put_names(conn, [name])
    return await rematch(shop, conn, models=[model_id])


async def unname_model(shop: Shop, conn: Connection, model_id: str, cpe: str) -> Matched:
    """Take a CPE name away. Raises NotFound."""
    if not await sboms.drop_name(conn, model_id, cpe):
        raise NotFound("the model does not have this name", "cpe")
    return await rematch(shop, conn, models=[model_id])


async def judge(
    shop: Shop, conn: Connection, by: Principal, *, cve: str, model_id: str, family: str, state: str,
    justification: str = "", note: str = "", versions: str = "", until: int | None = None, kev: bool = False,
) -> Triage:  # fmt: skip
    """A person's judgement; an accepted risk is signed by its author's side, and waits for the other one.

    ``kev``: whether it is known to be exploited now. Raises NotFound, Invalid, Forbidden.
    """
    await model_of(conn, model_id)
    one = triage.checked(
        Triage(triage_id=shop.ids(), cve=cve, model_id=model_id, family=family, state=state,
               justification=justification if state == "not_affected" else "", note=note, versions=versions,
               until=until if state == "accepted" else None, kev=kev, by=by.id, display=by.display,
               at=shop.clock.now()),
        shop.clock.now(),
    )  # fmt: skip
    await said_store.put_triage(conn, one)
    await shop.record.put(conn, [resources.issue(one)])
    mine = [side for side in sides_of(by) if side in ("biomed", "it")]
    if one.state == "accepted" and mine:
        await sign_triage(shop, conn, one.triage_id, mine[0], by)
    return one


async def sign_triage(shop: Shop, conn: Connection, triage_id: str, side: str, by: Principal) -> None:
    """Sign an accepted risk as one side. Raises NotFound, Conflict, Forbidden."""
    found = await said_store.triages(conn, triage_id=triage_id)
    if not found or found[0].state != "accepted":
        raise NotFound("there is no such accepted risk", f"triage/{triage_id}")
    newest = await said_store.triages(conn, cve=found[0].cve, model_id=found[0].model_id)
    if any(one.family == found[0].family and (one.at, one.triage_id) > (found[0].at, triage_id) for one in newest):
        raise Conflict("a newer judgement took the place of this one", f"triage/{triage_id}")
    await sign(shop, conn, "triage", triage_id, triage.content(found[0]), meaning="accepted", side=side, by=by)


async def put_zone(shop: Shop, conn: Connection, zone: Zone) -> None:
    """Add or change a zone. Raises Invalid."""
    if not zone.zone.strip() or not 0 <= zone.level <= 4 or zone.exposure not in set(EXPOSURE) - {""}:
        raise Invalid("a zone has a name, a level from 0 to 4 and one of the listed exposures", "zone")
    await zones.put_zone(conn, zone)


async def put_conduit(shop: Shop, conn: Connection, source: str, target: str, *, service: str, purpose: str,
                      level: int) -> Conduit:  # fmt: skip
    """Allow a way between two zones. Raises Invalid for zones that do not exist, or one zone twice."""
    known = {one.zone for one in await zones.zones(conn)}
    if source == target or source not in known or target not in known:
        raise Invalid("a conduit leads from one described zone to another", "source")
    if len(purpose.strip()) < 3:
        raise Invalid("please say what the conduit is for", "purpose")
    same = [one for one in await zones.conduits(conn) if (one.source, one.target, one.service)
            == (source, target, service)]  # fmt: skip
    ident = same[0].conduit_id if same else shop.ids()
    one = Conduit(conduit_id=ident, source=source, target=target, service=service, purpose=purpose, level=level)
    await zones.put_conduit(conn, one)
    return one


async def drop_conduit(shop: Shop, conn: Connection, conduit_id: str) -> None:
    """Close a way. Raises NotFound."""
    if not await zones.drop_conduit(conn, conduit_id):
        raise NotFound("there is no such conduit", f"conduit/{conduit_id}")


async def add_control(shop: Shop, conn: Connection, by: Principal, **fields: Any) -> Control:
    """A compensating control: name, effect, cve, model_id, zone (one at least), owner, evidence, until.

    Raises Invalid with the field.
    """
    now = shop.clock.now()
    control = msgspec.convert(
        {"control_id": shop.ids(), "start": now, "made_by": by.id} | fields, Control, strict=True
    )  # fmt: skip
    if control.effect not in EFFECT:
        raise Invalid(f"the effect is one of: {', '.join(EFFECT)}", "effect")
    if not (control.cve or control.model_id or control.zone):
        raise Invalid("a control is for a CVE, a model or a zone", "cve")
    if control.until <= now:
        raise Invalid("a control has an end in the future", "until")
    for field in ("name", "owner", "evidence"):
        if not getattr(control, field).strip():
            raise Invalid("please fill in this field", field)
    await zones.put_control(conn, control)
    return control


async def end_control(shop: Shop, conn: Connection, control_id: str) -> None:
    """End a control early. Raises NotFound, Conflict."""
    found = await zones.controls(conn, control_id=control_id)
    if not found:
        raise NotFound("there is no such control", f"control/{control_id}")
    if found[0].ended_at is not None:
        raise Conflict("this control has ended", f"control/{control_id}")
    await zones.put_control(conn, msgspec.structs.replace(found[0], ended_at=shop.clock.now()))
