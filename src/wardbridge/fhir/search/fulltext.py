"""What ``_text`` and ``_content`` ask for: words, "a phrase", and, or, not, parentheses (R4 search §3.1.1.4.15).

Words beside each other must all be there. ``and`` binds closer than ``or``. Raises ValueError.
"""

from __future__ import annotations

import re

from wardbridge.fhir.search.query import Words

_PART = re.compile(r'\s*(?:"([^"]*)"|([()])|([^\s()"]+))')
LONGEST = 1000
DEEPEST = 20


def words(text: str) -> Words:
    """The expression as a tree. Raises ValueError with what is wrong."""
    if len(text) > LONGEST:
        raise ValueError(f"more than {LONGEST} characters")
    parts: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        found = _PART.match(text, at)
        if found is None:
            raise ValueError("a quotation mark is not closed")
        at = found.end()
        phrase, sign, word = found.groups()
        if sign:
            parts.append((sign, sign))
        elif phrase is not None:
            parts.append(("phrase", phrase))
        else:
            parts.append((word.lower() if word.lower() in ("and", "or", "not") else "word", word))
    tree, at = _or(parts, 0, 0)
    if at < len(parts):
        raise ValueError(f"{parts[at][1]!r} has no place here")
    return tree


def _or(parts: list[tuple[str, str]], at: int, depth: int) -> tuple[Words, int]:
    if depth > DEEPEST:
        raise ValueError(f"more than {DEEPEST} parentheses in each other")
    found = []
    while True:
        one, at = _and(parts, at, depth)
        found.append(one)
        if at >= len(parts) or parts[at][0] != "or":
            return (found[0] if len(found) == 1 else Words("or", "", tuple(found))), at
        at += 1


def _and(parts: list[tuple[str, str]], at: int, depth: int) -> tuple[Words, int]:
    found = []
    while True:
        one, at = _one(parts, at, depth)
        found.append(one)
        if at < len(parts) and parts[at][0] == "and":
            at += 1
        elif at >= len(parts) or parts[at][0] in ("or", ")"):
            return (found[0] if len(found) == 1 else Words("and", "", tuple(found))), at


def _one(parts: list[tuple[str, str]], at: int, depth: int) -> tuple[Words, int]:
    if at >= len(parts):
        raise ValueError("a word is missing at the end")
    kind, text = parts[at]
    if kind == "not":
        inner, at = _one(parts, at + 1, depth + 1)
        return Words("not", "", (inner,)), at
    if kind == "(":
        inner, at = _or(parts, at + 1, depth + 1)
        if at >= len(parts) or parts[at][0] != ")":
            raise ValueError("a parenthesis is not closed")
        return inner, at + 1
    if kind not in ("word", "phrase"):
        raise ValueError(f"{text!r} has no place here")
    return Words(kind, text.replace("\x00", "")), at + 1
