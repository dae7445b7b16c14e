"""The digest of a document's content: the same whatever its spacing and the order of its keys."""

from __future__ import annotations

import hashlib

import msgspec


def of(raw: bytes) -> str:
    """SHA-256 (hex) of JSON in canonical form; of the bytes as they are where they are no JSON."""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return hashlib.sha256(raw).hexdigest()
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()
