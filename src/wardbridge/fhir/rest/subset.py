"""``_summary`` and ``_elements``: a part of a resource, marked SUBSETTED (R4 search.html#summary, #elements)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.table import known
from wardbridge.fhir.json import dumps, loads

SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "subsetted",
}
_ALWAYS = frozenset({"resourceType", "id", "meta"})


def shown(parameters: Iterable[tuple[str, str]]) -> tuple[str, tuple[str, ...]]:
    """(summary, elements) of a read. Raises Invalid."""
    summary, elements = "", list[str]()
    for name, value in parameters:
        if name == "_summary":
            if value not in ("true", "false", "text", "data"):
                raise Invalid("_summary must be true, text, data or false", "_summary")
            summary = "" if value == "false" else value
        elif name == "_elements":
            elements.extend(part.strip() for part in value.split(",") if part.strip())
    return summary, tuple(elements)


@lru_cache(maxsize=1024)
def _kept(type_name: str, summary: str) -> frozenset[str]:
    """JSON names at the top level: those marked as summary, or the mandatory ones (``text``)."""
    elements = known(type_name).elements.values()
    return frozenset(key for e in elements if (e.summary if summary == "true" else e.min > 0) for key, _ in e.keys)


def elements_of(type_name: str, elements: tuple[str, ...], *, included: bool) -> tuple[str, ...]:
    """Those of ``_elements`` that are about a type. Names without a type are not about included resources (R4
    search.html#elements); ``Type.name`` is about that type wherever it stands."""
    own = type_name + "."
    return tuple(
        name for name in elements if name.startswith(own) or (not included and not name.partition(".")[0][:1].isupper())
    )


def subset(body: bytes, summary: str, elements: tuple[str, ...]) -> bytes:
    """The part of a resource that was asked for. ``elements`` name top-level elements, with or without the type."""
    resource = loads(body)
    type_name = resource["resourceType"]
    if elements:
        names = {name.removeprefix(type_name + ".").split(".")[0] for name in elements}
        definition = known(type_name)
        keep = {key for name in names if name in definition.elements for key, _ in definition.elements[name].keys}
        keep |= _kept(type_name, "text")
    elif summary == "data":
        keep = set(resource) - {"text"}
    else:
        keep = set(_kept(type_name, summary)) | ({"text"} if summary == "text" else set())
    out: dict[str, Any] = {}
    for name, value in resource.items():
        if name in _ALWAYS or name.lstrip("_") in keep:
            out[name] = _marked(value) if name == "meta" else value
    return dumps(out)


def _marked(meta: dict[str, Any]) -> dict[str, Any]:
    return {**meta, "tag": [*meta.get("tag", ()), SUBSETTED]}
