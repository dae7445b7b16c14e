"""What goes into the record and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wardbridge.core.errors import Conflict


@dataclass(frozen=True)
class Put:
    """Write a resource: new with an id of ours where it has no ``id``, else at that id (created if need be).

    ``if_match`` is the version that must be current, ``*`` for any; ``if_none_match`` one that must not be.
    ``if_none_exist`` is a search (``identifier=a|1``): where it finds one resource nothing is written and that one is
    given back.
    """

    resource: dict[str, Any]
    if_match: str | None = None
    if_none_exist: str | None = None
    if_none_match: str | None = None


@dataclass(frozen=True)
class Delete:
    """Delete a resource (soft: its versions stay). One that is not there is no error."""

    type: str
    id: str
    if_match: str | None = None


@dataclass(frozen=True)
class Stored:
    """One version as the record holds it. ``updated`` in µs; ``body`` JSON bytes, None for a deletion.

    ``created``: the resource did not exist before; ``changed``: this call wrote a version.
    """

    type: str
    id: str
    version: int
    updated: int
    body: bytes | None
    created: bool = False
    changed: bool = True

    @property
    def deleted(self) -> bool:
        return self.body is None

    @property
    def etag(self) -> str:
        return f'W/"{self.version}"'


class VersionConflict(Conflict):
    """The current version is not what ``If-Match`` or ``If-None-Match`` ask for (412)."""

    status = 412
    code = "conflict"


class SeveralMatches(Conflict):
    """The criteria of a conditional interaction match more than one resource (412)."""

    status = 412
    code = "multiple-matches"
