"""Names of manufacturers and products, compared by whole words.

A manufacturer becomes its normal form: no accents, legal form or filler words, then the table ``makers.toml`` (and
the site's) says who belongs to whom. ``GE`` is a word of ``GE Healthcare`` and none of ``Georgia``. A product name
matches by its telling words only: those with a digit, and those that are not in the list of common ones.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files

_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)*")
_FOLD = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss", "ø": "o", "å": "a", "æ": "ae", "®": " ", "™": " ",
                       "©": " ", "’": "'", "‘": "'"})  # fmt: skip
_LISTS = {
    name: frozenset(str(text).split())
    for name, text in tomllib.loads(files(__package__).joinpath("words.toml").read_text(encoding="utf-8")).items()
}
_LEGAL, _FILLER, COMMON, _GENERIC, EDITIONS = (
    _LISTS[name] for name in ("legal", "filler", "common", "generic", "editions")
)
_UNLIKE = re.compile(
    r"[\s,;(]*\b(?:not including|does not include|excluding|except(?:ing)?(?: for)?|other than)\b:?\s*(.*)$",
    re.IGNORECASE | re.DOTALL,
)
_SLASHED = re.compile(r"\b([a-z]{1,5})-?(\d{1,5})((?:\s?/\s?\d{1,5})+)\b")
_SPAN = re.compile(r"\b([a-z]{1,4})(\d{2,5})\s?[-–]\s?(\d{2,5})\b")


@lru_cache(maxsize=65536)
def words(text: str) -> tuple[str, ...]:
    """The words of a text: lower case, without accents; a dot between digits joins (``1.5t`` stays one word)."""
    return tuple(_WORD.findall(_folded(text)))


def _folded(text: str) -> str:
    low = text.casefold().translate(_FOLD)
    return "".join(char for char in unicodedata.normalize("NFKD", low) if not unicodedata.combining(char))


_MAKERS = tomllib.loads(files(__package__).joinpath("makers.toml").read_text(encoding="utf-8"))
ALIASES: dict[str, str] = {alias: maker for maker, aliases in _MAKERS["makers"].items() for alias in (maker, *aliases)}
"""Name of a manufacturer -> the maker that it belongs to."""
PLATFORMS: dict[str, str] = _MAKERS["platforms"]
"""First word of an operating system's name -> maker."""


class Makers:
    """Normal forms of manufacturers, with the site's own aliases before the table's."""

    def __init__(self, site: Mapping[str, str] | None = None) -> None:
        own = {" ".join(words(alias)): " ".join(words(maker)) for alias, maker in (site or {}).items()}
        self._table = {**ALIASES, **{maker: maker for maker in own.values() if maker not in ALIASES}, **own}
        self._known = frozenset(self._table.values())
        self._keys: dict[str, frozenset[str]] = {}

    def key(self, name: str) -> str:
        """The maker that a single name stands for; '' for none (an empty name, a wildcard)."""
        full = [word for word in words(name.replace("&", " and ")) if word not in _LEGAL]
        for form in (full, [word for word in full if word not in _FILLER]):
            joined = " ".join(form)
            if joined in self._table:
                return self._table[joined]
        return joined or " ".join(full)

    def keys(self, name: str) -> frozenset[str]:
        """Every maker that a name may stand for: the whole, what is in brackets, the parts of a list, and a known
        maker whose name it begins with (a daughter firm)."""
        found = self._keys.get(name)
        if found is None:
            found = self._keys[name] = frozenset(self._every(name)) - {""}
        return found

    def _every(self, name: str) -> Iterable[str]:
        outside, brackets = re.sub(r"\(([^()]*)\)", " ", name), re.findall(r"\(([^()]*)\)", name)
        whole = self.key(outside)
        yield whole
        yield from (self.key(part) for part in brackets)
        if whole not in self._known:
            parts = re.split(r"\s*[,;/]\s*|\s+and\s+|\s+or\s+|\s+&\s+", outside)
            if len(parts) > 1 and len(words(outside)) > len(parts):
                legal = [part for part in parts if all(word in _LEGAL for word in words(part))]
                if len(parts) - len(legal) > 1 and not re.search(r"\s&\s", outside):
                    yield from (self.key(part) for part in parts)
            body = whole.split()
            yield from (head for n in range(1, len(body)) if (head := " ".join(body[:n])) in self._known)


class Name:
    """A product or model name, taken apart once. ``excepted`` are names that it says it does not mean."""

    __slots__ = (
        "alpha",
        "digits",
        "excepted",
        "grams",
        "line",
        "own",
        "prose",
        "spans",
        "squashed",
        "telling",
        "text",
        "whole",
        "words",
    )

    def __init__(self, text: str, without: frozenset[str] = frozenset(), *, prose: bool = False) -> None:
        self.text = text
        self.prose = prose
        self.whole = "".join(words(text))
        unlike = _UNLIKE.search(text)
        self.excepted = None if unlike is None or prose else Name(unlike[1])
        body = text if self.excepted is None else text[: unlike.start()] if unlike else text
        found = [word for word in words(body) if word not in without] or list(words(body))
        self.words = frozenset(found) | _carried(_folded(body)) if len(body) < 20_000 else frozenset(found)
        self.squashed = "".join(found)
        self.line = f" {' '.join(found)} "
        self.own = frozenset(found) - _GENERIC
        self.telling = frozenset(word for word in found if word not in COMMON)
        self.digits = frozenset(word for word in self.telling if any(char.isdigit() for char in word))
        self.alpha = self.telling - self.digits
        self.grams = frozenset(
            "".join(found[at : at + n]) for n in range(2, 5) for at in range(len(found) - n + 1)
        ) if len(found) < 2000 else frozenset()  # fmt: skip
        self.spans = tuple(
            (m[1], int(m[2]), int(m[3]))
            for m in _SPAN.finditer(_folded(body))
            if len(m[2]) == len(m[3]) and m[2] < m[3]
        )

    def has(self, word: str) -> bool:
        """Whether a word is in it: as such, written apart, or within a span of numbers (``MX400-550``)."""
        if word in self.words or word in self.grams:
            return True
        for letters, low, high in self.spans:
            if word.startswith(letters) and word[len(letters) :].isdigit() and low <= int(word[len(letters) :]) <= high:
                return True
        return False


def _carried(text: str) -> frozenset[str]:
    """``MX700/800`` names MX800, too."""
    return frozenset(
        f"{m[1]}{number}" for m in _SLASHED.finditer(text) for number in re.findall(r"\d+", m[3])
    )  # fmt: skip


EXACT, MODEL, FAMILY = 3, 2, 1


def compare(said: Name, model: Name, *, prose: bool = False) -> int:
    """How well a product that a document names is this model.

    EXACT: the same name. MODEL: one stands whole within the other, or its telling words do (one with a digit, or more
    than one). FAMILY: they share a single telling word without a digit, and one of them says nothing else. 0: not at
    all. In ``prose`` (a recall's description) the text must name the model, not the other way round.
    """
    if not said.squashed or not model.squashed:
        return 0
    if said.whole == model.whole:
        return EXACT
    if said.excepted is not None and model.telling and all(said.excepted.has(word) for word in model.telling):
        return 0
    if said.squashed == model.squashed:
        return EXACT
    forward = _named(said, model)
    return forward if prose else max(forward, _named(model, said))


def _named(text: Name, name: Name) -> int:
    """How well ``text`` names ``name``."""
    if not name.telling or not all(text.has(word) for word in name.telling):
        return 0
    if _strong(name) or (name.line.count(" ") > 2 and name.line in text.line):
        return MODEL
    return FAMILY if name.own <= text.words else 0


def _strong(name: Name) -> bool:
    return any(len(word) > 1 for word in name.digits) or (bool(name.digits) and bool(name.alpha)) or len(name.alpha) > 1
