"""What an interaction answers, before it becomes HTTP or an entry of a batch response."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache

from wardbridge.fhir.store.values import Stored


@dataclass(frozen=True)
class Answer:
    """``body`` is FHIR JSON bytes or None, with ``media`` bytes of that media type, sent as they are.

    ``updated`` in µs. ``patients``: ids of those the answer is about.
    """

    status: int
    body: bytes | None = None
    etag: str = ""
    updated: int = 0
    location: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    patients: tuple[str, ...] = field(default=(), compare=False)
    media: str = ""


def http_date(micros: int) -> str:
    """RFC 9110 IMF-fixdate."""
    return _date_of_second(micros // 1_000_000)


@lru_cache(maxsize=1024)
def _date_of_second(second: int) -> str:
    return formatdate(second, usegmt=True)


def of_stored(stored: Stored, status: int, base: str, *, body: bool = True, location: bool = False) -> Answer:
    """A version as an answer; ``location`` names the version (R4 http.html#create)."""
    return Answer(
        status,
        stored.body if body else None,
        stored.etag,
        stored.updated,
        f"{base}/{stored.type}/{stored.id}/_history/{stored.version}" if location else "",
    )
