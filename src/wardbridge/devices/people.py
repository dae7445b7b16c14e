"""Patients as ADT, devices and people name them, kept as FHIR Patients.

An id is ``authority|value``. In the record its system is the authority when that is a URI or an OID,
else ``urn:wardbridge:authority:NAME``; a value without an authority keeps an empty one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import NotFound
from wardbridge.devices.ports import Parts
from wardbridge.devices.store import people as store
from wardbridge.devices.store.people import Person

_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
OWN = "urn:wardbridge:authority:"


class Details(msgspec.Struct, frozen=True):
    """What a message says of a patient. ``ids`` are ``authority|value``, the first one is the main one;
    ``birth_date`` is a FHIR date, ``sex`` a FHIR administrative gender; empty: not said."""

    ids: tuple[str, ...]
    family: str = ""
    given: str = ""
    birth_date: str = ""
    sex: str = ""
    deceased: bool = False


def system(authority: str) -> str:
    """The FHIR identifier system of an assigning authority."""
    if not authority:
        return f"{OWN}unnamed"
    if _OID.fullmatch(authority):
        return f"urn:oid:{authority}"
    if authority.startswith(("http://", "https://", "urn:")):
        return authority
    return OWN + quote(authority, safe="")


async def ensure(parts: Parts, conn: Connection, details: Details, recorded: int) -> tuple[Person, bool]:
    """The patient whom these ids name, created where nobody is known by any of them; and whether an id leads
    to the patient for the first time (devices may have named it before: their bindings are to be derived again).

    What a newer message says replaces what an older one said; an older one fills gaps only. Ids that lead
    to two patients lead to the one of the first id (a merge is only ever said by A40).
    """
    details = msgspec.structs.replace(details, ids=tuple(dict.fromkeys(map(canonical, details.ids))))
    known = await store.named(conn, details.ids)
    ident = next((known[key] for key in details.ids if key in known), "")
    if not ident:
        first_system, value = system(details.ids[0].rpartition("|")[0]), details.ids[0].rpartition("|")[2]
        ident = await parts.record.find_or_create(
            conn,
            {"resourceType": "Patient", **_fields(details)},
            f"identifier={quote(first_system, safe='')}|{quote(value, safe='')}",
        )
    person = await store.person(conn, ident)
    if person is not None and person.replaced_by:
        person = await store.person(conn, person.replaced_by)
        assert person is not None
    ident = person.patient_id if person is not None else ident
    fresh = _newer(person or Person(ident), details, recorded)
    free = [key for key in details.ids if key not in known]
    if fresh != person or free:
        await store.put_person(conn, fresh, free)
        await _write(parts, conn, fresh, details, recorded >= (person.recorded if person else 0))
    return fresh, bool(free)


async def adopt(parts: Parts, conn: Connection, patient_id: str) -> tuple[str, bool]:
    """Make a Patient of the record known to bindings: the id that survives where it was merged, and whether
    the patient was not known before.

    Raises NotFound when the record has no such Patient.
    """
    person = await store.person(conn, patient_id)
    if person is not None:
        return person.replaced_by or person.patient_id, False
    resource = await parts.record.current(conn, "Patient", patient_id)
    if resource is None:
        raise NotFound("no such patient", f"Patient/{patient_id}")
    await refresh(conn, resource)
    return patient_id, True


async def refresh(conn: Connection, resource: dict[str, Any]) -> None:
    """Take over what a board shows from a Patient resource that somebody else wrote."""
    name: dict[str, Any] = next(iter(resource.get("name", ())), {})
    keys = [f"{_authority(i.get('system', ''))}|{i['value']}" for i in resource.get("identifier", ()) if i.get("value")]
    known = await store.person(conn, resource["id"])
    person = Person(
        resource["id"],
        name.get("family", name.get("text", "")),
        " ".join(name.get("given", ())),
        resource.get("birthDate", ""),
        resource.get("gender", ""),
        keys[0].rpartition("|")[2] if keys else "",
        known.recorded if known else 0,
        known.replaced_by if known else "",
    )
    await store.put_person(conn, person, keys)


async def merge(parts: Parts, conn: Connection, old: str, survivor: str) -> None:
    """A40: ``old`` was ``survivor`` all along. The Patient of ``old`` is replaced, not deleted."""
    await store.merge(conn, old, survivor)
    resources = []
    for ident, other, kind in ((old, survivor, "replaced-by"), (survivor, old, "replaces")):
        resource = await parts.record.current(conn, "Patient", ident)
        if resource is None:
            continue
        link = {"other": {"reference": f"Patient/{other}"}, "type": kind}
        if link not in resource.get("link", []):
            resource["link"] = [*resource.get("link", []), link]
        if ident == old:
            resource["active"] = False
        resources.append(resource)
    await parts.record.put(conn, resources)


def canonical(ident: str) -> str:
    """``authority|value`` in the one form that ids are compared in: HL7 sends an OID bare, SDC as a URN."""
    authority, bar, value = ident.rpartition("|")
    return f"{_authority(authority)}{bar}{value}"


def _authority(text: str) -> str:
    if text.startswith(OWN):
        name = text.removeprefix(OWN)
        return "" if name == "unnamed" else name
    return text.removeprefix("urn:oid:")


def _newer(person: Person, details: Details, recorded: int) -> Person:
    newest = recorded >= person.recorded

    def pick(said: str, known: str) -> str:
        return (said or known) if newest else (known or said)

    return msgspec.structs.replace(
        person,
        family=pick(details.family, person.family),
        given=pick(details.given, person.given),
        birth_date=pick(details.birth_date, person.birth_date),
        sex=pick(details.sex, person.sex),
        mrn=person.mrn or details.ids[0].rpartition("|")[2],
        recorded=max(recorded, person.recorded),
    )


def _identifier(key: str) -> dict[str, Any]:
    authority, _, value = key.rpartition("|")
    return {"system": system(authority), "value": value}


def _fields(details: Details) -> dict[str, Any]:
    fields: dict[str, Any] = {"identifier": [_identifier(key) for key in details.ids], "active": True}
    name = _name(details.family, details.given)
    if name:
        fields["name"] = [name]
    if details.sex:
        fields["gender"] = details.sex
    if details.birth_date:
        fields["birthDate"] = details.birth_date
    if details.deceased:
        fields["deceasedBoolean"] = True
    return fields


def _name(family: str, given: str) -> dict[str, Any]:
    name: dict[str, Any] = {"use": "official"}
    if family:
        name["family"] = family
    if given:
        name["given"] = given.split()
    return name if family or given else {}


async def _write(parts: Parts, conn: Connection, person: Person, details: Details, newest: bool) -> None:
    resource = await parts.record.current(conn, "Patient", person.patient_id)
    if resource is None:
        return
    before = dict(resource)
    identifiers: Sequence[dict[str, Any]] = resource.get("identifier", [])
    have = {(i.get("system"), i.get("value")) for i in identifiers}
    more = [i for i in map(_identifier, details.ids) if (i["system"], i["value"]) not in have]
    if more:
        resource["identifier"] = [*identifiers, *more]
    name = _name(person.family, person.given)
    if name and not any(_same_name(n, name) for n in resource.get("name", ())):
        others = [n for n in resource.get("name", ()) if n.get("use") != "official"]
        resource["name"] = [name, *others]
    if person.sex:
        resource["gender"] = person.sex
    if person.birth_date:
        resource["birthDate"] = person.birth_date
    if details.deceased and newest and "deceasedDateTime" not in resource:
        resource["deceasedBoolean"] = True
    if resource != before:
        await parts.record.put(conn, [resource])


def _same_name(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.get("family") == other.get("family") and one.get("given") == other.get("given")
