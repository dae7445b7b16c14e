"""Splits a FHIRPath expression into tokens (https://hl7.org/fhirpath/N1/#lexical-elements)."""

from __future__ import annotations

import re
from typing import NamedTuple

from wardbridge.fhir.path.errors import PathError

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|//[^\n]*|/\*.*?\*/)
    | (?P<time>@T[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?)
    | (?P<date>@[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?
        (?:T(?:[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?)?)
    | (?P<number>[0-9]+(?:\.[0-9]+)?)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<quoted>`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*")
    | (?P<variable>%(?:[A-Za-z_][A-Za-z0-9_-]*|`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*'))
    | (?P<special>\$(?:this|index|total)\b)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<operator><=|>=|!=|!~|[-+*/&|<>=~.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "/": "/", "\\": "\\", "'": "'", '"': '"', "`": "`"}
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)


class Token(NamedTuple):
    kind: str
    text: str
    position: int


def unescape(text: str, position: int) -> str:
    """Resolves the escapes of a quoted text; PathError for an unknown one."""

    def one(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if code not in _ESCAPES:
            # The grammar lists the escapes; R4's own invariants rely on no other.
            raise PathError(f"unknown escape \\{code}", "syntax", position)
        return _ESCAPES[code]

    return _ESCAPE.sub(one, text) if "\\" in text else text


def tokens(expression: str) -> list[Token]:
    """All tokens but space and comments, then one of kind `end`."""
    out: list[Token] = []
    position = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None or (expression.startswith("/*", position) and match.lastgroup != "space"):
            raise PathError(f"unexpected {expression[position : position + 10]!r}", "syntax", position)
        kind = match.lastgroup or ""
        text = match[0]
        if kind in ("string", "quoted"):
            text = unescape(text[1:-1], position)
        elif kind == "variable":
            text = unescape(text[2:-1], position) if text[1] in "`'" else text[1:]
        if kind == "quoted":
            if not text:
                raise PathError("an empty name", "syntax", position)
            kind = "identifier"
        if kind != "space":
            out.append(Token(kind, text, position))
        position = match.end()
    out.append(Token("end", "", len(expression)))
    return out
