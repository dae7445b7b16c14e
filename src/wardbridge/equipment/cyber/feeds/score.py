"""CVSS vectors of versions 2 to 4 scored; a number that a document states beside a vector is not believed."""

from __future__ import annotations

from functools import lru_cache

from cvss import CVSS2, CVSS3, CVSS4, CVSSError


@lru_cache(maxsize=50_000)
def score(vector: str) -> float | None:
    """The base score (0 to 10) of a vector, None where it is none."""
    kind = CVSS4 if vector.startswith("CVSS:4") else CVSS3 if vector.startswith("CVSS:3") else CVSS2
    try:
        found = kind(vector)
    except (CVSSError, ValueError, KeyError, ArithmeticError):
        return None
    return float(found.base_score)


def version(vector: str) -> str:
    """The version of CVSS that a vector is written in."""
    return vector[5:8] if vector.startswith("CVSS:") else "2.0" if vector else ""


def best(vectors: list[str]) -> tuple[float | None, str]:
    """Score and vector to go by: the newest version of CVSS that can be read, the first of its kind."""
    found = [(version(one), -at, one) for at, one in enumerate(vectors) if one and score(one) is not None]
    if not found:
        return None, ""
    chosen = max(found)[2]
    return score(chosen), chosen
