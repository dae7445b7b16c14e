"""The identity of a device as FHIR R4 Device. Equipment owns the rest of the resource and it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wardbridge.terminology import mdc

KEY = "urn:wardbridge:device"
VERSIONS = {
    "firmware": ("531975", "MDC_ID_PROD_SPEC_SW", "software revision"),
    "hardware": ("531974", "MDC_ID_PROD_SPEC_HW", "hardware revision"),
}


def merged(known: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a device after it said something: an empty field takes nothing away, and a name that
    the device gives itself stays the first one (messages of different profiles name it differently)."""
    first = ("label", "place", "clock", "type_refid")
    return dict(known) | {
        field: value for field, value in said.items() if value and not (field in first and known.get(field))
    }


def resource(
    device_id: str,
    key: str,
    who: Mapping[str, Any],
    *,
    label: str = "",
    parent_id: str = "",
    location_id: str = "",
    state: str = "accepted",
    before: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The FHIR Device: identity from ``who``, everything else as it was in ``before``."""
    result: dict[str, Any] = {"resourceType": "Device", "id": device_id, **(dict(before) if before else {})}
    others = [i for i in result.get("identifier", []) if i.get("system") != KEY]
    result["identifier"] = [{"system": KEY, "value": key}, *others]
    if "status" not in result or state == "retired":
        result["status"] = "inactive" if state == "retired" else "active"
    fields = {
        "manufacturer": who.get("manufacturer"),
        "serialNumber": who.get("serial"),
        "modelNumber": who.get("model"),
    }
    result.update({name: value for name, value in fields.items() if value})
    if who.get("udi"):
        result["udiCarrier"] = [_udi(str(who["udi"]))]
    name = label or who.get("label") or who.get("model")
    if name:
        others = [n for n in result.get("deviceName", []) if n.get("type") != "user-friendly-name"]
        result["deviceName"] = [{"name": name, "type": "user-friendly-name"}, *others]
    code = int(who.get("type_code") or 0)
    if code:
        term = mdc.term(code)
        refid = (term.refid if term else "") or who.get("type_refid", "")
        coding = {"system": mdc.CODE_SYSTEM, "code": str(code)} | ({"display": refid} if refid else {})
        result["type"] = {"coding": [coding], "text": mdc.label(code, refid)}
    versions = [
        {
            "type": {"coding": [{"system": mdc.CODE_SYSTEM, "code": code, "display": refid}], "text": text},
            "value": who[field],
        }
        for field, (code, refid, text) in VERSIONS.items()
        if who.get(field)
    ]
    if versions:
        result["version"] = versions
    if parent_id:
        result["parent"] = {"reference": f"Device/{parent_id}"}
    if location_id:
        result["location"] = {"reference": f"Location/{location_id}"}
    return result


def _udi(text: str) -> dict[str, Any]:
    """A UDI as carried by the device: the whole string, and the device identifier of a GS1 one, (01)…"""
    carrier: dict[str, Any] = {"carrierHRF": text}
    digits = text.replace("(01)", "01", 1)
    if digits.startswith("01") and digits[2:16].isdigit() and len(digits) >= 16:
        carrier["deviceIdentifier"] = digits[2:16]
    return carrier
