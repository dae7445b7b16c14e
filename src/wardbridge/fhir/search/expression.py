"""The standard's search expressions, cut to one resource type and compiled by ``fhir.path``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wardbridge.fhir.definitions.codes import valueset
from wardbridge.fhir.definitions.table import known, type_of
from wardbridge.fhir.path import compile_typed

Typed = Callable[[Any], list[tuple[str, Any]]]
"""A compiled expression: from a resource (or element) to its values with their FHIR types."""


def split_union(expression: str) -> list[str]:
    """The branches of ``a | b | c`` at the top level; bars inside parentheses or quotes do not count."""
    out, depth, start, quoted = [], 0, 0, False
    for at, sign in enumerate(expression):
        if sign == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
        elif sign == "|" and depth == 0:
            out.append(expression[start:at].strip())
            start = at + 1
    out.append(expression[start:].strip())
    return out


def branches(expression: str, type_name: str) -> list[str]:
    """The branches that can give something for a resource of this type."""
    ancestors = known(type_name).ancestors
    out = []
    for branch in split_union(expression):
        head = branch.lstrip("(").split(".")[0].split(" ")[0].split("(")[0]
        if not head[:1].isupper() or head in ancestors:
            out.append(branch)
    return out


def implied_systems(path: str, type_name: str) -> dict[str, str]:
    """Code -> system where a plain path ends in an element of type ``code`` with a required binding.

    The system of such a code follows from its value set, so ``gender=http://…administrative-gender|male`` is right.
    """
    names = path.split(".")
    names = names[1:] if names[0] == type_name else names
    element = None
    current = type_of(type_name)
    for name in names:
        element = current.elements.get(name) if current is not None else None
        if element is None or element.choice:
            return {}
        current = type_of(element.types[0])
    if element is None or element.types != ("code",) or element.binding is None:
        return {}
    systems = valueset(element.binding.valueset) or {}
    return {code.casefold(): system for system, codes in systems.items() for code in codes}


def evaluate(expression: str, type_name: str) -> Typed:
    """The compiled expression. Raises PathError for one that does not parse."""
    return compile_typed(expression, type_name)
