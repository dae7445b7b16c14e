"""The standard's search expressions, cut to one resource type and compiled by ``fhir.path``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wardbridge.fhir.definitions.table import known
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


def evaluate(expression: str, type_name: str) -> Typed:
    """The compiled expression. Raises PathError for one that does not parse."""
    return compile_typed(expression, type_name)
