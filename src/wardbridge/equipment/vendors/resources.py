"""Vendors in FHIR R4: Organization, Contract, Communication (calls and remote access about a Device)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.equipment.vendors import promise
from wardbridge.equipment.vendors.values import Call, Contact, Contract, Covered, Session, Vendor

BASE = "https://wardbridge.org/fhir"


def organization(vendor: Vendor, contacts: Sequence[Contact]) -> dict[str, Any]:
    """A vendor with those of its contacts who are still there."""
    result: dict[str, Any] = {
        "resourceType": "Organization",
        "id": vendor.vendor_id,
        "active": vendor.active,
        "name": vendor.name,
        "type": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/organization-type", "code": "bus"}],
             "text": ", ".join(vendor.kind) or "vendor"}
        ],
    }  # fmt: skip
    if vendor.website:
        result["telecom"] = [{"system": "url", "value": vendor.website}]
    if vendor.address:
        result["address"] = [{"text": vendor.address}]
    people = [_contact(one) for one in contacts if not one.gone]
    if people:
        result["contact"] = people
    return result


def _contact(one: Contact) -> dict[str, Any]:
    ways = [{"system": system, "value": value} for system, value in (("phone", one.phone), ("email", one.email))
            if value]  # fmt: skip
    return {"purpose": {"text": one.role}, "name": {"text": one.name}, "telecom": ways}


def contract(one: Contract, covers: Sequence[Covered], now: int) -> dict[str, Any]:
    """A contract; its subjects are the Devices and DeviceDefinitions that it covers."""
    if promise.runs(one, now):
        status = "executed"
    elif one.cancelled is not None and one.cancelled <= now:
        status = "cancelled"
    else:
        status = "terminated" if one.starts <= now else "offered"
    result: dict[str, Any] = {
        "resourceType": "Contract",
        "id": one.contract_id,
        "identifier": [{"system": f"{BASE}/NamingSystem/contract", "value": one.number}],
        "status": status,
        "title": one.title,
        "applies": {"start": iso(one.starts)} | ({"end": iso(one.ends)} if one.ends is not None else {}),
        "authority": [{"reference": f"Organization/{one.vendor_id}"}],
        "type": {"coding": [{"system": f"{BASE}/CodeSystem/contract-kind", "code": one.kind}]},
    }
    subjects = [
        {"reference": f"Device/{row.device_id}" if row.device_id else f"DeviceDefinition/{row.model_id}"}
        for row in covers
    ]
    if subjects:
        result["subject"] = subjects
    promised = [
        f"{text}: {value} {unit}"
        for text, value, unit in (
            ("response", one.response_hours, "h"), ("repair", one.repair_hours, "h"), ("uptime", one.uptime, "%"),
            ("service hours", one.hours or "round the clock", one.zone),
        )
        if value is not None
    ]  # fmt: skip
    result["term"] = [{"type": {"text": "service level"}, "offer": {"text": text}} for text in promised]
    return result


def call(one: Call) -> dict[str, Any]:
    """A call for service: about the Device, to the vendor."""
    result: dict[str, Any] = {
        "resourceType": "Communication",
        "id": one.call_id,
        "status": "completed" if one.resolved is not None else "in-progress",
        "category": [{"coding": [{"system": f"{BASE}/CodeSystem/communication", "code": "service-call"}]}],
        "about": [{"reference": f"Device/{one.device_id}"}],
        "sent": iso(one.opened),
        "recipient": [{"reference": f"Organization/{one.vendor_id}"}],
        "payload": [{"contentString": text} for text in (one.text, one.resolution) if text],
    }
    if one.answered is not None:
        result["received"] = iso(one.answered)
    if one.contract_id:
        result["basedOn"] = [{"reference": f"Contract/{one.contract_id}"}]
    return result


_STATUS = {"requested": "preparation", "approved": "preparation", "open": "preparation", "active": "in-progress",
           "ended": "completed", "expired": "completed", "refused": "not-done", "lapsed": "not-done"}  # fmt: skip


def session(one: Session, device_ids: Sequence[str], state: str) -> dict[str, Any]:
    """A remote access session: about its Devices, from the vendor. Approval and times are its notes."""
    result: dict[str, Any] = {
        "resourceType": "Communication",
        "id": one.access_id,
        "status": _STATUS[state],
        "category": [{"coding": [{"system": f"{BASE}/CodeSystem/communication", "code": "remote-access"}]}],
        "medium": [{"text": "remote access"}],
        "about": [{"reference": f"Device/{ident}"} for ident in device_ids],
        "sender": {"reference": f"Organization/{one.vendor_id}"},
        "payload": [{"contentString": text} for text in (one.purpose, one.summary) if text],
        "note": [
            {"text": f"requested by {one.requested_name}"},
            {"text": f"open from {iso(one.starts)} to {iso(one.stops)}"},
        ],
    }
    if one.decision:
        result["note"].append({"text": f"{one.decision} by {one.decided_name}"})
    if one.emergency:
        result["note"].append({"text": f"emergency: {one.emergency}"})
    if one.started_at is not None:
        result["sent"] = iso(one.started_at)
    if one.ended_at is not None:
        result["received"] = iso(one.ended_at)
    return result
