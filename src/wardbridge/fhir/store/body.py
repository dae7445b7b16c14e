"""The JSON that is stored: as it was sent, with id, versionId and lastUpdated set by us (R4 resource.html#Meta)."""

from __future__ import annotations

from typing import Any

from wardbridge.core.clock import iso
from wardbridge.fhir.json import dumps


def stamp(resource: dict[str, Any], id_: str, version: int, updated: int) -> bytes:
    """The body of one version; numbers keep the digits they were written with."""
    meta = resource.get("meta")
    stamped: dict[str, Any] = {
        "resourceType": resource["resourceType"],
        "id": id_,
        "meta": {"versionId": str(version), "lastUpdated": iso(updated)},
    }
    if isinstance(meta, dict):
        stamped["meta"].update((k, v) for k, v in meta.items() if k not in ("versionId", "lastUpdated"))
    for name, value in resource.items():
        if name not in stamped:
            stamped[name] = value
    return dumps(stamped)
