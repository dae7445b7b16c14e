"""An order over version texts of any maker: numbers and letters, tolerant, total.

``v2.10`` is ``2.10.0``, newer than ``2.9``, older than ``2.10A`` and ``2.10 SP1``; ``3.0-rc1`` is older than ``3.0``.
Which of two versions is newer can only be said where both are written in the same shape (:func:`alike`): ``BT05``
and ``2.1`` are of different schemes, and so are ``2.1`` and the model number ``24950``.
"""

from __future__ import annotations

import re

Key = tuple[tuple[int, int, str], ...]

_LABEL = re.compile(r"^(?:(?:software|firmware|sw|fw|version|versions|ver|release|rel|revision|rev|build)\b[\s.:#]*)+")
_PREFIX = re.compile(r"^[vr](?=\d)")
_WORDS = (("service pack", "sp"), ("servicepack", "sp"), ("hot fix", "hf"), ("hotfix", "hf"), ("patch", "p"))
_BEFORE = frozenset({"alpha", "beta", "rc", "dev", "pre", "preview", "snapshot"})
_ATOM = re.compile(r"\d+|[^\W\d_]+")
_SHAPE = re.compile(r"^([^\W\d_]*)[.\-_ ]*(\d*)")
_END = (1, 0, "")
MODEL_NUMBER = 100
"""A lone number from here on is a model or build number, not a version such as 4 or 12."""


def clean(text: str) -> str:
    """Lower case, without words that only say that it is a version."""
    body = " ".join(text.strip().strip("\"'").casefold().split())
    body = _LABEL.sub("", body)
    for long, short in _WORDS:
        body = body.replace(long, short)
    return _PREFIX.sub("", body)


def key(text: str) -> Key:
    """What to compare: texts that mean the same version have the same key. Every text has one."""
    atoms: list[tuple[int, int, str]] = []
    for part in _ATOM.findall(clean(text)):
        if part[0].isdecimal():
            atoms.append((3, int(part), ""))
            continue
        while atoms and atoms[-1][:2] == (3, 0):
            atoms.pop()
        atoms.append((0 if part in _BEFORE else 2, 0, part))
    while atoms and atoms[-1][:2] == (3, 0):
        atoms.pop()
    return (*atoms, _END)


def shape(text: str) -> str:
    """The scheme that a version is written in: its leading letters; for a lone large number ``#``."""
    body = clean(text)
    found = _SHAPE.match(body)
    letters, digits = found.groups() if found else ("", "")
    if letters:
        return letters if digits else "letters"
    number = re.fullmatch(r"(\d+)[a-z]?", body)
    if number and int(number[1]) >= MODEL_NUMBER:
        return "#"
    return "digits" if digits else ""


def alike(one: str, other: str) -> bool:
    """Whether "newer" has a meaning between these two."""
    return shape(one) == shape(other) != ""


def looks_like_version(text: str) -> bool:
    """Whether a text is a version rather than the name of a model or a remark."""
    body = clean(text)
    return bool(
        re.fullmatch(r"[a-z]{0,4}[.\-]?\d+[\w.\-+]*(?:\s+(?:sp|hf|sr|mr build|mr|build|p|s|rev)[\s.]*\d[\w.]*)?", body)
        or re.fullmatch(r"[a-z]", body)
    )  # fmt: skip
