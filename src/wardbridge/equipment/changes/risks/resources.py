"""A risk as a FHIR R4 Basic.

R4's RiskAssessment is an estimate for a patient or a group of patients: its subject cannot be a device, a model or a
network zone, and it has no plan with owners. A Basic with a code, extensions for what it is about and the whole entry
as JSON says no more than is true; readers find it by ``code`` and ``identifier``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from wardbridge.core.clock import iso
from wardbridge.equipment.changes.risks.values import Risk

BASE = "https://wardbridge.org/fhir"
SYSTEM = "urn:wardbridge:risk"


def resource(risk: Risk, now: int) -> dict[str, Any]:
    """The Basic of a risk; ``now`` in µs."""
    said: list[dict[str, Any]] = [
        {"url": f"{BASE}/StructureDefinition/risk-{name}", "valueString": value}
        for name, value in (("title", risk.title), ("property", risk.property), ("state", risk.state),
                            ("owner", risk.owner), ("content", msgspec.json.encode(risk).decode()))
    ]  # fmt: skip
    about = [
        {"url": f"{BASE}/StructureDefinition/risk-about",
         "valueReference": {"reference": f"{'Device' if kind == 'device' else 'DeviceDefinition'}/{target}"}
         if kind in ("device", "model") else {"identifier": {"system": f"urn:wardbridge:{kind}", "value": target}}}
        for kind, target in risk.links
    ]  # fmt: skip
    return {
        "resourceType": "Basic", "id": risk.risk_id, "identifier": [{"system": SYSTEM, "value": risk.risk_id}],
        "code": {"coding": [{"system": f"{BASE}/CodeSystem/basic", "code": "risk"}], "text": "Risk register entry"},
        "created": iso(risk.created or now)[:10], "extension": [*said, *about],
    }  # fmt: skip
