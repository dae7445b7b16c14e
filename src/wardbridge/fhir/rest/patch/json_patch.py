"""JSON Patch (RFC 6902): operations in their order, all or none; numbers keep the digits they are written with."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import jsonpatch
import jsonpointer

from wardbridge.core.errors import Invalid
from wardbridge.fhir.rest.patch.errors import Unprocessable

_NEEDS = {
    "add": ("value",),
    "remove": (),
    "replace": ("value",),
    "move": ("from",),
    "copy": ("from",),
    "test": ("value",),
}
MOST = 10_000
"""Operations of one patch."""


def read_json_patch(document: Any) -> list[dict[str, Any]]:
    """The operations, each well-formed. Raises Invalid that says which is not."""
    if not isinstance(document, list):
        raise Invalid("a JSON Patch is a list of operations", "patch")
    if len(document) > MOST:
        raise Invalid(f"a JSON Patch has at most {MOST} operations", "patch")
    for at, operation in enumerate(document):
        where = f"patch[{at}]"
        if not isinstance(operation, dict) or operation.get("op") not in _NEEDS:
            raise Invalid(f"{where}.op must be one of {', '.join(_NEEDS)}", f"{where}.op")
        for name in ("path", *_NEEDS[operation["op"]]):
            if name not in operation:
                raise Invalid(f"{where} ({operation['op']}) needs {name!r}", f"{where}.{name}")
        for name in ("path", "from"):
            text = operation.get(name, "")
            if not isinstance(text, str) or (text and not text.startswith("/")):
                raise Invalid(f"{where}.{name} must be a JSON Pointer, '' or with a leading '/'", f"{where}.{name}")
    return document


def json_patch(resource: dict[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any]:
    """The patched resource; ``resource`` itself may be changed. Raises Unprocessable that names operation and path."""
    found: Any = resource
    for at, operation in enumerate(operations):
        try:
            if operation["op"] == "test":
                _test(found, operation)
            else:
                found = jsonpatch.JsonPatch([operation]).apply(found, in_place=True)
        except (
            jsonpatch.JsonPatchException,
            jsonpointer.JsonPointerException,
            LookupError,
            TypeError,
            ValueError,
        ) as e:
            raise Unprocessable(
                f"patch[{at}] ({operation['op']} {operation['path'][:200]}) does not fit the resource: {e}",
                f"patch[{at}].path",
            ) from e
    if not isinstance(found, dict):
        raise Unprocessable("the patch leaves no resource", "patch")
    return found


def _test(resource: Any, operation: dict[str, Any]) -> None:
    found = jsonpointer.JsonPointer(operation["path"]).resolve(resource)
    if not same(found, operation["value"]):
        raise ValueError("the value is another one")


def same(a: Any, b: Any) -> bool:
    """Equality of JSON values (RFC 6902 §4.6): numbers by value, but true is no number."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | Decimal) and isinstance(b, int | Decimal):
        return a == b
    return type(a) is type(b) and bool(a == b)
