"""Frozen hashes and normal forms of search values (version 2; test vectors in tests/fhir/search/test_hash.py).

What is stored was made by these functions: a change here is a new :data:`INDEX_VERSION` and a rebuild of every row.
No configuration may enter a hash.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from hashlib import blake2b

INDEX_VERSION = 2
STRING_BYTES = 1000
"""Longest normalised string that is indexed, in UTF-8 bytes: a B-tree entry must stay below 2,700."""


@lru_cache(maxsize=16384)
def hash64(text: str) -> int:
    """First 64 bits of BLAKE2b of the UTF-8 text, as a signed big-endian integer."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)


def token_hash(code: str) -> int:
    """Hash of a code. Token search does not heed case (R4 search §3.1.1.4.10), nor does this."""
    return hash64("t\x1f" + code.casefold())


def reference_hash(target: str, value: str) -> int:
    """Hash of a reference: ``target`` is the resource type and ``value`` the id, or '' and the URL."""
    return hash64(f"r\x1f{target}\x1f{value}")


def fold(text: str) -> str:
    """A string without case, accents and doubled white space, for the default string match."""
    if text.isascii():
        text = text.lower()
    else:
        plain = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
    return " ".join(text.split())


def clip(text: str) -> str:
    """Cut to :data:`STRING_BYTES` at a character boundary."""
    if len(text) * 4 <= STRING_BYTES:
        return text
    raw = text.encode("utf-8", "replace")
    return text if len(raw) <= STRING_BYTES else raw[:STRING_BYTES].decode("utf-8", "ignore")
