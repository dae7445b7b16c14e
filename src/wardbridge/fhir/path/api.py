"""The FHIRPath of the record: expressions compiled once, run on plain JSON."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

from wardbridge.core.clock import SystemClock
from wardbridge.fhir.definitions.table import Type, type_of
from wardbridge.fhir.path.compiler import Compiler
from wardbridge.fhir.path.env import NONE, Env
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.extract import fast_extract
from wardbridge.fhir.path.nodes import Node, plain, system_name, typed
from wardbridge.fhir.path.parser import parse
from wardbridge.fhir.path.scope import Fn, Items, Scope
from wardbridge.fhir.path.static import check

Typed: TypeAlias = Callable[[dict[str, Any]], list[tuple[str, Any]]]


class Compiled:
    """An expression ready to run; makes no difference between runs and may be shared by threads."""

    __slots__ = ("_fn", "_type", "expression")

    def __init__(self, expression: str, fn: Fn, kind: Type | None) -> None:
        self.expression = expression
        self._fn = fn
        self._type = kind

    def __call__(self, resource: dict[str, Any], env: Env | None = None) -> list[Any]:
        """The result as JSON values; PathError where the expression fails on this resource."""
        return [plain(item) for item in self.items(resource, env)]

    def items(self, resource: dict[str, Any], env: Env | None = None) -> Items:
        """The result as items: `Node` for FHIR elements, System values for the rest."""
        this: Items = [typed(resource, self._type)]
        env = env or NONE
        holder = this if env.resource is None else [typed(env.resource, None)]
        root = holder if env.root is None else [typed(env.root, None)]
        try:
            return self._fn(Scope(this, env, holder, root))
        except RecursionError:
            raise PathError("the expression or the resource is nested too deeply") from None

    def typed(self, resource: dict[str, Any], env: Env | None = None) -> list[tuple[str, Any]]:
        """The result as (type, JSON value); System values carry `System.Integer` and the like."""
        out = []
        for item in self.items(resource, env):
            if isinstance(item, Node):
                out.append((item.type.name if item.type else "", item.value))
            else:
                out.append((f"System.{system_name(item)}", plain(item)))
        return [pair for pair in out if pair[1] is not None]


@lru_cache(maxsize=8192)
def compile(
    expression: str,
    type_name: str | None = None,
    *,
    lenient: bool = False,
    strict: bool = False,
    ordered: bool = False,
) -> Compiled:
    """The expression compiled, cached; PathError with its position where it cannot be read or typed.

    `type_name` is the type of the input where that is no resource (`HumanName`, `Observation.component`), and
    what static checks start from.  `lenient` reads the R4 standard's own expressions as they are meant (`as` of many
    items filters).  `strict` makes unknown elements errors, `ordered` order-dependent functions on unordered input.
    """
    kind = type_of(type_name) if type_name is not None else None
    if type_name is not None and kind is None:
        raise PathError(f"unknown type {type_name}", "semantic")
    try:
        tree = parse(expression)
        if strict or ordered:
            check(tree, type_name, strict=strict, ordered=ordered)
        return Compiled(expression, Compiler(lenient=lenient).build(tree), kind)
    except RecursionError:
        raise PathError("the expression is too long for one chain", "syntax", 0) from None


@lru_cache(maxsize=8192)
def compile_typed(expression: str, type_name: str) -> Typed:
    """An extractor from a resource (or element) of that type to `[(fhir_type, json_value), ...]`.

    Made for search parameters: alternatives of other resource types are left out, simple paths become generated
    Python; everything else runs on the general engine.  Lenient as `compile(lenient=True)`.
    """
    if type_of(type_name) is None:
        raise PathError(f"unknown type {type_name}", "semantic")
    general = compile(expression, type_name, lenient=True)
    return fast_extract(expression, type_name, general.typed)


def evaluate(expression: str, resource: dict[str, Any], env: Env | None = None) -> list[Any]:
    """One expression on one resource, by the standard's strict rules; `now()` is the system's unless given."""
    if env is None:
        env = Env(now=SystemClock().now)
    return compile(expression)(resource, env)
