"""NDJSON files of a job: written in pieces that are on disk before the database is told, cut back after a crash.

A file grows by whole lines. What a killed worker wrote beyond its last step is cut off by the one that takes over, so
no line is lost and none is there twice.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from wardbridge.fhir.bulk.job import File

LINES = 250_000
BYTES = 512 * 1024 * 1024
"""A file is closed and the next one begun behind so many lines or bytes."""
OPEN = 32
"""Files held open at a time: an export of everything writes one for each of up to 140 types."""
_PIECE = 4 * 1024 * 1024


class Folder:
    """The files of one job; ``files`` are what the database knows of them."""

    def __init__(self, path: Path, files: Sequence[File], lines: int = LINES) -> None:
        """Raises OSError, or EOFError where a file is shorter than what was finished of it."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self._lines = lines
        self._open: dict[str, BinaryIO] = {}
        self.cut(files)

    def cut(self, files: Sequence[File]) -> None:
        """Cut back to what ``files`` say: what was written since then was not finished."""
        self.close()
        self.files = {file.name: msgspec.structs.replace(file) for file in files}
        self._current = {(file.kind, file.type): file for file in self.files.values()}
        self._changed: set[str] = set()
        for file in files:
            with (self.path / file.name).open("r+b") as out:
                if out.seek(0, os.SEEK_END) < file.bytes:
                    raise EOFError(f"{file.name} is shorter than it was")
                out.truncate(file.bytes)

    def write(self, kind: str, type_name: str, lines: Sequence[bytes]) -> None:
        """Append lines (without line ends) to the current file of a kind and type."""
        while lines:
            file = self._current.get((kind, type_name))
            if file is None or file.lines >= self._lines or file.bytes >= BYTES:
                file = self._next(kind, type_name)
            fitting, lines = lines[: self._lines - file.lines], lines[self._lines - file.lines :]
            text = b"\n".join(fitting) + b"\n"
            self._handle(file).write(text)
            file.lines += len(fitting)
            file.bytes += len(text)
            self._changed.add(file.name)

    def _next(self, kind: str, type_name: str) -> File:
        number = 1 + sum((file.kind, file.type) == (kind, type_name) for file in self.files.values())
        name = f"{type_name}.{number}.ndjson" if kind == "output" else f"{kind}.{number}.ndjson"
        file = File(name, kind, type_name)
        (self.path / name).open("wb").close()
        self.files[name] = self._current[kind, type_name] = file
        return file

    def _handle(self, file: File) -> BinaryIO:
        found = self._open.pop(file.name, None)
        if found is None:
            if len(self._open) >= OPEN:
                with self._open.pop(next(iter(self._open))) as oldest:
                    oldest.flush()
                    os.fsync(oldest.fileno())
            found = (self.path / file.name).open("ab")
        self._open[file.name] = found
        return found

    def sync(self) -> list[File]:
        """All of it on disk; the files that have grown since the last time."""
        for handle in self._open.values():
            handle.flush()
            os.fsync(handle.fileno())
        changed = [self.files[name] for name in sorted(self._changed)]
        self._changed.clear()
        return changed

    def close(self) -> None:
        for handle in self._open.values():
            handle.close()
        self._open.clear()


def pieces(path: Path) -> Iterator[bytes]:
    """The file in pieces of whole lines, about 4 MB each."""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece + file.readline()


def references(path: Path, types: Sequence[str]) -> set[tuple[str, str]]:
    """(type, id) of all that the lines of a file refer to, of these types."""
    form = re.compile(
        rb'"reference"\s*:\s*"(' + b"|".join(name.encode() for name in types) + rb")/([A-Za-z0-9\-.]{1,64})"
    )
    found: set[tuple[bytes, bytes]] = set()
    for piece in pieces(path):
        found.update(form.findall(piece))
    return {(name.decode(), id_.decode()) for name, id_ in found}


_OWN = re.compile(rb'^\{"resourceType":"Patient","id":"([A-Za-z0-9\-.]{1,64})"', re.MULTILINE)


def patients(path: Path, type_name: str) -> list[str]:
    """The ids of the patients that the lines of a file are about or refer to."""
    found = {id_ for _, id_ in references(path, ("Patient",))}
    if type_name == "Patient":
        for piece in pieces(path):
            found.update(id_.decode() for id_ in _OWN.findall(piece))
    return sorted(found)
