"""Where a page ended, as an opaque text in the ``next`` link; it fits only the search that it came from.

It names sort values and a key, grants nothing (the search is decided upon again), and is checked, not trusted.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any

import msgspec

from wardbridge.core.errors import Invalid
from wardbridge.fhir.search.query import Query


@dataclass(frozen=True)
class Position:
    """The last row of a page. ``total`` is what the first page counted, or None."""

    key: int
    values: tuple[Any, ...]
    total: int | None = None


def _digest(query: Query) -> str:
    """Of all that decides which rows there are and in which order."""
    text = repr((query.types, query.clauses, query.sort, query.contained))
    return blake2b(text.encode("utf-8", "replace"), digest_size=6).hexdigest()


def encode(position: Position, query: Query) -> str:
    values = [["n", str(v)] if isinstance(v, Decimal) else v for v in position.values]
    raw = msgspec.json.encode([_digest(query), position.key, position.total, *values])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(text: str, query: Query) -> Position:
    """Raises Invalid for a text that we did not give out for this search."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        digest, key, total, *values = msgspec.json.decode(raw, type=list[Any])
        found = tuple(Decimal(v[1]) if isinstance(v, list) else v for v in values)
    except (binascii.Error, ValueError, msgspec.DecodeError, InvalidOperation, IndexError, TypeError) as error:
        raise Invalid("_cursor is not one of ours", "_cursor") from error
    sound = all(v is None or isinstance(v, int | str | Decimal) for v in found)
    if digest != _digest(query) or type(key) is not int or not isinstance(total, int | None) or not sound:
        raise Invalid("_cursor does not belong to this search", "_cursor")
    return Position(key, found, total)
