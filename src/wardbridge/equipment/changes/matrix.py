"""Reading a site's acceptability matrix, and the default one."""

from __future__ import annotations

import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.equipment.changes.values import LEVELS, Matrix

_LETTERS = {level[0]: level for level in LEVELS}


def read(table: dict[str, Any], source: str) -> Matrix:
    """A matrix from its table (see ``matrix.toml``).

    Raises Invalid for a shape that does not fit, or one in which more severe or more probable is judged milder.
    """
    severities, probabilities = tuple(table.get("severities", ())), tuple(table.get("probabilities", ()))
    rows = tuple(table.get("levels", ()))
    if not severities or len(rows) != len(severities) or any(len(row) != len(probabilities) for row in rows):
        raise Invalid("a matrix has one row a severity and one letter a probability", "levels")
    if {str(name) for name in (*severities, *probabilities)} & {""} or any(set(row) - set(_LETTERS) for row in rows):
        raise Invalid("levels are a (acceptable), t (tolerable) and u (unacceptable)", "levels")
    rank = [["atu".index(letter) for letter in row] for row in rows]
    for across in (rank, [list(column) for column in zip(*rank, strict=True)]):
        if any(left > right for row in across for left, right in pairwise(row)):
            raise Invalid("a matrix never judges the more severe or more probable milder", "levels")
    levels = tuple(tuple(_LETTERS[letter] for letter in row) for row in rows)
    return Matrix(severities=severities, probabilities=probabilities, levels=levels, source=source)


@cache
def default() -> Matrix:
    """The matrix that comes with Wardbridge."""
    return read(tomllib.loads(Path(__file__).with_name("matrix.toml").read_text("utf-8")), "Wardbridge default")
