"""Where in the JSON of a resource the elements stand that a FHIRPath expression selects.

The engine gives elements as values. An element that is an object is found again by its identity. A primitive is not, so
the end of the expression is taken apart: the elements before the last name are objects, and what follows that name
(an index, ``where()``, ``first()`` ...) is run over its values, whose places are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from wardbridge.fhir.definitions.table import Element, Type
from wardbridge.fhir.path import syntax
from wardbridge.fhir.path.compiler import Compiler
from wardbridge.fhir.path.env import NONE
from wardbridge.fhir.path.nodes import Node, typed
from wardbridge.fhir.path.parser import parse
from wardbridge.fhir.path.scope import Items, Scope

_THIS = "$this"


@dataclass(frozen=True)
class Place:
    """``holder[key]``, or ``holder[key][at]`` of a list; ``element`` is its definition, ``name`` that of the path."""

    holder: dict[str, Any]
    kind: Type
    element: Element
    key: str
    at: int | None


@dataclass(frozen=True)
class Collection:
    """All values of one element of one object; ``key`` is '' where there are none yet."""

    holder: Node
    name: str
    places: tuple[Place, ...]


def select(expression: str, resource: dict[str, Any]) -> Items:
    """The elements that the expression selects. Raises PathError."""
    return _run(parse(expression), [typed(resource, None)])


def places(expression: str, resource: dict[str, Any]) -> list[Place]:
    """The place of each element that the expression selects. Raises PathError, ValueError (it has none)."""
    root = typed(resource, None)
    tree = parse(expression)
    found = _members(tree, root)
    if found is None:
        items = _run(tree, [root])
        wanted = [item for item in items if isinstance(item, Node) and isinstance(item.value, dict)]
        everywhere = [pair for pair in _walk(root) if any(pair[0].value is item.value for item in wanted)]
        if not len(everywhere) == len(wanted) == len(items):
            raise ValueError("it does not select elements of the resource by their names")
        return [place for _, place in everywhere]
    rest, candidates = found
    selected = _run(rest, [node for node, _ in candidates])
    out = [place for item in selected for node, place in candidates if node is item]
    if len(out) != len(selected):
        raise ValueError("it selects something that is no element of the resource")
    return out


def collection(expression: str, resource: dict[str, Any]) -> Collection:
    """The list that the expression names (``Patient.name``). Raises PathError, ValueError (it names none, or many)."""
    root = typed(resource, None)
    tree = parse(expression)
    if not isinstance(tree, syntax.Member):
        raise ValueError("it must end with the name of an element")
    holders = _holders(tree.left, root)
    if len(holders) != 1:
        raise ValueError(f"it names a list in {len(holders)} elements, expected one")
    return Collection(holders[0], tree.name, tuple(place for _, place in _children(holders[0], tree.name)))


def _run(tree: syntax.Node, items: Items) -> Items:
    return Compiler(lenient=True).build(tree)(Scope(items, NONE, items, items))


def _members(tree: syntax.Node, root: Node) -> tuple[syntax.Node, list[tuple[Node, Place]]] | None:
    """What stands behind the last name of the path, to be run on the values of that name, and these values."""
    match tree:
        case syntax.Member(left, name, position):
            if left is None and name == root.value.get("resourceType"):
                return None
            pairs = [pair for holder in _holders(left, root) for pair in _children(holder, name)]
            return syntax.Special(_THIS, position), pairs
        case syntax.Call(left, "extension", (url,), position):
            where = syntax.Binary("=", syntax.Member(None, "url", position), url, position)
            plain = syntax.Member(left, "extension", position)
            return _members(syntax.Call(plain, "where", (where,), position), root)
        case syntax.Call(left, _, _, _) | syntax.Index(left, _, _) | syntax.TypeTest("as", left, _, _):
            found = _members(left, root) if left is not None else None
            return None if found is None else (msgspec.structs.replace(tree, left=found[0]), found[1])
        case _:
            return None


def _holders(left: syntax.Node | None, root: Node) -> list[Node]:
    items = [root] if left is None else _run(left, [root])
    return [item for item in items if isinstance(item, Node) and isinstance(item.value, dict) and item.type is not None]


def _children(holder: Node, name: str) -> list[tuple[Node, Place]]:
    """The values of one element with their places; one node stands for a value and what hangs beside it."""
    kind = holder.type
    element = kind.elements.get(name) if kind is not None else None
    if kind is None or element is None:
        return []
    out: list[tuple[Node, Place]] = []
    for key, _ in element.keys:
        nodes: list[Node] = []
        holder.child(name, nodes)
        found, shadow = holder.value.get(key), holder.value.get(f"_{key}")
        if found is None and shadow is None:
            continue
        if isinstance(found, list) or isinstance(shadow, list):
            values, beside = found or [], shadow or []
            filled = [
                at
                for at in range(max(len(values), len(beside)))
                if any(at < len(row) and row[at] is not None for row in (values, beside))
            ]
            out += [
                (node, Place(holder.value, kind, element, key, at)) for node, at in zip(nodes, filled, strict=False)
            ]
        else:
            out += [(node, Place(holder.value, kind, element, key, None)) for node in nodes[:1]]
        break
    return out


def _walk(root: Node) -> list[tuple[Node, Place]]:
    out: list[tuple[Node, Place]] = []
    level = [root]
    while level:
        pairs = [
            pair
            for node in level
            if node.type is not None and isinstance(node.value, dict)
            for name in node.type.elements
            for pair in _children(node, name)
        ]
        out += pairs
        level = [node for node, _ in pairs]
    return out
