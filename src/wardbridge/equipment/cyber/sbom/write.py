"""Components as CycloneDX 1.6 JSON: what was read is written again, whatever format it came in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.equipment.cyber.sbom.cyclonedx import UNREAD
from wardbridge.equipment.cyber.values import Bom, Component

_LEVEL, _ENDS = "wardbridge:supportLevel", "wardbridge:endOfSupport"


def write(bom: Bom, vulnerabilities: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """The document. What SPDX says beyond CycloneDX is carried as properties of the component."""
    children: dict[int | None, list[Component]] = {}
    for one in bom.components:
        children.setdefault(one.parent, []).append(one)
    inside = {one.n for one in bom.components}
    top = [one for one in bom.components if one.parent is None or one.parent not in inside]
    meta: dict[str, Any] = {}
    if bom.made_at is not None:
        meta["timestamp"] = iso(bom.made_at)
    if bom.author:
        meta["authors"] = [{"name": bom.author}]
    if bom.root is not None:
        meta["component"] = _component(bom.root, {})
    uuid = bom.serial.removeprefix("urn:uuid:")
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": bom.revision,
        **({"serialNumber": f"urn:uuid:{uuid}"} if len(uuid) == 36 else {}),
        "metadata": meta,
        "components": [_component(one, children) for one in top if one.type != "service"],
        **({"services": found} if (found := [_component(one, children) for one in top if one.type == "service"])
           else {}),
        **({"dependencies": [{"ref": ref, "dependsOn": list(to)} for ref, to in bom.depends.items()]}
           if bom.depends else {}),
        **({"vulnerabilities": list(vulnerabilities)} if vulnerabilities else {}),
    }  # fmt: skip


def _component(one: Component, children: dict[int | None, list[Component]]) -> dict[str, Any]:
    more = {key: value for key, value in one.more.items() if key not in ("spdx", UNREAD)}
    out: dict[str, Any] = {} if one.type == "service" else {"type": one.type}
    out |= {
        key: value
        for key, value in (
            ("bom-ref", one.ref),
            ("group", one.group),
            ("name", one.name),
            ("version", one.version),
            ("purl", one.purl),
            ("cpe", one.cpe),
        )
        if value
    }
    out |= one.more.get(UNREAD, {})
    out |= more
    if one.supplier and not any(key in more for key in ("supplier", "manufacturer", "provider", "publisher")):
        out["supplier"] = {"name": one.supplier}
    notes = []
    if "spdx" in one.more:
        notes += [(_LEVEL, one.support)] if one.support else []
        notes += [(_ENDS, iso(one.support_ends))] if one.support_ends is not None else []
        notes += [(f"spdx:{key}", value) for key, value in one.more["spdx"].items() if isinstance(value, str)]
    if notes:
        out["properties"] = [*more.get("properties", ()), *({"name": key, "value": value} for key, value in notes)]
    inner = children.get(one.n, [])
    if inner:
        out["services" if one.type == "service" else "components"] = [_component(part, children) for part in inner]
    return out
