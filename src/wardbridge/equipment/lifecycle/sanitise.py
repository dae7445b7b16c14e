"""Sanitisation of storage media (NIST SP 800-88 Rev. 2): certificates whose method, technique and verification fit.

Which technique is which method on which medium is data (``sanitise.toml``). Who sanitised does not verify.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache
from importlib import resources as files

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.lifecycle import resources
from wardbridge.equipment.lifecycle.store import checks as store
from wardbridge.equipment.lifecycle.values import Certificate, Medium, Wiped
from wardbridge.equipment.register.store import assets, models
from wardbridge.equipment.register.values import Asset
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.signing.sign import SIDES, sign
from wardbridge.security.principal import Principal

METHODS = ("clear", "purge", "destroy")
"""From the weakest to the strongest."""


class MediumKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of medium and the techniques that count as each method on it."""

    name: str
    clear: tuple[str, ...]
    purge: tuple[str, ...]
    destroy: tuple[str, ...]

    def techniques(self, method: str) -> tuple[str, ...]:
        return {"clear": self.clear, "purge": self.purge, "destroy": self.destroy}[method]


class Classification(msgspec.Struct, frozen=True, kw_only=True):
    """The least method for data of this kind where the medium stays in the hospital, and where it leaves."""

    name: str
    stays: str
    leaves: str


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """Where the machine goes."""

    name: str
    leaves: bool


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """A way to verify; ``sampled``: says how much was read back."""

    name: str
    sampled: bool
    methods: tuple[str, ...]


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """``sanitise.toml``."""

    media: dict[str, MediumKind]
    technique: dict[str, str]
    classification: dict[str, Classification]
    destination: dict[str, Destination]
    verification: dict[str, Verification]


@cache
def rules() -> Rules:
    """The rules as delivered. Raises ValueError where degaussing would destroy, or a technique has no name."""
    found = msgspec.convert(tomllib.loads(files.files(__package__).joinpath("sanitise.toml").read_text()), Rules)
    named = {name for kind in found.media.values() for method in METHODS for name in kind.techniques(method)}
    if named - found.technique.keys() or any("degauss" in kind.destroy for kind in found.media.values()):
        raise ValueError("sanitise.toml contradicts itself or NIST SP 800-88 Rev. 2")
    return found


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says that was done to media of one machine."""

    media: tuple[str, ...]
    source: str
    before: str
    after: str
    method: str
    technique: str
    tool: str = ""
    tool_version: str = ""
    destination: str
    place: str
    note: str = ""


def faults(order: Order, kinds: Iterable[str]) -> list[tuple[str, str]]:
    """What is wrong with an order for media of these kinds: (field, what)."""
    known = rules()
    wrong: list[tuple[str, str]] = []
    tables: tuple[tuple[str, Iterable[str]], ...] = (
        ("before", known.classification), ("after", known.classification), ("destination", known.destination),
        ("technique", known.technique), ("method", METHODS),
    )  # fmt: skip
    wrong += [(name, f"one of: {', '.join(table)}") for name, table in tables if getattr(order, name) not in table]
    wrong += [(name, "must be filled in") for name in ("source", "place") if not getattr(order, name).strip()]
    if wrong:
        return wrong
    for kind in sorted(set(kinds)):
        allowed = known.media[kind].techniques(order.method)
        if order.technique not in allowed:
            does = ", ".join(allowed) or "nothing"
            wrong.append(("technique", f"{order.technique} is no {order.method} of {kind}; {does} is"))
    least = least_method(order.before, order.destination)
    if METHODS.index(order.method) < METHODS.index(least):
        wrong.append(("method", f"{order.before} data going to {order.destination} needs {least} at least"))
    if order.method != "destroy" and not order.tool.strip():
        wrong.append(("tool", "name the tool or command"))
    return wrong


def least_method(before: str, destination: str) -> str:
    """The least method for what was on a medium and where it goes."""
    known = rules()
    data = known.classification[before]
    return data.leaves if known.destination[destination].leaves else data.stays


async def list_medium(
    shop: Shop, conn: Connection, device_id: str, kind: str, serial: str = "", place: str = ""
) -> Medium:
    """Write down a storage medium of a machine. Raises Invalid, NotFound, Conflict for a serial listed already."""
    if kind not in rules().media:
        raise Invalid(f"a medium is one of: {', '.join(rules().media)}", "kind")
    await _machine(conn, device_id)
    serial = serial.strip()
    if serial and any(one.serial.lower() == serial.lower() for one in await store.media(conn, device_id)):
        raise Conflict("this medium is listed already", "serial")
    medium = Medium(medium_id=shop.ids(), device_id=device_id, kind=kind, serial=serial, place=place.strip())
    await store.save_media(conn, [medium])
    return medium


async def remove_medium(conn: Connection, device_id: str, medium_id: str, why: str) -> Medium:
    """A medium is no longer in the machine, or was listed in error; it stays on record. Raises NotFound, Invalid."""
    medium = next((one for one in await store.media(conn, device_id) if one.medium_id == medium_id), None)
    if medium is None:
        raise NotFound("there is no such medium", f"medium/{medium_id}")
    if len(why.strip()) < 3:
        raise Invalid("say where it went", "removed")
    gone = msgspec.structs.replace(medium, removed=why.strip())
    await store.save_media(conn, [gone])
    return gone


async def certify(shop: Shop, conn: Connection, device_id: str, by: Principal, order: Order) -> Certificate:
    """Write a certificate for media of a machine; it counts once somebody else verified it.

    Raises NotFound for an unknown machine or medium, Invalid with everything that does not fit.
    """
    asset = await _machine(conn, device_id)
    (model,) = await models(conn, [asset.model_id])
    listed = {one.medium_id: one for one in await store.media(conn, device_id) if not one.removed}
    if not order.media or set(order.media) - listed.keys():
        raise Invalid("choose the media that were sanitised, of those that are listed", "media")
    wrong = faults(order, [listed[ident].kind for ident in order.media])
    if wrong:
        raise Invalid("; ".join(f"{name}: {what}" for name, what in wrong), wrong[0][0])
    certificate = Certificate(
        certificate_id=shop.ids(), device_id=device_id, manufacturer=model.manufacturer, model=model.name,
        serial=asset.serial, tag=asset.tag,
        media=tuple(Wiped(ident, listed[ident].kind, listed[ident].serial) for ident in order.media),
        source=order.source.strip(), before=order.before, after=order.after, method=order.method,
        technique=order.technique, tool=order.tool.strip(), tool_version=order.tool_version.strip(),
        destination=order.destination, place=order.place.strip(), note=order.note.strip(), done_by=by.id,
        done_name=by.display, done_at=shop.clock.now(),
    )  # fmt: skip
    await store.save_certificate(conn, certificate)
    await _record(shop, conn, certificate)
    return certificate


async def verify(
    shop: Shop, conn: Connection, certificate_id: str, by: Principal, *, verification: str,
    sampled: Decimal | None = None, passed: bool, note: str = "",
) -> Certificate:  # fmt: skip
    """Verify a certificate as another person than who sanitised, and sign it; one that failed counts for nothing.

    Raises NotFound, Conflict for one that was verified, Forbidden for who sanitised, Invalid for a verification that
    does not fit the method or does not say how much was read.
    """
    found = await store.certificate(conn, certificate_id, lock=True)
    if found is None:
        raise NotFound("there is no such certificate", f"certificate/{certificate_id}")
    if found.result:
        raise Conflict(f"{found.verified_name} has verified it: {found.result}", "result")
    if found.done_by == by.id:
        raise Forbidden("whoever sanitised does not verify", "person")
    way = rules().verification.get(verification)
    if way is None or found.method not in way.methods:
        raise Invalid(f"this is no way to verify {found.method}", "verification")
    if way.sampled and (sampled is None or not (sampled.is_finite() and 0 < sampled <= 100)):
        raise Invalid("say how much was read back, in per cent", "sampled")
    verified = msgspec.structs.replace(
        found, verification=verification, sampled=sampled if way.sampled else None,
        result="passed" if passed else "failed", verified_by=by.id, verified_name=by.display,
        verified_at=shop.clock.now(), note="\n".join(filter(None, [found.note, note.strip()])),
    )  # fmt: skip
    side = next((side for side in ("biomed", "it") if by.roles & SIDES[side]), "")
    if not side:
        raise Forbidden("a certificate is verified by biomed or IT", "role")
    signature = await sign(shop, conn, "sanitisation", certificate_id, verified, meaning="verified", side=side, by=by)
    signed = msgspec.structs.replace(verified, signature_id=signature.signature_id)
    await store.save_certificate(conn, signed)
    await _record(shop, conn, signed)
    return signed


def uncovered(media: Sequence[Medium], certificates: Sequence[Certificate]) -> list[Medium]:
    """Media that no passed certificate names."""
    done = {one.medium_id for certificate in certificates if certificate.result == "passed"
            for one in certificate.media}  # fmt: skip
    return [one for one in media if not one.removed and one.medium_id not in done]


async def _machine(conn: Connection, device_id: str) -> Asset:
    found = await assets(conn, [device_id])
    if not found or found[0].merged_into:
        raise NotFound("there is no such machine in the register", f"Device/{device_id}")
    return found[0]


async def _record(shop: Shop, conn: Connection, certificate: Certificate) -> None:
    url = f"{shop.url}/equipment/certificates/{certificate.certificate_id}.pdf"
    await shop.record.put(conn, [resources.document(certificate, url)])
