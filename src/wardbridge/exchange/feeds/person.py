"""PID and PV1 from FHIR Patient, Encounter and Location (HL7 v2.6 sections 3.4.2 and 3.4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from wardbridge.exchange.codecs.hl7v2.build import Component, Rep, segment

Resource = Mapping[str, Any]

_SEX = {"male": "M", "female": "F", "other": "O", "unknown": "U"}
"""administrative-gender to table 0001."""

_CLASS = {"IMP": "I", "ACUTE": "I", "NONAC": "I", "EMER": "E", "AMB": "O", "PRENC": "P", "OBSENC": "B"}
"""ActEncounterCode to table 0004."""


def pid(patient: Resource) -> str:
    """PID of a Patient: every current identifier, official name first, birth date, sex."""
    identifiers = [
        identifier
        for identifier in patient.get("identifier", ())
        if identifier.get("value") and identifier.get("use") != "old"
    ]
    names = sorted(
        (name for name in patient.get("name", ()) if name.get("use") != "old"),
        key=lambda name: name.get("use") != "official",
    )
    return segment(
        "PID",
        {
            1: "1",
            3: Rep(tuple(_cx(identifier) for identifier in identifiers)) if identifiers else "",
            5: Rep(tuple(_xpn(name) for name in names[:3])) if names else "",
            7: str(patient.get("birthDate", "")).replace("-", ""),
            8: _SEX.get(patient.get("gender", ""), ""),
        },
    )


def pv1(encounter: Resource | None, place: tuple[str, ...] = ()) -> str:
    """PV1 with class, place (PL components: point of care, room, bed, facility) and visit number."""
    encounter = encounter or {}
    visits = [identifier for identifier in encounter.get("identifier", ()) if identifier.get("value")]
    return segment(
        "PV1",
        {
            1: "1",
            2: _CLASS.get(encounter.get("class", {}).get("code", ""), "U"),
            3: place,
            19: _cx(visits[0]) if visits else "",
        },
    )


def place(location: Resource | None) -> tuple[str, ...]:
    """PV1-3 of a Location: its identifier where that is written as ``unit^room^bed``, else its name."""
    if location is None:
        return ()
    for identifier in location.get("identifier", ()):
        value = str(identifier.get("value", ""))
        if "^" in value:
            return tuple(value.split("^"))
    return (str(location.get("name", "")),)


def patient_ids(patient: Resource) -> tuple[str, ...]:
    """The identifiers of a Patient as they are looked for: value alone, and the resource's id."""
    values = [str(identifier["value"]) for identifier in patient.get("identifier", ()) if identifier.get("value")]
    return tuple(dict.fromkeys([*values, *([str(patient["id"])] if patient.get("id") else [])]))


def _cx(identifier: Resource) -> tuple[Component, ...]:
    """CX: value, assigning authority (HD), type code of table 0203."""
    codes: Iterable[Resource] = identifier.get("type", {}).get("coding", ())
    code = next((str(coding["code"]) for coding in codes if coding.get("code")), "")
    return (
        str(identifier["value"]),
        "",
        "",
        authority(str(identifier.get("system", "")), str(identifier.get("assigner", {}).get("display", ""))),
        code,
    )


def authority(system: str, name: str = "") -> Component:
    """HD of an identifier system: ``urn:oid:…`` as ISO, other URIs as URI, with the name in front."""
    if system.startswith("urn:oid:"):
        return name, system.removeprefix("urn:oid:"), "ISO"
    if system.startswith("urn:uuid:"):
        return name, system.removeprefix("urn:uuid:"), "UUID"
    if system and ":" in system:
        return name, system, "URI"
    return (name or system,)


def _xpn(name: Resource) -> tuple[str, ...]:
    """XPN: family, given, further given, suffix, prefix, degree, type code L."""
    given = [str(one) for one in name.get("given", ())]
    family = str(name.get("family", "")) or str(name.get("text", ""))
    return (
        family,
        given[0] if given else "",
        " ".join(given[1:]),
        " ".join(map(str, name.get("suffix", ()))),
        " ".join(map(str, name.get("prefix", ()))),
        "",
        {"nickname": "N", "maiden": "M"}.get(str(name.get("use", "")), "L"),
    )
