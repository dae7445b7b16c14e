"""Static checks: names that no type has, order-dependent functions on unordered input.

Standard: https://hl7.org/fhirpath/N1/#type-safety-and-strict-evaluation
"""

from __future__ import annotations

from typing import TypeAlias

from wardbridge.fhir.definitions.table import type_of
from wardbridge.fhir.path import syntax
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.parser import parse

Types: TypeAlias = frozenset[str] | None  # None: not known

# Functions whose result has the type of their input.
_KEEPING = frozenset({"where", "first", "last", "tail", "skip", "take", "single", "distinct"}) | frozenset(
    {"exclude", "intersect", "trace", "sort", "defineVariable"}
)
_UNORDERED = frozenset({"children", "descendants"})
_ORDER = frozenset({"first", "last", "tail", "skip", "take"})


class _Checker:
    def __init__(self, root: str | None, strict: bool, ordered: bool) -> None:
        self.root = root
        self.strict = strict
        self.ordered = ordered

    def infer(self, node: syntax.Node, this: Types) -> Types:
        match node:
            case syntax.Special("$this", _):
                return this
            case syntax.Variable("resource" | "context" | "rootResource", _):
                return None if self.root is None else frozenset({self.root})
            case syntax.Member(left, name, position):
                return self.member(left, name, position, this)
            case syntax.Index(left, index, _):
                self.infer(index, this)
                return self.infer(left, this)
            case syntax.Unary(_, operand, _):
                self.infer(operand, this)
                return None
            case syntax.TypeTest(operator, left, type_name, _):
                return self.narrow(operator, self.infer(left, this), type_name)
            case syntax.Binary(operator, left, right, _):
                a, b = self.infer(left, this), self.infer(right, this)
                return a | b if operator == "|" and a is not None and b is not None else None
            case syntax.Call():
                return self.call(node, this)
        return None

    def narrow(self, operator: str, types: Types, name: str) -> Types:
        if operator == "is":
            return None
        local = name.rpartition(".")[2]
        return frozenset({local}) if type_of(local) is not None else types

    def member(self, left: syntax.Node | None, name: str, position: int, this: Types) -> Types:
        if left is None and name[0].isupper() and (kind := type_of(name)) is not None:
            if self.strict and self.root is not None and kind.resource and this == frozenset({self.root}):
                mine = type_of(self.root)
                if mine is not None and name not in mine.ancestors:
                    raise PathError(f"the input is a {self.root}, no {name}", "semantic", position)
            return frozenset({name})
        types = this if left is None else self.infer(left, this)
        if types is None:
            return None
        found: set[str] = set()
        known = False
        for type_name in types:
            kind = type_of(type_name)
            if kind is None or type_name == "Resource":
                return None
            if kind.primitive and name in ("id", "extension"):
                found |= {"string"} if name == "id" else {"Extension"}
                known = True
            elif name in kind.elements:
                found |= set(kind.elements[name].types)
                known = True
        if not known and self.strict:
            raise PathError(f"{' or '.join(sorted(types))} has no element {name}", "semantic", position)
        return frozenset(found) if known else None

    def call(self, node: syntax.Call, this: Types) -> Types:
        before = this if node.left is None else self.infer(node.left, this)
        if node.name in ("as", "ofType", "is"):
            arg = node.args[0] if node.args else None
            return self.narrow(node.name, before, arg.name) if isinstance(arg, syntax.Member) else None
        left = node.left
        if self.ordered and node.name in _ORDER and isinstance(left, syntax.Call) and left.name in _UNORDERED:
            raise PathError(f"{node.name}() on unordered items", "semantic", node.position)
        if node.name in ("where", "select", "all", "exists", "repeat", "iif"):
            results = [self.infer(arg, before) for arg in node.args]
            return before if node.name == "where" else results[0] if node.name == "select" else None
        if node.name not in ("trace", "aggregate", "sort", "defineVariable"):
            for arg in node.args:
                self.infer(arg, this)
        if node.name == "extension":
            return frozenset({"Extension"})
        return before if node.name in _KEEPING else None


def check(tree: syntax.Node, root: str | None, *, strict: bool, ordered: bool) -> None:
    """PathError (kind `semantic`) for the first thing that cannot be right."""
    _Checker(root, strict, ordered).infer(tree, None if root is None else frozenset({root}))


def types_of(expression: str, root: str) -> Types:
    """The types that an expression can give for a resource of the type ``root``; None where that is not known.

    PathError for one that cannot be read, or that names an element which no type there has.
    """
    return _Checker(root, strict=True, ordered=False).infer(parse(expression), frozenset({root}))
