"""What the bench writes into the record (FHIR R4), pure.

An order of parts is a SupplyRequest; what is delivered or used a SupplyDelivery; labour and downtime are
Observations of the Device, a vendor's call is a Task about the ServiceRequest of the work.
"""

from __future__ import annotations

from typing import Any

from wardbridge.core.clock import iso
from wardbridge.equipment.bench.values import Call, Downtime, Labour, Movement, Order, Part, Store

CODES = "https://wardbridge.org/fhir/CodeSystem/bench"
FOR_WORK = "https://wardbridge.org/fhir/StructureDefinition/supply-for-work"
PARTS = "https://wardbridge.org/fhir/NamingSystem/part-number"
TRAVEL = "https://wardbridge.org/fhir/StructureDefinition/travel-minutes"
_ORDER = {"open": "active", "received": "completed", "cancelled": "cancelled"}


def item(part: Part) -> dict[str, Any]:
    """The part as a code: its maker's number."""
    return {
        "coding": [{"system": PARTS, "code": part.number, "display": part.name}],
        "text": f"{part.manufacturer} {part.name}".strip(),
    }


def supply_request(order: Order, part: Part, store: Store) -> dict[str, Any]:
    """The order of a part."""
    found: dict[str, Any] = {
        "resourceType": "SupplyRequest",
        "id": order.order_id,
        "status": _ORDER[order.state],
        "itemCodeableConcept": item(part),
        "quantity": {"value": order.quantity, "unit": part.unit},
        "authoredOn": iso(order.at),
        "requester": {"display": order.by},
        "deliverTo": {"display": store.name},
    }
    if order.reference:
        found["identifier"] = [{"value": order.reference}]
    if part.supplier:
        found["supplier"] = [{"display": part.supplier}]
    return found


def supply_delivery(movement: Movement, part: Part, store: Store, *, request_id: str = "") -> dict[str, Any]:
    """What arrived in a store, or what went out of it for the work of ``request_id``."""
    found: dict[str, Any] = {
        "resourceType": "SupplyDelivery",
        "id": movement.movement_id,
        "status": "completed",
        "suppliedItem": {
            "quantity": {"value": abs(movement.quantity), "unit": part.unit},
            "itemCodeableConcept": item(part),
        },
        "occurrenceDateTime": iso(movement.at),
    }
    marks = [{"type": {"text": name}, "value": value} for name, value in
             (("lot", movement.lot), ("serial", movement.serial)) if value]  # fmt: skip
    if marks:
        found["identifier"] = marks
    if request_id:
        found["extension"] = [{"url": FOR_WORK, "valueReference": {"reference": f"ServiceRequest/{request_id}"}}]
    else:
        found["destination"] = {"display": store.name}
        if movement.origin_id:
            found["basedOn"] = [{"reference": f"SupplyRequest/{movement.origin_id}"}]
        if part.supplier:
            found["supplier"] = {"display": part.supplier}
    return found


def _observation(ident: str, device_id: str, code: str, text: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "id": ident,
        "status": "final",
        "code": {"coding": [{"system": CODES, "code": code, "display": text}], "text": text},
    }
    if device_id:  # work on a place has none
        found["subject"] = {"reference": f"Device/{device_id}"}
    return found


def labour(row: Labour, request_id: str) -> dict[str, Any]:
    """Time worked, as an Observation of the machine; the money is not in it."""
    found = _observation(row.labour_id, row.device_id, "labour", "Labour")
    found |= {
        "basedOn": [{"reference": f"ServiceRequest/{request_id}"}],
        "effectiveDateTime": iso(row.started),
        "performer": [{"display": row.display}],
        "valueQuantity": {"value": row.minutes, "unit": "min", "system": "http://unitsofmeasure.org", "code": "min"},
    }
    if row.travel:
        found["extension"] = [{"url": TRAVEL, "valueInteger": row.travel}]
    return found


def downtime(row: Downtime, request_id: str = "") -> dict[str, Any]:
    """A machine out of use; preliminary while it lasts."""
    text = "Planned downtime" if row.planned else "Unplanned downtime"
    found = _observation(row.downtime_id, row.device_id, "downtime-planned" if row.planned else "downtime", text)
    period = {"start": iso(row.start)}
    if row.stop is None:
        found["status"] = "preliminary"
    else:
        period["end"] = iso(row.stop)
    found["effectivePeriod"] = period
    if request_id:
        found["basedOn"] = [{"reference": f"ServiceRequest/{request_id}"}]
    return found


def call(row: Call, request_id: str) -> dict[str, Any]:
    """A vendor called to work, as a Task about its ServiceRequest."""
    status = "completed" if row.done is not None else "in-progress" if row.arrived is not None else "requested"
    found: dict[str, Any] = {
        "resourceType": "Task",
        "id": row.call_id,
        "status": status,
        "intent": "order",
        "code": {"coding": [{"system": CODES, "code": "vendor-call"}], "text": "Vendor call"},
        "focus": {"reference": f"ServiceRequest/{request_id}"},
        "authoredOn": iso(row.opened),
        "lastModified": iso(max(row.opened, row.arrived or 0, row.done or 0)),
        "requester": {"display": row.by},
        "owner": {"display": row.vendor},
    }
    if row.device_id:
        found["for"] = {"reference": f"Device/{row.device_id}"}
    if row.reference:
        found["identifier"] = [{"value": row.reference}]
    if row.promised is not None:
        found["restriction"] = {"period": {"end": iso(row.promised)}}
    if row.arrived is not None:
        found["executionPeriod"] = {"start": iso(row.arrived)}
        if row.done is not None and row.done >= row.arrived:
            found["executionPeriod"]["end"] = iso(row.done)
    return found
