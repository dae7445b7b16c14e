"""Regular expressions from outside, in bounded time (FHIRPath `matches`, `matchesFull`, `replaceMatches`).

Python's matcher goes back and forth: `(a+)+b` takes for ever on a few dozen letters. So the work that a pattern may
cause is reckoned first. What may be too much runs as an automaton that reads the text once, whatever the pattern; what
neither can bound (look-around or back references inside of such a pattern, far too long a text) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from re import _constants as c  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from wardbridge.fhir.path.errors import PathError

MOST_STEPS = 5_000_000
"""Steps that one match may take; about a second at most."""
MOST_STATES = 5_000
LONGEST = 2_000
"""Characters of a pattern."""

Test = Callable[[str], bool]


class Pattern:
    """A pattern ready to be used; ``text`` is as written."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise PathError(f"a regular expression of more than {LONGEST} characters")
        try:
            self._fast = re.compile(text, re.DOTALL)
            tree = _parser.parse(text, re.DOTALL)
        except (re.error, RecursionError, OverflowError) as error:
            raise PathError(f"{text[:200]!r} is no regular expression: {error}") from None
        self.text = text
        self._cost = _Cost(tree)
        self._tree = tree
        self._machine: _Machine | None = None

    def search(self, value: str) -> bool:
        """Whether it matches anywhere. Raises PathError where that cannot be told in bounded time."""
        if self._cheap(value):
            return self._fast.search(value) is not None
        return self._automaton(value).run(value, whole=False)

    def fullmatch(self, value: str) -> bool:
        """Whether it matches the whole text. Raises PathError."""
        if self._cheap(value):
            return self._fast.fullmatch(value) is not None
        return self._automaton(value).run(value, whole=True)

    def sub(self, by: str, value: str) -> str:
        """Every match replaced; ``by`` is a template of :mod:`re`. Raises PathError, re.error, IndexError."""
        if not self._cheap(value, MOST_STEPS * 100):  # most patterns stay far below the worst that they can do
            raise PathError(f"replacing by {self.text[:80]!r} could take too long on a text of {len(value)} characters")
        return self._fast.sub(by, value)

    def _cheap(self, value: str, most: int = MOST_STEPS) -> bool:
        """Whether going back and forth is bounded by ``most`` steps."""
        size, cost = len(value) + 1, self._cost
        if cost.nested and size > 16:
            return False
        steps: int = cost.ways * size ** (cost.loops + 1) * (1 << size if cost.nested else 1)
        return steps <= most

    def _automaton(self, value: str) -> _Machine:
        if self._machine is None:
            self._machine = _Machine(self._tree, self.text)
        if len(value) * self._machine.size > MOST_STEPS:
            raise PathError(f"{self.text[:80]!r} could take too long on a text of {len(value)} characters")
        return self._machine


@lru_cache(maxsize=512)
def pattern(text: str) -> Pattern:
    """The pattern of a text; PathError where it is none."""
    return Pattern(text)


_REPEATS = (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT)
FEW = 4
"""A repetition of up to so many is a choice among as many ways, a longer one a loop."""


class _Cost:
    """``loops`` may each begin and end at any place of the text, ``ways`` multiply.

    ``nested``: there is a choice inside of a loop, so that the ways may double with each character.
    """

    def __init__(self, tree: Any) -> None:
        self.loops = 0
        self.ways = 1
        self.nested = False
        self._add(tree, inside=False)

    def _add(self, tree: Any, inside: bool) -> None:
        for operation, argument in tree:
            if operation in _REPEATS:
                least, most, body = argument
                self.nested = self.nested or (inside and least != most)
                if most > FEW:
                    self.loops += least != most
                else:
                    self.ways *= int(most) - least + 1
                self._add(body, inside or most > FEW)
            elif operation is c.BRANCH:
                self.nested = self.nested or inside
                self.ways *= len(argument[1])
                for branch in argument[1]:
                    self._add(branch, inside)
            else:
                for body in _bodies(operation, argument):
                    self._add(body, inside)


def _bodies(operation: Any, argument: Any) -> list[Any]:
    if operation is c.SUBPATTERN:
        return [argument[3]]
    if operation in (c.ASSERT, c.ASSERT_NOT):
        return [argument[1]]
    if operation is c.ATOMIC_GROUP:
        return [argument]
    if operation is c.GROUPREF_EXISTS:
        return [body for body in argument[1:] if body is not None]
    return []


class _Machine:
    """The automaton: instructions (kind, argument, next). ``size`` is how many there are."""

    def __init__(self, tree: Any, text: str) -> None:
        self._text = text
        self._ignore_case = bool(tree.state.flags & re.IGNORECASE)
        self._multiline = bool(tree.state.flags & re.MULTILINE)
        self._code: list[list[Any]] = []
        self._sequence(tree)
        self._emit("match")
        self.size = len(self._code)

    def _refuse(self, what: str) -> PathError:
        return PathError(f"{self._text[:80]!r} could take too long: {what} cannot be bounded beside such repetitions")

    def _emit(self, kind: str, *arguments: Any) -> list[Any]:
        if len(self._code) >= MOST_STATES:
            raise PathError(f"{self._text[:80]!r} is too large")
        row = [kind, *arguments]
        self._code.append(row)
        return row

    def _sequence(self, tree: Any) -> None:
        for operation, argument in tree:
            self._one(operation, argument)

    def _one(self, operation: Any, argument: Any) -> None:
        test = _test(operation, argument)
        if test is not None:
            self._emit("test", _either_case(test) if self._ignore_case else test)
        elif operation is c.SUBPATTERN:
            if argument[1] or argument[2]:
                raise self._refuse("flags of a group")
            self._sequence(argument[3])
        elif operation is c.BRANCH:
            self._branch(argument[1])
        elif operation in (c.MAX_REPEAT, c.MIN_REPEAT):
            self._repeat(*argument)
        elif operation is c.AT:
            self._emit("at", argument)
        else:
            raise self._refuse(str(operation).lower().replace("_", " "))

    def _branch(self, branches: list[Any]) -> None:
        ends = []
        for branch in branches[:-1]:
            split = self._emit("split", len(self._code) + 1, 0)
            self._sequence(branch)
            ends.append(self._emit("jump", 0))
            split[2] = len(self._code)
        self._sequence(branches[-1])
        for end in ends:
            end[1] = len(self._code)

    def _repeat(self, least: int, most: Any, body: Any) -> None:
        for _ in range(least):
            self._sequence(body)
        if most is c.MAXREPEAT:
            start = len(self._code)
            split = self._emit("split", start + 1, 0)
            self._sequence(body)
            self._emit("jump", start)
            split[2] = len(self._code)
            return
        skips = []
        for _ in range(int(most) - least):
            skips.append(self._emit("split", len(self._code) + 1, 0))
            self._sequence(body)
        for skip in skips:
            skip[2] = len(self._code)

    def run(self, value: str, *, whole: bool) -> bool:
        """One pass over the text with every state that it may be in."""
        states: set[int] = set()
        for at in range(len(value) + 1):
            if not whole or at == 0:
                states.add(0)
            now = self._closure(states, value, at)
            if len(self._code) - 1 in now and (not whole or at == len(value)):
                return True
            if at == len(value) or (whole and not now):
                return False
            sign = value[at]
            states = {s + 1 for s in now if self._code[s][0] == "test" and self._code[s][1](sign)}
        return False

    def _closure(self, states: set[int], value: str, at: int) -> set[int]:
        """The states that are reached without reading a character."""
        found: set[int] = set()
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            if state in found:
                continue
            found.add(state)
            row = self._code[state]
            if row[0] == "split":
                waiting += (row[1], row[2])
            elif row[0] == "jump":
                waiting.append(row[1])
            elif row[0] == "at" and self._holds(row[1], value, at):
                waiting.append(state + 1)
        return found

    def _holds(self, place: Any, value: str, at: int) -> bool:
        if place is c.AT_BEGINNING:
            return at == 0 or (self._multiline and value[at - 1] == "\n")
        if place is c.AT_BEGINNING_STRING:
            return at == 0
        if place is c.AT_END:
            return at == len(value) or (value[at] == "\n" and (self._multiline or at == len(value) - 1))
        if place is c.AT_END_STRING:
            return at == len(value)
        edge = _word(value[at - 1 : at] if at else "") != _word(value[at : at + 1])
        return edge == (place is c.AT_BOUNDARY)


def _word(sign: str) -> bool:
    return sign.isalnum() or sign == "_"


_CATEGORIES: dict[Any, Test] = {
    c.CATEGORY_DIGIT: lambda s: s.isdecimal(),
    c.CATEGORY_NOT_DIGIT: lambda s: not s.isdecimal(),
    c.CATEGORY_SPACE: lambda s: s.isspace(),
    c.CATEGORY_NOT_SPACE: lambda s: not s.isspace(),
    c.CATEGORY_WORD: _word,
    c.CATEGORY_NOT_WORD: lambda s: not _word(s),
}


def _test(operation: Any, argument: Any) -> Test | None:
    """What one character must be, None where the operation is not about one character."""
    if operation is c.LITERAL:
        return chr(argument).__eq__
    if operation is c.NOT_LITERAL:
        return chr(argument).__ne__
    if operation is c.ANY:  # DOTALL: the line feed too
        return lambda s: True
    if operation is c.CATEGORY:
        return _CATEGORIES[argument]
    if operation is c.RANGE:
        low, high = map(chr, argument)
        return lambda s: low <= s <= high
    if operation is c.IN:
        negate = bool(argument) and argument[0][0] is c.NEGATE
        tests = [test for item in argument if (test := _test(*item)) is not None]
        return lambda s: any(test(s) for test in tests) != negate
    return None


def _either_case(test: Test) -> Test:
    return lambda s: test(s) or test(s.lower()) or test(s.upper())
