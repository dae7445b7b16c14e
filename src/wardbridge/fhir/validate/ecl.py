"""Whether a text is an expression constraint of SNOMED CT (ECL 2, brief syntax; https://docs.snomed.org/ecl).

Read, not evaluated: what a constraint selects is terminology's matter.  Filters in {{ }} are taken as they are.
"""

from __future__ import annotations

import re
from functools import lru_cache

from wardbridge.fhir.validate.systems import is_sctid

_TOKEN = re.compile(
    r"""\s+|/\*.*?\*/
    |(?P<filter>\{\{.*?\}\})
    |(?P<id>[0-9]{6,18}\b)(?P<term>\s*\|[^|]*\|)?
    |(?P<number>\#[+-]?[0-9]+(\.[0-9]+)?)
    |(?P<text>"(?:[^"\\]|\\.)*")
    |(?P<cardinality>\[\s*[0-9]+\s*\.\.\s*([0-9]+|\*)\s*\])
    |(?P<history>\{\{\s*\+.*?\}\})
    |(?P<compare><=|>=|!=|=)(?=\s*[\#"])
    |(?P<operator><<!|>>!|<<|>>|<!|>!|!!>|!!<|<|>)
    |(?P<equal>!=|=)
    |(?P<word>AND|OR|MINUS|R\b)
    |(?P<mark>[\^*(){}:.,])""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_JOIN = frozenset({"AND", "OR", "MINUS", ","})
MOST = 20_000


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, text: str) -> bool:
        if self.peek()[1].upper() == text:
            self.at += 1
            return True
        return False

    def need(self, text: str) -> None:
        if not self.take(text):
            raise ValueError

    def constraint(self) -> None:
        """sub [: refinement | . attribute ... | AND sub ...]"""
        self.operand()
        while self.peek()[1].upper() in _JOIN:
            self.at += 1
            self.operand()

    def operand(self) -> None:
        self.sub()
        while self.take("."):
            self.sub()
        if self.take(":"):
            self.refinement()

    def sub(self) -> None:
        if self.peek()[0] == "operator":
            self.at += 1
        if self.take("^") and self.peek()[0] == "cardinality":
            self.at += 1
        if self.take("("):
            self.constraint()
            self.need(")")
        elif self.peek()[0] == "id":
            if not is_sctid(self.peek()[1]):
                raise ValueError
            self.at += 1
        else:
            self.need("*")
        while self.peek()[0] in ("filter", "history"):
            self.at += 1

    def refinement(self) -> None:
        self.group()
        while self.peek()[1].upper() in ("AND", "OR", ","):
            self.at += 1
            self.group()

    def group(self) -> None:
        if self.peek()[0] == "cardinality":
            self.at += 1
        if self.take("{"):
            self.refinement()
            self.need("}")
        elif self.peek()[1] == "(" and self._attributes():
            return
        else:
            self.attribute()

    def _attributes(self) -> bool:
        """( refinement ), told from an attribute name in parentheses by trying."""
        before = self.at
        self.at += 1
        try:
            self.refinement()
            self.need(")")
        except ValueError:
            self.at = before
            return False
        return True

    def attribute(self) -> None:
        if self.peek()[0] == "cardinality":
            self.at += 1
        self.take("R")
        self.sub()
        kind, _ = self.peek()
        if kind == "compare":
            self.at += 1
            if self.peek()[0] not in ("number", "text"):
                raise ValueError
            self.at += 1
        elif kind == "equal":
            self.at += 1
            self.sub()
        else:
            raise ValueError


@lru_cache(maxsize=1024)
def is_ecl(text: str) -> bool:
    """Whether the text can be read as an expression constraint."""
    if len(text) > MOST:
        return False
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            return False
        kinds = [(kind, match[kind]) for kind in match.groupdict() if kind != "term" and match[kind] is not None]
        tokens += kinds[:1]
        at = match.end()
    reader = _Reader(tokens)
    try:
        reader.constraint()
    except (ValueError, RecursionError):
        return False
    return reader.at == len(tokens)
