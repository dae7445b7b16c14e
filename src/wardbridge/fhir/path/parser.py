"""Reads a FHIRPath expression into its syntax tree by recursive descent over operator precedence.

Standard: https://hl7.org/fhirpath/N1/#operator-precedence
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from wardbridge.fhir.path import syntax
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.lexer import Token, tokens
from wardbridge.fhir.path.moments import Moment
from wardbridge.fhir.path.quantity import CALENDAR, Quantity

# Loosest first; every level associates to the left.
LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"implies"}),
    frozenset({"or", "xor"}),
    frozenset({"and"}),
    frozenset({"in", "contains"}),
    frozenset({"=", "~", "!=", "!~"}),
    frozenset({">", "<", ">=", "<="}),
    frozenset({"|"}),
    frozenset({"is", "as"}),
    frozenset({"+", "-", "&"}),
    frozenset({"*", "/", "div", "mod"}),
)
MAX_DEPTH = 60
MOST_DIGITS = 500


class _Parser:
    def __init__(self, expression: str) -> None:
        self.tokens = tokens(expression)
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def accept(self, operator: str) -> bool:
        token = self.token
        if token.kind == "operator" and token.text == operator:
            self.at += 1
            return True
        return False

    def expect(self, operator: str) -> None:
        if not self.accept(operator):
            raise self.error(f"expected {operator!r}")

    def error(self, message: str) -> PathError:
        token = self.token
        found = "the end" if token.kind == "end" else repr(token.text)
        return PathError(f"{message}, found {found}", "syntax", token.position)

    def whole(self) -> syntax.Node:
        node = self.expression()
        if self.token.kind != "end":
            raise self.error("expected an operator")
        return node

    def expression(self, level: int = 0) -> syntax.Node:
        if level == len(LEVELS):
            return self.unary()
        self.depth += level == 0
        if self.depth > MAX_DEPTH:
            raise self.error("too deeply nested")
        left = self.expression(level + 1)
        while self.token.kind in ("operator", "name") and self.token.text in LEVELS[level]:
            token = self.take()
            if token.text in ("is", "as"):
                left = syntax.TypeTest(token.text, left, self.type_name(), token.position)
            else:
                left = syntax.Binary(token.text, left, self.expression(level + 1), token.position)
        self.depth -= level == 0
        return left

    def type_name(self) -> str:
        if self.token.kind not in ("name", "identifier"):
            raise self.error("expected a type")
        name = self.take().text
        if self.accept("."):
            if self.token.kind not in ("name", "identifier"):
                raise self.error("expected a type")
            name += "." + self.take().text
        return name

    def unary(self) -> syntax.Node:
        token = self.token
        if token.kind == "operator" and token.text in "+-":
            self.at += 1
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise self.error("too deeply nested")
            operand = self.unary()
            self.depth -= 1
            return syntax.Unary(token.text, operand, token.position)
        return self.invocations()

    def invocations(self) -> syntax.Node:
        node = self.term()
        while True:
            position = self.token.position
            if self.accept("."):
                if self.token.kind not in ("name", "identifier"):
                    raise self.error("expected a name")
                node = self.invocation(node)
            elif self.accept("["):
                index = self.expression()
                self.expect("]")
                node = syntax.Index(node, index, position)
            else:
                return node

    def invocation(self, left: syntax.Node | None) -> syntax.Node:
        token = self.take()
        if not self.accept("("):
            return syntax.Member(left, token.text, token.position)
        args: list[syntax.Node] = []
        if not self.accept(")"):
            args.append(self.expression())
            while self.accept(","):
                args.append(self.expression())
            self.expect(")")
        return syntax.Call(left, token.text, tuple(args), token.position)

    def term(self) -> syntax.Node:
        token = self.token
        match token.kind:
            case "name" if token.text in ("true", "false") and self.tokens[self.at + 1].text != "(":
                self.at += 1
                return syntax.Literal(token.text == "true", token.position)
            case "name" | "identifier":
                return self.invocation(None)
            case "number":
                return self.number()
            case "string":
                self.at += 1
                return syntax.Literal(token.text, token.position)
            case "date" | "time":
                self.at += 1
                return syntax.Literal(Moment.literal(token.text, token.position), token.position)
            case "variable":
                self.at += 1
                return syntax.Variable(token.text, token.position)
            case "special":
                self.at += 1
                return syntax.Special(token.text, token.position)
        if self.accept("("):
            node = self.expression()
            self.expect(")")
            return node
        if self.accept("{"):
            self.expect("}")
            return syntax.Empty(token.position)
        raise self.error("expected a value")

    def number(self) -> syntax.Node:
        token = self.take()
        if len(token.text) > MOST_DIGITS:
            raise PathError("the number is too long", "syntax", token.position)
        value: int | Decimal = Decimal(token.text) if "." in token.text else int(token.text)
        unit = self.token
        if unit.kind == "string":
            self.at += 1
            return syntax.Literal(Quantity(Decimal(value), unit.text), token.position)
        if unit.kind == "name" and unit.text in CALENDAR:
            self.at += 1
            return syntax.Literal(Quantity(Decimal(value), CALENDAR[unit.text], True), token.position)
        return syntax.Literal(value, token.position)


@lru_cache(maxsize=4096)
def parse(expression: str) -> syntax.Node:
    """The tree of an expression; PathError (kind `syntax`, with position) where it cannot be read."""
    return _Parser(expression).whole()
