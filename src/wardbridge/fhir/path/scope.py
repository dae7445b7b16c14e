"""The state of one evaluation, and how a collection becomes one value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from wardbridge.fhir.path.env import Env
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.nodes import Node, system

Items: TypeAlias = list[Any]


class Scope:
    """`this`, `index` and `total` change as criteria run over items; the rest stays for the evaluation.

    `memo` keeps what one evaluation should reckon once: the time, the descendants of the resource.
    """

    __slots__ = ("context", "env", "index", "memo", "resource", "root", "this", "total", "variables")

    def __init__(self, this: Items, env: Env, resource: Items, root: Items) -> None:
        self.this = this
        self.context = this
        self.env = env
        self.resource = resource
        self.root = root
        self.index: int | None = None
        self.total: Items = []
        self.memo: dict[str, Items] = {}
        self.variables: dict[str, Items] = {}


Fn: TypeAlias = Callable[[Scope], Items]


def truth(items: Items) -> bool | None:
    """Singleton evaluation to boolean: empty is None, one item that is no boolean is True."""
    if not items:
        return None
    if len(items) > 1:
        raise PathError(f"expected one item, found {len(items)}")
    value = items[0]
    if type(value) is bool:
        return value
    value = system(value)
    return value if type(value) is bool else True


def single(items: Items, what: str = "operand") -> Any:
    """The System value of the only item, None where there is none; PathError for several."""
    if not items:
        return None
    if len(items) > 1:
        raise PathError(f"{what}: expected one item, found {len(items)}")
    return system(items[0])


def string(items: Items, what: str) -> str | None:
    """As `single`, but PathError for anything but a string."""
    value = single(items, what)
    if value is None or isinstance(value, str):
        return value
    raise PathError(f"{what}: expected a string, found {_kind(value)}")


def integer(items: Items, what: str) -> int | None:
    """As `single`, but PathError for anything but an integer."""
    value = single(items, what)
    if value is None or type(value) is int:
        return value
    raise PathError(f"{what}: expected an integer, found {_kind(value)}")


def _kind(value: Any) -> str:
    if isinstance(value, Node):
        return value.type.name if value.type else "an object"
    return type(value).__name__


def boolean(value: bool | None) -> Items:
    return [] if value is None else [value]
