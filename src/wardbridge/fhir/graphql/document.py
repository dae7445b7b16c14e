"""The text of a request: parsed, its operation chosen, its variables settled (GraphQL October 2021, 2 and 6.1).

Tokens and length are bounded, so that parsing costs little whatever is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DocumentNode,
    EnumValueNode,
    FloatValueNode,
    FragmentDefinitionNode,
    GraphQLSyntaxError,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NamedTypeNode,
    NonNullTypeNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    StringValueNode,
    TokenKind,
    TypeNode,
    ValueNode,
    VariableNode,
)
from graphql.language.parser import Parser

from wardbridge.fhir.graphql.errors import RequestError
from wardbridge.fhir.json import number

MOST_CHARACTERS = 100_000
MOST_TOKENS = 10_000
LONGEST_NUMBER = 18
_KINDS: dict[str, tuple[type, ...]] = {
    "Int": (int,),
    "Float": (int, float, Decimal),
    "String": (str,),
    "ID": (str, int),
    "Boolean": (bool,),
}


@dataclass(frozen=True)
class Document:
    """One operation, ready to be checked and run."""

    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    declared: frozenset[str] = field(default=frozenset())

    def value(self, node: ValueNode) -> Any:
        """A value of the document: str, int, Decimal, bool, None, list or dict. Raises RequestError."""
        match node:
            case VariableNode():
                if node.name.value not in self.declared:
                    raise RequestError(f"the variable ${node.name.value} is not declared by the operation", node)
                return self.variables.get(node.name.value)
            case IntValueNode() | FloatValueNode():
                return _number(node)
            case StringValueNode() | BooleanValueNode() | EnumValueNode():
                return node.value
            case NullValueNode():
                return None
            case ListValueNode():
                return [self.value(one) for one in node.values]
            case ObjectValueNode():
                return {one.name.value: self.value(one.value) for one in node.fields}
        raise RequestError("a value that is not understood", node)


def read(text: str, given: Mapping[str, Any] | None = None, name: str = "") -> Document:
    """Raises RequestError for what is no GraphQL, has no such operation, or wants other variables."""
    operations: list[OperationDefinitionNode] = []
    fragments: dict[str, FragmentDefinitionNode] = {}
    for definition in parsed(text).definitions:
        if isinstance(definition, OperationDefinitionNode):
            operations.append(definition)
        elif isinstance(definition, FragmentDefinitionNode):
            if definition.name.value in fragments:
                raise RequestError(f"the fragment {definition.name.value} is defined twice", definition)
            fragments[definition.name.value] = definition
        else:
            raise RequestError("only operations and fragments can be sent, no type definitions", definition)
    operation = _chosen(operations, name)
    if operation.operation is not OperationType.QUERY:
        raise RequestError(f"{operation.operation.value} operations are not supported: use the REST API", operation)
    declared = frozenset(v.variable.name.value for v in operation.variable_definitions or ())
    empty = Document(operation, fragments, {}, frozenset())
    return Document(operation, fragments, _variables(empty, given or {}), declared)


class _Parser(Parser):
    """GraphQL's grammar, and ``field()`` with nothing between the parentheses, which HL7's test cases write."""

    def parse_arguments(self, is_const: bool) -> tuple[ArgumentNode, ...] | None:
        if self.peek(TokenKind.PAREN_L) and self._lexer.lookahead().kind is TokenKind.PAREN_R:
            self.expect_token(TokenKind.PAREN_L)
            self.expect_token(TokenKind.PAREN_R)
            return ()
        return super().parse_arguments(is_const)


def parsed(text: str) -> DocumentNode:
    """The syntax tree. Raises RequestError."""
    if len(text) > MOST_CHARACTERS:
        raise RequestError(f"the query is longer than {MOST_CHARACTERS} characters")
    try:
        return _Parser(text, max_tokens=MOST_TOKENS).parse_document()
    except GraphQLSyntaxError as error:
        raise _syntax(error) from error
    except RecursionError:
        raise RequestError("the query is nested too deeply") from None


def _number(node: IntValueNode | FloatValueNode) -> int | Decimal:
    if len(node.value) > LONGEST_NUMBER:
        raise RequestError(f"a number of more than {LONGEST_NUMBER} characters", node)
    return int(node.value) if isinstance(node, IntValueNode) else number(node.value)


def _syntax(error: GraphQLSyntaxError) -> RequestError:
    at = f" (line {error.locations[0].line}, column {error.locations[0].column})" if error.locations else ""
    return RequestError(f"{error.message}{at}")


def _chosen(operations: list[OperationDefinitionNode], name: str) -> OperationDefinitionNode:
    names = [o.name.value for o in operations if o.name is not None]
    if len(set(names)) < len(names):
        raise RequestError("two operations have the same name")
    if name:
        for operation in operations:
            if operation.name is not None and operation.name.value == name:
                return operation
        raise RequestError(f"there is no operation {name[:60]!r} in the query")
    if len(operations) != 1:
        said = "no operation" if not operations else "several operations: operationName must say which one to run"
        raise RequestError(f"the query holds {said}")
    return operations[0]


def _variables(document: Document, given: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for definition in document.operation.variable_definitions or ():
        name = definition.variable.name.value
        if name in given:
            value = given[name]
        elif definition.default_value is not None:
            value = document.value(definition.default_value)
        elif isinstance(definition.type, NonNullTypeNode):
            raise RequestError(f"the variable ${name} is missing", definition)
        else:
            continue
        if not _fits(value, definition.type):
            raise RequestError(f"the variable ${name} is no {_written(definition.type)}", definition)
        out[name] = value
    return out


def _fits(value: Any, wanted: TypeNode) -> bool:
    match wanted:
        case NonNullTypeNode():
            return value is not None and _fits(value, wanted.type)
        case ListTypeNode():
            return value is None or all(
                _fits(one, wanted.type) for one in (value if isinstance(value, list) else [value])
            )
        case NamedTypeNode():
            kinds = _KINDS.get(wanted.name.value)
            if value is None:
                return True
            if kinds is None:  # codes, dates and the other primitives of FHIR
                return not isinstance(value, dict | list)
            return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
    return False


def _written(wanted: TypeNode) -> str:
    match wanted:
        case NonNullTypeNode():
            return f"{_written(wanted.type)}!"
        case ListTypeNode():
            return f"[{_written(wanted.type)}]"
        case NamedTypeNode():
            return wanted.name.value
    return "value"
