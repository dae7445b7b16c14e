"""Invariants as generated Python: presence tests and comparisons on plain JSON, by the definitions.

`compile_predicate` takes an expression and the type it is stated on, and gives a function of (element, holders) that
answers True, False or None.  What has no quick form is called on the general engine, at the place in the boolean
expression where it stands, so that `a.exists() or (hard)` costs a dict look-up where `a` is there.
Standard: https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.constraint
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import msgspec

from wardbridge.fhir.definitions.table import Element, known, type_of
from wardbridge.fhir.path import syntax
from wardbridge.fhir.path.compiler import Compiler
from wardbridge.fhir.path.env import NONE
from wardbridge.fhir.path.equality import compare
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.nodes import Node, typed
from wardbridge.fhir.path.parser import parse
from wardbridge.fhir.path.scope import Fn, Scope, truth
from wardbridge.fhir.path.variables import CONSTANTS


class Holders(NamedTuple):
    """`%resource` and `%rootResource` of the element under test, as JSON."""

    resource: dict[str, Any]
    root: dict[str, Any]


Predicate: TypeAlias = Callable[[Any, Holders], bool | None]
_TEXT = frozenset(["string", "code", "uri", "url", "canonical", "id", "markdown", "oid", "uuid"])
_MOMENTS = frozenset({"date", "dateTime", "instant"})
_STRING_TESTS = {"startsWith": "{0}.startswith({1})", "endsWith": "{0}.endswith({1})", "contains": "{1} in {0}"}


class _Unfit(Exception):
    """No quick form."""


class _Code(NamedTuple):
    """Python text of a truth value; `open` says that it may be None."""

    text: str
    open: bool = False


class _Walk(NamedTuple):
    """A path as comprehension clauses; `var` holds each item of type `type`; `one` = at most one item."""

    clauses: str
    var: str
    type: str
    one: bool


def _general(fn: Fn, type_name: str) -> Predicate:
    kind = type_of(type_name)

    def run(value: Any, holders: Holders) -> bool | None:
        this: list[Any] = [typed(value, kind) if kind is None or kind.resource else Node(value, kind)]
        resource: list[Any] = [typed(holders.resource, None)]
        root: list[Any] = resource if holders.root is holders.resource else [typed(holders.root, None)]
        return truth(fn(Scope(this, NONE, resource, root)))

    return run


def _le(operator: str) -> Callable[[Any, Any, str], bool | None]:
    def run(a: Any, b: Any, type_name: str) -> bool | None:
        kind = type_of(type_name)
        try:
            return compare(operator, Node(a, kind), Node(b, kind))
        except PathError:
            return None

    return run


class _Maker:
    def __init__(self, type_name: str) -> None:
        self.type_name = type_name
        self.space: dict[str, Any] = {}
        self.count = 0

    def name(self, stem: str = "v") -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def constant(self, value: Any) -> str:
        name = self.name("k")
        self.space[name] = value
        return name

    def cond(self, node: syntax.Node, var: str, type_name: str) -> _Code:
        try:
            return self.quick(node, var, type_name)
        except _Unfit:
            return self.fallback(node, var, type_name)

    def fallback(self, node: syntax.Node, var: str, type_name: str) -> _Code:
        if type_name != self.type_name and mentions(node, ("context", "$index", "$total")):
            raise PathError("no place to stand")
        fn = _general(Compiler(lenient=True).build(node), type_name)
        text = f"{self.constant(fn)}({var}, c)"
        root = _emptiness_of(node)
        if root is not None and (element := known(type_name).elements.get(root)) is not None:
            return _Code(f"({_absent(self, element, var)} or {text})", True)
        return _Code(text, True)

    def quick(self, node: syntax.Node, var: str, type_name: str) -> _Code:
        match node:
            case syntax.Literal(bool() as known_, _):
                return _Code(str(known_))
            case syntax.Binary("and" | "or" | "xor" | "implies", _, _, _):
                return self.logic(node, var, type_name)
            case syntax.Binary("=" | "!=", left, right, _):
                return self.equality(node.operator, left, right, var, type_name)
            case syntax.Binary("in", left, right, _):
                value = self.value(left, var, type_name, _TEXT)
                words = _words(right)
                t = self.name("t")
                return _Code(f"(None if ({t} := {value}) is None else {t} in {words!r})", True)
            case syntax.Binary("<" | "<=" | ">" | ">=", left, right, _):
                return self.comparison(node.operator, left, right, var, type_name)
            case syntax.Call(left, "not", (), _) if left is not None:
                inner = self.cond(left, var, type_name)
                if not inner.open:
                    return _Code(f"(not {inner.text})")
                t = self.name("t")
                return _Code(f"(None if ({t} := {inner.text}) is None else not {t})", True)
            case syntax.Call(left, "exists", args, _) if left is not None:
                if args:
                    left = syntax.Call(left, "where", args, 0)
                return _Code(self.exists(left, var, type_name))
            case syntax.Call(left, "empty", (), _) if left is not None:
                return _Code(f"(not {self.exists(left, var, type_name)})")
            case syntax.Call(left, "hasValue", (), _) if left is not None:
                value = self.value(left, var, type_name, None)
                return _Code(f"({value} is not None)")
            case syntax.Call(left, "startsWith" | "endsWith" | "contains", (syntax.Literal(str() as text, _),), _) if (
                left is not None
            ):
                value = self.value(left, var, type_name, _TEXT)
                t = self.name("t")
                test = _STRING_TESTS[node.name].format(t, repr(text))
                return _Code(f"(None if ({t} := {value}) is None else {test})", True)
        raise _Unfit

    def logic(self, node: syntax.Binary, var: str, type_name: str) -> _Code:
        a, b = self.cond(node.left, var, type_name), self.cond(node.right, var, type_name)
        operator = node.operator
        if not a.open and not b.open:
            text = {
                "and": f"({a.text} and {b.text})",
                "or": f"({a.text} or {b.text})",
                "xor": f"({a.text} is not {b.text})",
                "implies": f"(not {a.text} or {b.text})",
            }[operator]
            return _Code(text)
        t, u = self.name("t"), self.name("t")
        first, second = f"({t} := {a.text})", f"({u} := {b.text})"
        unknown = f"None if {t} is None or {u} is None else"
        text = {
            "and": f"(False if {first} is False else False if {second} is False else {unknown} True)",
            "or": f"(True if {first} else True if {second} else {unknown} False)",
            "xor": f"(None if {first} is None or {second} is None else {t} is not {u})",
            "implies": f"(True if {first} is False else True if {second} else {unknown} False)",
        }[operator]
        return _Code(text, True)

    def equality(self, operator: str, left: syntax.Node, right: syntax.Node, var: str, type_name: str) -> _Code:
        sign = "==" if operator == "=" else "!="
        literal = _literal(right)
        if literal is not None:
            if type(literal) is bool:
                kinds = frozenset({"boolean"})
            else:
                kinds = _TEXT if isinstance(literal, str) else frozenset({"integer", "positiveInt", "unsignedInt"})
            value = self.value(left, var, type_name, kinds)
            t = self.name("t")
            return _Code(f"(None if ({t} := {value}) is None else {t} {sign} {literal!r})", True)
        if _is_test(left) and _is_test(right):
            a, b = self.quick(left, var, type_name), self.quick(right, var, type_name)
            if not a.open and not b.open:
                return _Code(f"({a.text} {sign} {b.text})")
        raise _Unfit

    def comparison(self, operator: str, left: syntax.Node, right: syntax.Node, var: str, type_name: str) -> _Code:
        if isinstance(right, syntax.Literal) and type(right.value) is int:
            return _Code(f"({self.counts(left, var, type_name)} {operator} {right.value})")
        a, kind = self.typed_value(left, var, type_name, _MOMENTS)
        b, _ = self.typed_value(right, var, type_name, _MOMENTS)
        t, u = self.name("t"), self.name("t")
        helper = self.constant(_le(operator))
        return _Code(f"(None if ({t} := {a}) is None or ({u} := {b}) is None else {helper}({t}, {u}, {kind!r}))", True)

    def counts(self, node: syntax.Node, var: str, type_name: str) -> str:
        """A number made of `count()` and +."""
        match node:
            case syntax.Binary("+", left, right, _):
                return f"({self.counts(left, var, type_name)} + {self.counts(right, var, type_name)})"
            case syntax.Call(syntax.Member(None, name, _), "count", (), _):
                element = self.element(name, type_name)
                if element.many and not _primitive(element.types[0]):
                    return f"len({var}.get({name!r}, ()))"
                if not element.many:
                    return f"int({self.exists(syntax.Member(None, name, 0), var, type_name)})"
        raise _Unfit

    def element(self, name: str, type_name: str) -> Element:
        element = known(type_name).elements.get(name)
        if element is None or known(type_name).primitive:
            raise _Unfit
        return element

    def value(self, node: syntax.Node, var: str, type_name: str, kinds: frozenset[str] | None) -> str:
        return self.typed_value(node, var, type_name, kinds)[0]

    def typed_value(self, node: syntax.Node, var: str, type_name: str, kinds: frozenset[str] | None) -> tuple[str, str]:
        """Code of the single primitive that a path gives, or None; and its type, which must be one of `kinds`."""
        if isinstance(node, syntax.Variable) and node.name in CONSTANTS:
            return repr(CONSTANTS[node.name]), "string"
        if not isinstance(node, syntax.Member) or (node.left is None and node.name[0].isupper()):
            raise _Unfit
        holder, kind = var, type_name
        if node.left is not None:
            holder, kind = self.holder(node.left, var, type_name)
        element = self.element(node.name, kind)
        inner = element.types[0]
        if element.many or element.choice or not _primitive(inner) or (kinds is not None and inner not in kinds):
            raise _Unfit
        if node.left is None:
            return f"{var}.get({node.name!r})", inner
        t = self.name("t")
        return f"(None if ({t} := {holder}) is None else {t}.get({node.name!r}))", inner

    def holder(self, node: syntax.Node, var: str, type_name: str) -> tuple[str, str]:
        """Code of the single complex element that a path gives, or None; and its type."""
        if not isinstance(node, syntax.Member):
            raise _Unfit
        before, kind = (var, type_name) if node.left is None else self.holder(node.left, var, type_name)
        element = self.element(node.name, kind)
        if element.many or element.choice or _primitive(element.types[0]) or element.types[0] == "Resource":
            raise _Unfit
        if node.left is None:
            return f"{var}.get({node.name!r})", element.types[0]
        t = self.name("t")
        return f"(None if ({t} := {before}) is None else {t}.get({node.name!r}))", element.types[0]

    def exists(self, node: syntax.Node, var: str, type_name: str) -> str:
        """Code that is true where the path gives anything."""
        match node:
            case syntax.Member(None, name, _):
                return f"(not {_absent(self, self.element(name, type_name), var)})"
            case syntax.Member(left, name, _) if left is not None:
                walk = self.walk(left, var, type_name)
                element = self.element(name, walk.type)
                return f"any(True {walk.clauses} if not {_absent(self, element, walk.var)})"
            case syntax.Call(left, "where", (criteria,), _) if left is not None:
                walk = self.walk(left, var, type_name)
                test = self.quick(criteria, walk.var, walk.type)
                return f"any(True {walk.clauses} if {test.text})"
        raise _Unfit

    def walk(self, node: syntax.Node, var: str, type_name: str) -> _Walk:
        """Clauses that visit each complex element of a path."""
        match node:
            case syntax.Member(left, name, _):
                before = _Walk("", var, type_name, True) if left is None else self.walk(left, var, type_name)
                element = self.element(name, before.type)
                inner = element.types[0]
                if element.choice or _primitive(inner) or inner == "Resource":
                    raise _Unfit
                item = self.name()
                if element.many:
                    clause = f" for {item} in {before.var}.get({name!r}, ())"
                else:
                    clause = f" for {item} in [{before.var}.get({name!r})] if {item} is not None"
                return _Walk(before.clauses + clause, item, inner, before.one and not element.many)
            case syntax.Call(left, "where", (criteria,), _) if left is not None:
                before = self.walk(left, var, type_name)
                test = self.quick(criteria, before.var, before.type)
                return before._replace(clauses=f"{before.clauses} if {test.text}")
        raise _Unfit


def _relative(node: Any, type_name: str) -> Any:
    """The tree with `Type.name` written as `name`; elsewhere a leading type name is not for the quick form."""
    if isinstance(node, tuple):
        return tuple(_relative(child, type_name) for child in node)
    if isinstance(node, syntax.Member) and node.left is not None:
        if isinstance(node.left, syntax.Member) and node.left.left is None and node.left.name == type_name:
            return syntax.Member(None, node.name, node.position)
        return msgspec.structs.replace(node, left=_relative(node.left, type_name))
    if isinstance(node, syntax.Binary | syntax.Unary | syntax.Index | syntax.TypeTest | syntax.Call):
        fields = [f for f in node.__struct_fields__ if f in ("left", "right", "operand", "args", "index")]
        return msgspec.structs.replace(node, **{f: _relative(getattr(node, f), type_name) for f in fields})
    return node


def _primitive(name: str) -> bool:
    kind = type_of(name)
    return kind is not None and kind.primitive


def _absent(maker: _Maker, element: Element, var: str) -> str:
    names = [n for key, kind in element.keys for n in ((key, f"_{key}") if _primitive(kind) else (key,))]
    if len(names) == 1:
        return f"({names[0]!r} not in {var})"
    if len(names) == 2:
        return f"({names[0]!r} not in {var} and {names[1]!r} not in {var})"
    return f"{maker.constant(frozenset(names))}.isdisjoint({var})"


def _literal(node: syntax.Node) -> Any:
    if isinstance(node, syntax.Literal) and type(node.value) in (str, bool, int):
        return node.value
    if isinstance(node, syntax.Variable) and node.name in CONSTANTS:
        return CONSTANTS[node.name]
    return None


def _words(node: syntax.Node) -> frozenset[str]:
    if isinstance(node, syntax.Binary) and node.operator == "|":
        return _words(node.left) | _words(node.right)
    if isinstance(node, syntax.Literal) and isinstance(node.value, str):
        return frozenset({node.value})
    raise _Unfit


def _is_test(node: syntax.Node) -> bool:
    return isinstance(node, syntax.Call) and node.name in ("exists", "empty", "hasValue")


def _emptiness_of(node: syntax.Node) -> str | None:
    """`a` of `a.b.where(...).empty()`: the element without which the expression is true."""
    if not (isinstance(node, syntax.Call) and node.name == "empty" and not node.args):
        return None
    at = node.left
    while at is not None:
        match at:
            case syntax.Member(None, name, _):
                return name
            case syntax.Member(left, _, _):
                at = left
            case syntax.Call(left, "where" | "select" | "trace" | "extension" | "resolve" | "ofType", _, _):
                at = left
            case _:
                return None
    return None


def mentions(node: Any, names: tuple[str, ...]) -> bool:
    """Whether the tree uses one of these `%names` or `$names`."""
    if isinstance(node, syntax.Variable | syntax.Special):
        return node.name in names
    if isinstance(node, tuple):
        return any(mentions(child, names) for child in node)
    fields = getattr(node, "__struct_fields__", ())
    return any(mentions(getattr(node, field), names) for field in fields if field not in ("position", "name"))


@lru_cache(maxsize=4096)
def compile_predicate(expression: str, type_name: str) -> Predicate:
    """The invariant as a function; PathError at compile time for an expression that cannot be read.

    The function gives True, False or None (open) and raises PathError where evaluation fails; it may raise
    AttributeError, KeyError or TypeError on JSON that breaks the structure of the type.
    """
    tree = _relative(parse(expression), type_name)
    kind = type_of(type_name)
    if kind is None or kind.primitive:
        return _general(Compiler(lenient=True).build(tree), type_name)
    maker = _Maker(type_name)
    try:
        code = maker.cond(tree, "x", type_name)
    except PathError:
        return _general(Compiler(lenient=True).build(tree), type_name)
    source = f"def predicate(x, c):\n    return {code.text}\n"
    exec(compile(source, f"<{type_name}: {expression[:60]}>", "exec"), maker.space)  # noqa: S102
    found: Predicate = maker.space["predicate"]
    return found
