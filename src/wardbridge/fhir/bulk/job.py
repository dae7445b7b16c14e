"""What a bulk job is: who asked for what, how far it has come, and the files that it has made.

Everything is kept in the database after each step, so that any process can go on where another was killed.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from wardbridge.core.errors import Gone
from wardbridge.security.principal import Principal

State = Literal["waiting", "running", "done", "failed", "cancelled"]
OPEN: tuple[State, ...] = ("waiting", "running")


class Filter(msgspec.Struct, frozen=True):
    """One search of ``_typeFilter``: a resource of the type is exported when any of its type's searches finds it."""

    type: str
    parameters: tuple[tuple[str, str], ...]


class Export(msgspec.Struct, frozen=True):
    """What an export asks for. Times in µs.

    ``types`` are the permitted ones, ``related`` those outside the compartment that are given where something of the
    export refers to them. ``until`` is the transaction time, or ``_until`` where that is earlier. ``since`` -1: all.
    ``patients`` None: all; ``group`` is resolved into patients when the job begins.
    """

    level: Literal["system", "patient", "group"]
    types: tuple[str, ...]
    until: int
    since: int = -1
    group: str = ""
    patients: tuple[str, ...] | None = None
    related: tuple[str, ...] = ()
    elements: dict[str, tuple[str, ...]] = {}
    filters: tuple[Filter, ...] = ()


class Source(msgspec.Struct, frozen=True):
    """One NDJSON file to import: ``type`` '' where lines of any type are allowed; ``label`` is what the asker calls it.

    ``once``: an upload that is deleted with the job.
    """

    path: str
    label: str
    type: str = ""
    once: bool = False


class Import(msgspec.Struct, frozen=True):
    sources: tuple[Source, ...]


class Progress(msgspec.Struct):
    """How far a job has come.

    Export: ``cursor`` is the last key that is done, ``end`` the last one there is; then (``phase`` related) the number
    of related resources done, of all. Import: ``source`` the file, ``cursor`` the byte and ``line`` the line in it, up
    to which all is committed; ``end`` the bytes of all files, ``before`` those of the files that are done.
    """

    phase: str = ""
    cursor: int = 0
    end: int = 0
    source: int = 0
    line: int = 0
    before: int = 0
    counts: dict[str, int] = {}

    def share(self) -> float:
        """0 to 1."""
        return min((self.before + self.cursor) / self.end, 1.0) if self.end else 0.0


class File(msgspec.Struct):
    """``kind`` is output, deleted or error; ``bytes`` and ``lines`` are what is finished of it."""

    name: str
    kind: str
    type: str
    lines: int = 0
    bytes: int = 0


class Job(msgspec.Struct):
    """One job as the database has it. Times in µs; ``snapshot`` is the state of the record that an export gives."""

    id: str
    kind: Literal["export", "import"]
    state: State
    principal: Principal
    request: str
    plan: dict[str, Any]
    progress: Progress
    created: int
    snapshot: str = ""
    reason: str = ""
    ended: int = 0
    expires: int = 0

    @property
    def export(self) -> Export:
        return msgspec.convert(self.plan, Export)

    @property
    def imports(self) -> Import:
        return msgspec.convert(self.plan, Import)


class Cancelled(Gone):
    """The job was cancelled or deleted while it ran."""
