"""Versions of canonical resources: which is newer, and which fits a pattern such as 1.0.x (R5 canonical versions)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_PART = re.compile(r"\d+|[^\d.+-]+")


@lru_cache(maxsize=4096)
def order(version: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key: numbers by value, texts after them, a pre-release before its release, no version first."""
    if not version:
        return ()
    core, _, label = version.partition("+")[0].partition("-")
    dated = version[:4].isdigit() and version[4:5] == "-"
    parts = _PART.findall(version if dated else core)
    key = tuple((1, int(p), "") if p.isdigit() else (2, 0, p) for p in parts)
    if label and not dated:
        return (*key, (0, 0, label))
    return (*key, (1, 0, ""))


def is_pattern(version: str) -> bool:
    """Whether it has a wildcard: a part ``x``, ``X`` or ``*``, or ends with ``?``."""
    return any(part in ("x", "X", "*") for part in version.split(".")) or version.endswith("?")


@lru_cache(maxsize=4096)
def fits(version: str, pattern: str) -> bool:
    """Whether a version is meant by a pattern: equal, or each part equal or wild.

    >>> fits("1.0.0", "1.0.x"), fits("1.2.0", "1.0.x"), fits("1.0.0", "1")
    (True, False, False)
    """
    if version == pattern:
        return True
    if not is_pattern(pattern):
        return False
    if pattern.endswith("?"):
        return version.startswith(pattern[:-1])
    wanted, given = pattern.split("."), version.split(".")
    if wanted[-1] == "*":
        wanted, given = wanted[:-1], given[: len(wanted) - 1]
    return len(wanted) == len(given) and all(w in ("x", "X", "*") or w == g for w, g in zip(wanted, given, strict=True))


def newest(versions: Iterable[str]) -> str:
    """The highest of some versions. Raises ValueError for none."""
    return max(versions, key=order)


def split(canonical: str) -> tuple[str, str]:
    """(url, version) of a canonical; a fragment stays with the url."""
    url, _, version = canonical.partition("|")
    return url, version


def listed(versions: Iterable[str]) -> str:
    """Versions as a sentence names them: ``1.0.0 or 1.2.0``."""
    names = sorted({v for v in versions if v}, key=order)
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1] if names else ""
