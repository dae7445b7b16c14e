"""The fields that a selection asks of a value of one type, with fragments and @skip/@include settled.

GraphQL October 2021, section 6.3.2. Where a fragment asks for a field that is asked for already, both are one field
with all that either selects. Where one and the same selection writes a field with a selection of its own twice, each
gives a value of its own, as HL7's test cases have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
)

from wardbridge.fhir.graphql.document import Document
from wardbridge.fhir.graphql.errors import RequestError
from wardbridge.fhir.graphql.schema import narrowed

ARGUMENTS = {"skip": "if", "include": "if", "slice": "path"}
RESULT = frozenset({"flatten", "first", "singleton", "slice"})


@dataclass(frozen=True)
class Field:
    """One field to answer. ``key`` is its name in the answer; ``slice`` the path of @slice, '' without it."""

    node: FieldNode
    key: str
    name: str
    arguments: dict[str, Any]
    selections: tuple[SelectionSetNode, ...]
    home: int
    flatten: bool = False
    first: bool = False
    singleton: bool = False
    slice: str = ""

    def same(self, other: Field) -> bool:
        mine = (self.name, self.arguments, self.flatten, self.first, self.singleton, self.slice)
        return mine == (other.name, other.arguments, other.flatten, other.first, other.singleton, other.slice)


def collect(document: Document, types: frozenset[str], sets: Iterable[SelectionSetNode]) -> list[Field]:
    """The fields for a value that is of one of ``types``. Raises RequestError."""
    found: list[Field] = []
    seen: set[tuple[str, frozenset[str]]] = set()
    for selection_set in sets:
        for field in _fields(document, types, selection_set.selections, id(selection_set), (), seen):
            _add(found, field)
    return found


def check_fragments(document: Document, types: frozenset[str], sets: Iterable[SelectionSetNode]) -> bool:
    """Whether there are fragments. Raises RequestError for one that applies to none of ``types``, or to itself."""
    for selection_set in sets:
        for _ in _fields(document, types, selection_set.selections, 0, (), set(), strict=True):
            pass
    return any(not isinstance(one, FieldNode) for selection_set in sets for one in selection_set.selections)


def _add(found: list[Field], field: Field) -> None:
    for at, other in enumerate(found):
        if other.key != field.key:
            continue
        if not other.same(field):
            raise RequestError(f"{field.key} is asked for in two ways: give one of them an alias", field.node)
        if not field.selections:
            return
        if other.home != field.home:
            found[at] = replace(other, selections=(*other.selections, *field.selections))
            return
    found.append(field)


def _fields(
    document: Document,
    types: frozenset[str],
    selections: Sequence[SelectionNode],
    home: int,
    within: tuple[str, ...],
    seen: set[tuple[str, frozenset[str]]],
    strict: bool = False,
) -> Iterator[Field]:
    """``within``: the fragments around; ``seen``: those that were used, each of which adds nothing a second time."""
    for selection in selections:
        if not wanted(document, selection):
            continue
        if isinstance(selection, FieldNode):
            yield of_node(document, selection, home)
            continue
        name, condition, inner = _fragment(document, selection)
        if name and name in within:
            raise RequestError(f"the fragment {name} refers to itself", selection)
        left = types
        if condition:
            some = narrowed(types, condition)
            if some is None:
                raise RequestError(f"{condition!r} is not a type", selection)
            left = some
        if name and (name, left) in seen:
            continue
        if name:
            seen.add((name, left))
        if left:
            yield from _fields(document, left, inner.selections, id(inner), (*within, name), seen, strict)
        elif strict:
            raise RequestError(f"this can never be a {condition}", selection)


def _fragment(document: Document, selection: SelectionNode) -> tuple[str, str, SelectionSetNode]:
    """(name, type condition, selection set) of a fragment."""
    if isinstance(selection, InlineFragmentNode):
        condition = selection.type_condition.name.value if selection.type_condition is not None else ""
        return "", condition, selection.selection_set
    assert isinstance(selection, FragmentSpreadNode)
    found = document.fragments.get(selection.name.value)
    if found is None:
        raise RequestError(f"there is no fragment {selection.name.value}", selection)
    return selection.name.value, found.type_condition.name.value, found.selection_set


def wanted(document: Document, selection: SelectionNode) -> bool:
    """Whether @skip and @include leave it in. Raises RequestError for a directive that is not known."""
    keep = True
    for directive in selection.directives or ():
        name = directive.name.value
        if name in ("skip", "include"):
            value = _argument(document, directive)
            if not isinstance(value, bool):
                raise RequestError(f"@{name} needs if: true or false", directive)
            keep = keep and value == (name == "include")
        elif name not in RESULT:
            raise RequestError(f"the directive @{name} is not known", directive)
        elif not isinstance(selection, FieldNode):
            raise RequestError(f"@{name} stands on fields only", directive)
    return keep


def _argument(document: Document, directive: DirectiveNode) -> Any:
    """The one argument of a directive, None where it has none."""
    name = directive.name.value
    known = ARGUMENTS.get(name)
    for argument in directive.arguments or ():
        if argument.name.value != known:
            raise RequestError(f"@{name} has no argument {argument.name.value}", argument)
    values = [document.value(argument.value) for argument in directive.arguments or ()]
    return values[0] if values else None


def of_node(document: Document, node: FieldNode, home: int) -> Field:
    """A field with its arguments and directives. Raises RequestError."""
    arguments: dict[str, Any] = {}
    for argument in node.arguments or ():
        if argument.name.value in arguments:
            raise RequestError(f"the argument {argument.name.value} is given twice", argument)
        arguments[argument.name.value] = document.value(argument.value)
    directives = {d.name.value: _argument(document, d) for d in node.directives or () if d.name.value in RESULT}
    path = directives.get("slice")
    if "slice" in directives and (not isinstance(path, str) or not path):
        raise RequestError("@slice needs path: a FHIRPath expression or $index", node)
    if "slice" in directives and "first" in directives:
        raise RequestError("@slice and @first exclude each other", node)
    return Field(
        node,
        node.alias.value if node.alias is not None else node.name.value,
        node.name.value,
        # An argument that is null is as good as none (a variable that was not given).
        {name: value for name, value in arguments.items() if value is not None},
        (node.selection_set,) if node.selection_set is not None else (),
        home,
        "flatten" in directives,
        "first" in directives,
        "singleton" in directives,
        path if isinstance(path, str) else "",
    )
