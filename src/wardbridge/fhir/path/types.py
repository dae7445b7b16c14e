"""`is`, `as` and `ofType`: type specifiers made into tests (https://hl7.org/fhirpath/N1/#types)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wardbridge.fhir.definitions.table import type_of
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.nodes import Node, system_name

SYSTEM_TYPES = frozenset({"Boolean", "Integer", "Decimal", "String", "Date", "DateTime", "Time", "Quantity", "Any"})


def type_test(name: str, position: int, *, exact: bool, lenient: bool) -> Callable[[Any], bool]:
    """A test whether an item has that type; PathError for an unknown type.

    `exact` (for `as`, `ofType`) leaves out primitive subtypes: a code is then no string.  `lenient` lets a System
    name (`Boolean`, `DateTime`) mean the FHIR primitive as well, as expressions in the R4 standard write it.
    """
    space, _, local = name.rpartition(".")
    if space not in ("", "FHIR", "System"):
        raise PathError(f"unknown type {name}", "semantic", position)
    if space == "System" or (type_of(local) is None and local in SYSTEM_TYPES):
        loose = local[0].lower() + local[1:] if lenient and space != "System" else None

        def system_test(item: Any) -> bool:
            if isinstance(item, Node):
                return item.type is not None and item.type.name == loose
            return local == "Any" or system_name(item) == local

        return system_test
    if type_of(local) is None or "." in local:
        raise PathError(f"unknown type {name}", "semantic", position)
    quantity = local == "Quantity" and not space

    def fhir_test(item: Any) -> bool:
        if isinstance(item, Node):
            kind = item.type
            if kind is None:
                return False
            return kind.name == local or (local in kind.ancestors and not (exact and kind.primitive))
        return quantity and system_name(item) == "Quantity"

    return fhir_test
