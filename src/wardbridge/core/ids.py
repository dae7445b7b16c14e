"""Identifiers as an argument: random in the product, counted in tests."""

from __future__ import annotations

import uuid
from collections.abc import Callable

Ids = Callable[[], str]


def random_ids() -> str:
    """A random UUID (RFC 9562 version 4) as text."""
    return str(uuid.uuid4())


def counted_ids(prefix: str = "id-") -> Ids:
    """Ids that a test can predict: ``id-1``, ``id-2`` ..."""
    count = 0

    def take() -> str:
        nonlocal count
        count += 1
        return f"{prefix}{count}"

    return take
