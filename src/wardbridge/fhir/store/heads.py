"""What this process knows of the current versions of resources that it wrote lately.

A hint, never the truth: a write that starts from it names the version that it replaces, and writes nothing where
another process was faster. So a resource that is written again needs no look-up before.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

MOST = 20_000


class Head(NamedTuple):
    """The row of a resource without its names. ``updated`` in µs."""

    key: int
    version: int
    updated: int
    fingerprint: int
    rules: int
    deleted: bool


class Heads:
    """The last :data:`MOST` heads, by type and id."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._heads: OrderedDict[tuple[str, str], Head] = OrderedDict()

    def get(self, type_name: str, id_: str) -> Head | None:
        return self._heads.get((type_name, id_))

    def keep(self, type_name: str, id_: str, head: Head) -> None:
        self._heads[type_name, id_] = head
        self._heads.move_to_end((type_name, id_))
        if len(self._heads) > self._most:
            self._heads.popitem(last=False)

    def forget(self, type_name: str, id_: str) -> None:
        self._heads.pop((type_name, id_), None)
