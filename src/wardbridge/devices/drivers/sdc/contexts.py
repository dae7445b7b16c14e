"""Who and where: device identity, and patient and location contexts as hints (IEEE 11073-10207 contexts)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wardbridge.devices.drivers.sdc.describe import Node
from wardbridge.devices.drivers.sdc.mapping import SEX, SPECIFICATION, child, children, coded, text_of
from wardbridge.devices.values import Identity, SubjectHint


@dataclass(frozen=True, slots=True)
class Dpws:
    """ThisModel and ThisDevice of DPWS: what a provider says of itself outside the MDIB."""

    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    name: str = ""


def identity(node: Node, key: str, parent: str, dpws: Dpws, place: str = "", clock: str = "") -> Identity:
    """Identity of an MDS or VMD. The MDIB's own MetaData goes before DPWS, which stands for the MDS alone."""
    meta = child(node.element, "MetaData")
    specs: dict[str, str] = {}
    for spec in children(node.element, "ProductionSpecification"):
        name = SPECIFICATION.get(coded(child(spec, "SpecType")).code)
        if name:
            specs.setdefault(name, text_of(spec, "ProductionSpec"))
    fallback = dpws if node.name == "Mds" else Dpws()
    serials = [(item.text or "").strip() for item in children(meta, "SerialNumber")]
    udi = child(meta, "Udi")
    number = text_of(meta, "ModelNumber")
    model = text_of(meta, "ModelName") or fallback.model
    return Identity(
        key=key,
        parent=parent,
        type_code=node.code.code,
        type_refid=node.code.refid,
        manufacturer=text_of(meta, "Manufacturer") or fallback.manufacturer,
        model=f"{model} {number}".strip() if number and number not in model else model,
        serial=(serials[0] if serials else "") or specs.get("serial", "") or fallback.serial,
        firmware=specs.get("firmware") or specs.get("software") or fallback.firmware,
        hardware=specs.get("hardware", ""),
        udi=text_of(udi, "HumanReadableForm") or text_of(udi, "DeviceIdentifier"),
        label=node.code.text or fallback.name,
        place=place,
        clock=clock,
    )


def place_of(state: Any) -> str:
    """``unit^room^bed`` of a location context state; '' where it tells none."""
    detail = child(state, "LocationDetail")
    if detail is None:
        return ""
    parts = [detail.get(name, "") for name in ("PoC", "Room", "Bed")]
    return "^".join(parts) if any(parts) else ""


def subject(patient: Any, place: str, left: bool = False) -> SubjectHint:
    """A patient context state and a place as a hint; ``patient`` is None where nobody is associated, and
    ``left`` says that somebody was."""
    core = child(patient, "CoreData")
    ids = tuple(
        f"{item.get('Root', '')}|{item.get('Extension', '')}"
        for item in children(patient, "Identification")
        if item.get("Extension")
    )
    return SubjectHint(
        ids=ids,
        family=text_of(core, "Familyname"),
        given=text_of(core, "Givenname"),
        birth_date=text_of(core, "DateOfBirth"),
        sex=SEX.get(text_of(core, "Sex"), ""),
        place=place,
        unknown=left,
    )
