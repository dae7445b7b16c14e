"""Versions compared after the rules of their ecosystem, and spans of versions that are affected or not.

``univers`` knows the ecosystems of purl; what it cannot read, and everything else (firmware, CPE, "custom"), is
compared by :func:`generic`: runs of digits as numbers, trailing zeros mean nothing, "rc" and its like come before the
release, other letters after it. A version that names no number at all is only ever equal or unequal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cmp_to_key, lru_cache
from typing import Any
from urllib.parse import unquote

import msgspec
from univers import versions as u

from wardbridge.core.errors import Invalid

_SCHEMES: dict[str, type[Any]] = {
    "npm": u.SemverVersion, "semver": u.SemverVersion, "cargo": u.SemverVersion, "hex": u.SemverVersion,
    "golang": u.GolangVersion, "pypi": u.PypiVersion, "python": u.PypiVersion, "maven": u.MavenVersion,
    "deb": u.DebianVersion, "rpm": u.RpmVersion, "gem": u.RubygemsVersion, "nuget": u.NugetVersion,
    "composer": u.ComposerVersion, "alpm": u.ArchLinuxVersion, "apk": u.AlpineLinuxVersion, "conan": u.ConanVersion,
    "ebuild": u.GentooVersion,
}  # fmt: skip
_SEMVER = frozenset({"npm", "semver", "cargo", "hex", "golang"})
_STRICT = re.compile(r"v?\d+(\.\d+){0,2}([-+].*)?")
_BEFORE = frozenset({"a", "alpha", "b", "beta", "rc", "cr", "c", "m", "milestone", "pre", "preview", "dev", "snapshot",
                     "canary", "nightly"})  # fmt: skip
UNORDERED = frozenset({"git"})
"""Schemes whose versions have no order that a text shows."""
_OPEN = frozenset({"", "0", "*", "unspecified", "n/a", "-"})
_COMPARATORS = re.compile(r"(>=|<=|!=|<|>|=)?(.*)")


class Span(msgspec.Struct, frozen=True, omit_defaults=True):
    """From ``start`` to ``end``; '' is open. ``said`` is affected, unaffected or unknown."""

    start: str = ""
    end: str = ""
    start_in: bool = True
    end_in: bool = False
    said: str = "affected"

    def __str__(self) -> str:
        if self.start and self.start == self.end:
            return f"= {self.start}"
        left = f"{'≥' if self.start_in else '>'} {self.start}" if self.start else ""
        right = f"{'≤' if self.end_in else '<'} {self.end}" if self.end else ""
        return ", ".join(filter(None, (left, right))) or "every version"


class Affects(msgspec.Struct, frozen=True, omit_defaults=True):
    """The first span that holds a version decides; ``other`` is said of every other version."""

    spans: tuple[Span, ...] = ()
    scheme: str = ""
    other: str = "unaffected"


EVERY = Affects(other="affected")


@lru_cache(maxsize=200_000)
def generic(text: str) -> tuple[tuple[int, int, str], ...]:
    """A key that orders versions of no known scheme."""
    out: list[tuple[int, int, str]] = []
    tokens = re.findall(r"\d+|[a-z]+", text.lower().removeprefix("v").split("+")[0])
    for at, token in enumerate(tokens):
        if token.isdecimal():
            out.append((2, int(token[:18]), ""))
            continue
        _drop_zeros(out)
        # 1.0b2 is before 1.0; 1.0.2b is a letter release after 1.0.2.
        before = token in _BEFORE and (len(token) > 1 or at + 1 < len(tokens))
        out.append((-1 if before and out else 1, 0, token))
    _drop_zeros(out)
    return (*out, (0, 0, ""))


def _drop_zeros(out: list[tuple[int, int, str]]) -> None:
    while len(out) > 1 and out[-1] == (2, 0, "") and out[-2][0] == 2:
        out.pop()


@lru_cache(maxsize=200_000)
def _native(scheme: str, text: str) -> Any:
    kind = _SCHEMES.get(scheme)
    if kind is None or (scheme in _SEMVER and not _STRICT.fullmatch(text)):
        return None
    try:
        return kind(text)
    except Exception:  # each ecosystem's reader raises its own kinds
        return None


@lru_cache(maxsize=400_000)
def compare(left: str, right: str, scheme: str = "") -> int:
    """-1, 0 or 1: how ``left`` stands to ``right``."""
    if left == right:
        return 0
    one, two = _native(scheme, left), _native(scheme, right)
    if one is not None and two is not None:
        try:
            return -1 if one < two else (1 if one > two else 0)
        except (TypeError, ValueError, AttributeError, IndexError):
            one = None
    a, b = generic(left), generic(right)
    return (a > b) - (a < b)


def ordered(text: str) -> bool:
    """Whether a version can be before or after another one."""
    return any(char.isdigit() for char in text)


def covers(span: Span, version: str, scheme: str = "") -> bool:
    """Whether the span holds the version."""
    if span.start and span.start == span.end:
        return version == span.start or (
            scheme not in UNORDERED and ordered(version) and compare(version, span.start, scheme) == 0
        )
    if scheme in UNORDERED or not ordered(version):
        return not span.start and not span.end
    if span.start:
        at = compare(version, span.start, scheme)
        if at < 0 or (at == 0 and not span.start_in):
            return False
    if span.end:
        at = compare(version, span.end, scheme)
        if at > 0 or (at == 0 and not span.end_in):
            return False
    return True


def judge(affects: Affects, version: str) -> tuple[str, Span | None]:
    """What is said of a version: affected, unaffected or unknown, and the span that says so.

    A version that is not known is "unknown" wherever only some versions are affected.
    """
    if not version:
        if not affects.spans:
            return affects.other, None
        some = any(span.said == "affected" for span in affects.spans) or affects.other == "affected"
        return ("unknown" if some else "unaffected"), None
    for span in affects.spans:
        if covers(span, version, affects.scheme):
            return span.said, span
    return affects.other, None


def fixed_in(affects: Affects, version: str) -> str:
    """The first version after ``version`` that an affected span ends before; '' where none is known."""
    ends = [
        span.end for span in affects.spans
        if span.said == "affected" and span.end and not span.end_in and span.start != span.end
        and (not version or compare(version, span.end, affects.scheme) < 0)
    ]  # fmt: skip
    best = ""
    for end in ends:
        if not best or compare(end, best, affects.scheme) < 0:
            best = end
    return best


def opened(text: str) -> str:
    """A start or end as :class:`Span` has it: '' for the many ways to say "none"."""
    return "" if text.strip().lower() in _OPEN else text.strip()


def _by_version(scheme: str) -> Callable[[tuple[str, str], tuple[str, str]], int]:
    return lambda one, two: compare(one[1], two[1], scheme)


def from_vers(text: str) -> Affects:
    """A range in vers notation (``vers:npm/>=1.2|<2``), as :class:`Affects`. Raises Invalid."""
    if not text.startswith("vers:") or "/" not in text:
        raise Invalid("a version range looks like vers:npm/>=1.2|<2", text[:80])
    scheme, _, rest = text[5:].partition("/")
    if rest.strip() == "*":
        return Affects(scheme=scheme, other="affected")
    parts: list[tuple[str, str]] = []
    for part in filter(None, (one.strip() for one in rest.split("|"))):
        found = _COMPARATORS.fullmatch(part)
        sign, version = (found[1] or "=", unquote(found[2].strip())) if found else ("=", part)
        if not version:
            raise Invalid("a part of this version range names no version", text[:80])
        parts.append((sign, version))
    # The notation asks for ascending order; not every document keeps it.
    parts.sort(key=cmp_to_key(_by_version(scheme)))
    spans: list[Span] = []
    start: tuple[str, bool] | None = None
    for sign, version in parts:
        match sign:
            case "=":
                spans.append(Span(version, version, end_in=True))
            case "!=":
                spans.insert(0, Span(version, version, end_in=True, said="unaffected"))
            case ">" | ">=":
                start = start or (version, sign == ">=")
            case _:
                low, low_in = start or ("", True)
                spans.append(Span(low, version, low_in, sign == "<="))
                start = None
    if start is not None:
        spans.append(Span(start[0], "", start[1]))
    only_not = bool(spans) and all(span.said == "unaffected" for span in spans)
    return Affects(tuple(spans), scheme, "affected" if only_not else "unaffected")
