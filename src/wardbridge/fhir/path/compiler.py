"""Turns a syntax tree into Python closures, each from a scope to a collection of items.

Nothing is looked up by name when an expression runs: functions, operators, types and argument counts are settled
here, and their errors are raised here.  Standard: https://hl7.org/fhirpath/N1/
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wardbridge.fhir.definitions.table import type_of
from wardbridge.fhir.path import syntax
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.functions.collections import sort
from wardbridge.fhir.path.functions.elements import element_definition, resolve
from wardbridge.fhir.path.functions.table import TABLE
from wardbridge.fhir.path.nodes import Node, TypeInfo
from wardbridge.fhir.path.operators import OPERATORS, negative
from wardbridge.fhir.path.scope import Fn, Items, Scope, integer
from wardbridge.fhir.path.types import type_test
from wardbridge.fhir.path.variables import variable

_AXES = ("as", "is", "ofType")
_CHOOSING = frozenset({"where", "first", "last", "tail", "skip", "take", "single", "as", "ofType", "trace", "distinct"})


class Compiler:
    """`lenient` is for expressions of the R4 standard itself: `as` filters many items, `Boolean` means boolean."""

    def __init__(self, *, lenient: bool = False) -> None:
        self.lenient = lenient

    def build(self, node: syntax.Node) -> Fn:
        match node:
            case syntax.Literal(value, _):
                return lambda s: [value]
            case syntax.Empty():
                return lambda s: []
            case syntax.Special(name, _):
                return _SPECIAL[name]
            case syntax.Variable(name, position):
                return variable(name, position)
            case syntax.Member(left, name, _):
                return self.member(left, name)
            case syntax.Call():
                return self.call(node)
            case syntax.Index(left, index, _):
                return self.index(left, index)
            case syntax.Unary(operator, operand, _):
                return self.unary(operator, operand)
            case syntax.TypeTest(operator, left, type_name, position):
                return self.type_operator(operator, left, type_name, position)
            case syntax.Binary(operator, left, right, _):
                return OPERATORS[operator](self.apart(left), self.apart(right))

    def apart(self, node: syntax.Node) -> Fn:
        """As `build`, for an operand or argument: variables that it defines end with it."""
        inner = self.build(node)
        if not _defines(node):
            return inner

        def run(s: Scope) -> Items:
            before = s.variables
            items = inner(s)
            s.variables = before
            return items

        return run

    def named(self, node: syntax.Node) -> Fn:
        """What stands before `is`: for `resolve()` the type that the reference names is enough."""
        if isinstance(node, syntax.Call) and node.name == "resolve" and not node.args:
            return resolve(_SPECIAL["$this"] if node.left is None else self.build(node.left), by_name=True)
        return self.build(node)

    def member(self, left: syntax.Node | None, name: str) -> Fn:
        if left is None:
            if name[0].isupper() and type_of(name) is not None:
                return _of_context(name)

            def from_this(s: Scope) -> Items:
                out: Items = []
                for item in s.this:
                    if type(item) is Node:
                        item.child(name, out)
                return out

            return from_this
        before = self.build(left)

        def from_left(s: Scope) -> Items:
            out: Items = []
            for item in before(s):
                if type(item) is Node:
                    item.child(name, out)
                elif type(item) is TypeInfo and name in ("name", "namespace"):
                    out.append(getattr(item, name))
            return out

        return from_left

    def index(self, left: syntax.Node, index: syntax.Node) -> Fn:
        before, at = self.build(left), self.apart(index)

        def run(s: Scope) -> Items:
            items = before(s)
            i = integer(at(s), "index")
            return [] if i is None or i < 0 else items[i : i + 1]

        return run

    def unary(self, operator: str, operand: syntax.Node) -> Fn:
        inner = self.build(operand)
        if operator == "-":
            return lambda s: negative(inner(s))
        return inner

    def type_operator(self, operator: str, left: syntax.Node, type_name: str, position: int) -> Fn:
        before = self.named(left) if operator == "is" else self.build(left)
        test = type_test(type_name, position, exact=operator != "is", lenient=self.lenient)
        if operator == "is":
            return lambda s: _is(before(s), test)
        if operator == "as" and not self.lenient:
            return lambda s: _as(before(s), test)
        return lambda s: [item for item in before(s) if test(item)]

    def call(self, node: syntax.Call) -> Fn:
        name, args, position = node.name, node.args, node.position
        if name in _AXES:
            if len(args) != 1:
                raise PathError(f"{name}() takes one type", "semantic", position)
            left = node.left or syntax.Special("$this", position)
            return self.type_operator(name, left, _type_name(args[0], position), position)
        if name == "elementDefinition" and not args:
            return self.element_definition(node)
        if name not in TABLE:
            raise PathError(f"unknown function {name}()", "semantic", position)
        least, most, make = TABLE[name]
        if not least <= len(args) <= most:
            raise PathError(f"{name}() takes {least} to {most} arguments, found {len(args)}", "semantic", position)
        before = self.build(node.left) if node.left is not None else _SPECIAL["$this"]
        if name == "resolve" and self.lenient:
            return resolve(before, by_name=True)
        if name == "sort":
            return sort(before, [self.sort_key(arg) for arg in args])
        return make(before, *[self.apart(arg) for arg in args])

    def element_definition(self, node: syntax.Call) -> Fn:
        """The definition hangs on the path by which items are reached: functions that only choose are stepped over."""
        at = node.left
        while (isinstance(at, syntax.Call) and at.name in _CHOOSING) or isinstance(at, syntax.Index):
            at = at.left
        if not isinstance(at, syntax.Member) or node.left is None or (at.left is None and at.name[0].isupper()):
            raise PathError("elementDefinition() stands behind the path of an element", "semantic", node.position)
        parents = _SPECIAL["$this"] if at.left is None else self.build(at.left)
        return element_definition(parents, self.build(node.left), at.name)

    def sort_key(self, arg: syntax.Node) -> tuple[Fn, bool]:
        """A key and whether it sorts downwards (`-key`)."""
        if isinstance(arg, syntax.Unary) and arg.operator == "-":
            return self.build(arg.operand), True
        return self.build(arg), False


def _defines(node: Any) -> bool:
    if isinstance(node, tuple):
        return any(_defines(child) for child in node)
    if isinstance(node, syntax.Call) and node.name == "defineVariable":
        return True
    fields = ("left", "right", "operand", "args", "index")
    return any(_defines(getattr(node, f)) for f in fields if hasattr(node, f))


def _type_name(arg: syntax.Node, position: int) -> str:
    match arg:
        case syntax.Member(None, name, _):
            return name
        case syntax.Member(syntax.Member(None, space, _), name, _):
            return f"{space}.{name}"
    raise PathError("expected a type", "semantic", position)


def _of_context(name: str) -> Fn:
    def run(s: Scope) -> Items:
        return [i for i in s.this if type(i) is Node and i.type is not None and name in i.type.ancestors]

    return run


def _is(items: Items, test: Callable[[Any], bool]) -> Items:
    if len(items) > 1:
        raise PathError(f"is: expected one item, found {len(items)}")
    return [test(items[0])] if items else []


def _as(items: Items, test: Callable[[Any], bool]) -> Items:
    if len(items) > 1:
        raise PathError(f"as: expected one item, found {len(items)}")
    return [item for item in items if test(item)]


_SPECIAL: dict[str, Fn] = {
    "$this": lambda s: s.this,
    "$index": lambda s: [] if s.index is None else [s.index],
    "$total": lambda s: s.total,
}
