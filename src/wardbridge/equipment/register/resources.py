"""A machine and its model as FHIR R4 Device and DeviceDefinition.

What R4 has no element for (life-cycle state, criticality, owner's department, network) is carried as
Device.property and extensions under ``https://wardbridge.org/fhir``. What the device itself says (devices room)
stays as it is: this adds to ``before`` and takes away only what it once added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.devices.device_resource import VERSIONS
from wardbridge.equipment.register.values import Asset, Interface, Model
from wardbridge.equipment.udi.parse import parse
from wardbridge.equipment.udi.values import HIBCC, SYSTEMS

BASE = "https://wardbridge.org/fhir"
TAG = "urn:wardbridge:asset-tag"
STATE = f"{BASE}/StructureDefinition/device-lifecycle"
PROPERTY = f"{BASE}/CodeSystem/device-property"
REPLACED = f"{BASE}/StructureDefinition/replaced-by"
ANY_YEAR = 2000
"""A bare identifier holds no date that the year would place."""
_INACTIVE = frozenset({"retired", "sanitised", "disposed", "need", "assessed", "ordered"})


def definition(model: Model, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The DeviceDefinition of a model."""
    result: dict[str, Any] = {**(before or {}), "resourceType": "DeviceDefinition", "id": model.model_id}
    result["manufacturerString"] = model.manufacturer
    result["deviceName"] = [{"name": model.name, "type": "model-name"}]
    result["modelNumber"] = model.catalogue or model.name
    if model.di:
        result["udiDeviceIdentifier"] = [
            {"deviceIdentifier": di, "issuer": _issuer(di), "jurisdiction": "http://hl7.org/fhir/NamingSystem/fda-udi"}
            for di in model.di
        ]
    if model.kind:
        result["type"] = {"text": model.kind}
    return result


def _issuer(di: str) -> str:
    """The system of the agency whose form the identifier has; R4 asks for one, so HIBCC's where none is recognised."""
    return SYSTEMS[parse(di, ANY_YEAR).issuer or HIBCC]


def device(
    asset: Asset, model: Model, location_id: str, network: Sequence[Interface], before: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The Device of a machine, with everything else as it was in ``before``."""
    result: dict[str, Any] = {**(before or {}), "resourceType": "Device", "id": asset.device_id}
    identifiers = [i for i in result.get("identifier", []) if i.get("system") != TAG]
    if asset.tag:
        identifiers.append({"system": TAG, "value": asset.tag, "type": {"text": "Asset number"}})
    _set(result, "identifier", identifiers)
    result["status"] = "inactive" if asset.state in _INACTIVE else "active"
    result["definition"] = {"reference": f"DeviceDefinition/{model.model_id}"}
    result["manufacturer"] = model.manufacturer
    result["modelNumber"] = model.name
    texts = {"serialNumber": asset.serial, "lotNumber": asset.lot}
    dates = {"manufactureDate": asset.manufactured, "expirationDate": asset.expires}
    result.update({name: text for name, text in texts.items() if text})
    result.update({name: iso(at) for name, at in dates.items() if at is not None})
    if asset.udi or asset.di:
        carrier = {"deviceIdentifier": asset.di} if asset.di else {}
        if asset.udi:
            carrier["carrierHRF"] = asset.udi
        result["udiCarrier"] = [carrier]
    if "type" not in result and model.kind:
        result["type"] = {"text": model.kind}
    if asset.label:
        others = [n for n in result.get("deviceName", []) if n.get("type") != "user-friendly-name"]
        result["deviceName"] = [{"name": asset.label, "type": "user-friendly-name"}, *others]
    _set(result, "version", _version(result.get("version", []), asset))
    if asset.parent_id:
        result["parent"] = {"reference": f"Device/{asset.parent_id}"}
    if location_id:
        result["location"] = {"reference": f"Location/{location_id}"}
    others = [e for e in result.get("extension", []) if e.get("url") != STATE]
    result["extension"] = [{"url": STATE, "valueCode": asset.state}, *others]
    _set(result, "property", [*_kept(result), *_properties(asset, model, network)])
    if asset.note:
        result["note"] = [{"text": asset.note}]
    return result


def _version(known: Sequence[Mapping[str, Any]], asset: Asset) -> list[dict[str, Any]]:
    """What the device itself said of its versions stays; what only the register knows stands beside it."""
    said = [dict(one) for one in known if not _ours(one.get("type", {}))]
    told = {coding.get("code") for one in said for coding in one.get("type", {}).get("coding", [])}
    ours = [
        {"type": _type(code, text), "value": version}
        for code, text, spec, version in (
            ("firmware", "software revision", VERSIONS["firmware"][0], asset.firmware),
            ("hardware", "hardware revision", VERSIONS["hardware"][0], asset.hardware),
            ("os", "operating system", "", asset.os),
        )
        if version and spec not in told
    ]
    return [*said, *ours]


def _type(code: str, text: str) -> dict[str, Any]:
    return {"coding": [{"system": PROPERTY, "code": code}], "text": text}


def _ours(concept: Mapping[str, Any]) -> bool:
    return any(coding.get("system") == PROPERTY for coding in concept.get("coding", []))


def _kept(resource: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [p for p in resource.get("property", []) if not _ours(p.get("type", {}))]


def _properties(asset: Asset, model: Model, network: Sequence[Interface]) -> list[dict[str, Any]]:
    facts = [("criticality", asset.criticality), ("owner", asset.owner), ("department", asset.department),
             ("gmdn", model.gmdn), ("umdns", model.umdns)]  # fmt: skip
    for one in network:
        facts += [("mac", one.mac), ("ip", one.ip), ("vlan", "" if one.vlan is None else str(one.vlan)),
                  ("zone", one.zone)]  # fmt: skip
    return [{"type": _type(code, code), "valueCode": [{"text": text}]} for code, text in facts if text]


def _set(resource: dict[str, Any], name: str, value: list[Any]) -> None:
    if value:
        resource[name] = value
    else:
        resource.pop(name, None)


def merged(before: Mapping[str, Any], winner: str) -> dict[str, Any]:
    """The Device of a row that was merged into another: entered in error, with the way to the one that is right."""
    others = [e for e in before.get("extension", []) if e.get("url") not in (STATE, REPLACED)]
    link = {"url": REPLACED, "valueReference": {"reference": f"Device/{winner}"}}
    note = {"text": f"The same machine as Device/{winner}, into which it was merged."}
    result = {**before, "status": "entered-in-error", "extension": [link, *others], "note": [note]}
    return {name: value for name, value in result.items() if name != "parent"}
