"""A signature."""

from __future__ import annotations

import msgspec


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``signature``; ``at`` in µs, ``digest`` SHA-256 (hex) of the canonical JSON that was signed."""

    signature_id: str
    subject: str
    subject_id: str
    digest: str
    meaning: str
    side: str
    person_id: str
    display: str
    at: int
    note: str = ""
