"""The search rows of one resource: plain tuples, in the order of the columns of their table.

The first member of each tuple is the parameter: its code in tests, its smallint number in the store.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import orjson

TABLES = ("token", "string", "date", "number", "quantity", "reference", "uri", "composite", "position")


class Rows:
    """Rows by table.

    token (parameter, hash, code, system) · string (parameter, value, exact) · date (parameter, low, high in µs) ·
    number (parameter, low, high) · quantity (parameter, low, high, system, code, unit, base unit, base low, base
    high) · reference (parameter, hash, target type or '', value, version, display) · uri (parameter, value) · composite
    (parameter, hash, code, system, hash2, code2, system2, low, high, low2, high2, unit, base unit, base low, base high)
    · position (parameter, latitude, longitude)

    ``text`` is (narrative, other strings), or None where full text is not kept. It is no part of the fingerprint: the
    store replaces it whenever it differs, and nothing else for its sake.
    """

    __slots__ = (*TABLES, "text")

    def __init__(self) -> None:
        self.token: list[tuple[Any, ...]] = []
        self.string: list[tuple[Any, ...]] = []
        self.date: list[tuple[Any, ...]] = []
        self.number: list[tuple[Any, ...]] = []
        self.quantity: list[tuple[Any, ...]] = []
        self.reference: list[tuple[Any, ...]] = []
        self.uri: list[tuple[Any, ...]] = []
        self.composite: list[tuple[Any, ...]] = []
        self.position: list[tuple[Any, ...]] = []
        self.text: tuple[str, str] | None = None

    def all(self) -> dict[str, list[tuple[Any, ...]]]:
        """The tables that have rows."""
        return {name: rows for name in TABLES if (rows := getattr(self, name))}

    def settle(self) -> None:
        """Drop equal rows: two elements with one value are one answer."""
        for name in TABLES:
            rows = getattr(self, name)
            if len(rows) > 1:
                setattr(self, name, list(dict.fromkeys(rows)))

    def fingerprint(self) -> int:
        """A digest of all rows: equal rows, equal number; the store then writes none of them anew."""
        raw = orjson.dumps([getattr(self, name) for name in TABLES], default=str)
        return int.from_bytes(blake2b(raw, digest_size=8).digest(), "big", signed=True)
