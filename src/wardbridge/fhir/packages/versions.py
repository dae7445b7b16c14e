"""Versions of definitions and packages in order: 5.0.1 is before 6.1.0, 7.0.0-ballot before 7.0.0 (semver.org §11)."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

Order: TypeAlias = tuple[tuple[int, ...], int, tuple[tuple[int, int, str], ...]]
_PART = re.compile(r"[0-9]+")


def order(version: Any) -> Order:
    """A key to sort versions by; what is no version is before all others."""
    if not isinstance(version, str):
        return (), 0, ()
    core, _, label = version.partition("+")[0].partition("-")
    numbers = tuple(int(n) for n in _PART.findall(core))
    marks = tuple((0, int(m), "") if m.isdigit() else (1, 0, m) for m in label.split(".")) if label else ()
    return numbers, 0 if label else 1, marks


def satisfies(version: str, wanted: str) -> bool:
    """Whether a version fits what a dependency asks for: the same, a prefix with x (`4.0.x`), or anything (`*`,
    `latest`, `current`)."""
    if wanted in ("*", "latest", "current", "dev", "") or version == wanted:
        return True
    parts = wanted.split(".")
    if parts[-1] in ("x", "X", "*"):
        return version.split("-")[0].split(".")[: len(parts) - 1] == parts[:-1]
    return False
