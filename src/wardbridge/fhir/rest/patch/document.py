"""Which kind of patch a request brings, read once and applied to whatever is current (R4 http.html#patch)."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable
from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.fhir.json import loads, loads_value
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.outcome import Refused, refusal
from wardbridge.fhir.rest.patch.json_patch import json_patch, read_json_patch
from wardbridge.fhir.rest.patch.path_patch import path_patch, read_path_patch

JSON_PATCH = "application/json-patch+json"

Patch = Callable[[dict[str, Any]], dict[str, Any]]
"""Gives the patched resource; may change what it is given. Raises Unprocessable."""


def patch_of(call: Call) -> Patch:
    """The patch of a call: a JSON Patch, a Parameters resource, or, in a bundle, a Binary that holds one of them.

    Raises Invalid for what is none, Refused (415) for another media type.
    """
    if call.resource is not None and call.resource.get("resourceType") == "Binary":
        media, data = _binary(call.resource)
    elif call.resource is None:
        media, data = call.media, call.body
    else:
        return _parameters(call.resource)
    if media == JSON_PATCH:
        operations = read_json_patch(loads_value(data))
        return lambda resource: json_patch(resource, operations)
    if media in ("application/fhir+json", "application/json", "application/json+fhir", "text/json") or call.xml:
        return _parameters(loads(data, unique=True) if call.resource is not None else call.json())
    raise Refused(
        refusal(
            415,
            "not-supported",
            f"a patch is {JSON_PATCH}, or FHIR JSON or XML with Parameters (FHIRPath Patch), not {media[:60]!r}",
        )
    )


def _parameters(resource: dict[str, Any]) -> Patch:
    operations = read_path_patch(resource)
    return lambda current: path_patch(current, operations)


def _binary(resource: dict[str, Any]) -> tuple[str, bytes]:
    media, data = resource.get("contentType"), resource.get("data")
    if not isinstance(media, str) or not isinstance(data, str):
        raise Invalid("a patch in a bundle is a Binary with contentType and data, or Parameters", "Binary")
    try:
        return media.partition(";")[0].strip().lower(), b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("Binary.data is not base64", "Binary.data") from error
