"""The syntax tree of FHIRPath (https://hl7.org/fhirpath/N1/, grammar in its appendix B)."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec


class Literal(msgspec.Struct, frozen=True):
    """A boolean, integer, decimal, string, date, time or quantity written in the expression."""

    value: Any
    position: int


class Empty(msgspec.Struct, frozen=True):
    """`{}`"""

    position: int


class Special(msgspec.Struct, frozen=True):
    """`$this`, `$index` or `$total`"""

    name: str
    position: int


class Variable(msgspec.Struct, frozen=True):
    """`%name`"""

    name: str
    position: int


class Member(msgspec.Struct, frozen=True):
    """`left.name`; without left the name applies to the input."""

    left: Node | None
    name: str
    position: int


class Call(msgspec.Struct, frozen=True):
    """`left.name(args)`; without left the function applies to the input."""

    left: Node | None
    name: str
    args: tuple[Node, ...]
    position: int


class Index(msgspec.Struct, frozen=True):
    """`left[index]`"""

    left: Node
    index: Node
    position: int


class Unary(msgspec.Struct, frozen=True):
    """`+x` or `-x`"""

    operator: str
    operand: Node
    position: int


class Binary(msgspec.Struct, frozen=True):
    """`left operator right`"""

    operator: str
    left: Node
    right: Node
    position: int


class TypeTest(msgspec.Struct, frozen=True):
    """`left is Type` or `left as Type`; `type_name` may be qualified (`FHIR.Patient`)."""

    operator: str
    left: Node
    type_name: str
    position: int


Node: TypeAlias = Literal | Empty | Special | Variable | Member | Call | Index | Unary | Binary | TypeTest
