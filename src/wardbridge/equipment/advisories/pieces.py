"""Files, folders, archives and streams as single records, each with the place where it stood.

A file is one JSON document, a feed (a JSON object with a long list: openFDA's ``results``, KEV's ``vulnerabilities``),
a list, or one record a line; plain, gzip or zip. Feeds are read piece by piece: a cut or damaged file gives the
records before the damage.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

_CHUNK = 1 << 20
LARGEST = 64 << 20
"""Bytes of a single record or document."""
_HEAD = 1 << 16
_FEED = re.compile(rb'"(?:results|vulnerabilities)"\s*:\s*\[')
_FEED_SIGN = re.compile(rb'"(?:cveID|catalogVersion|results)"\s*:')
_CSAF_SIGN = re.compile(rb'"(?:csaf_version|product_tree)"\s*:')
_MARK = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*("|\\?\Z)|[{}\[\]]', re.DOTALL)
_SKIP = frozenset({".md", ".txt", ".html", ".sha256", ".sha512", ".asc", ".csv", ".xml", ".pdf", ".xsd"})


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it came; with a ``reason`` it is what could not be taken apart."""

    file: str
    place: str
    raw: bytes
    reason: str = ""


def files_of(path: Path) -> list[Path]:
    """The files under a path: itself, or all in a folder but for those of kinds that hold no JSON."""
    if not path.is_dir():
        return [path]
    found = [one for one in path.rglob("*") if one.is_file() and one.suffix.casefold() not in _SKIP]
    return sorted(one for one in found if not one.name.startswith("."))


def of_file(path: Path) -> Iterator[Piece]:
    """Every record of a file."""
    try:
        with path.open("rb") as stream:
            yield from of_stream(stream, path.name)
    except OSError as error:
        yield Piece(file=path.name, place="", raw=b"", reason=f"cannot be read: {error.strerror}")


def of_stream(stream: BinaryIO, name: str) -> Iterator[Piece]:
    """Every record of a stream."""
    try:
        yield from _opened(stream, name)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        yield Piece(file=name, place="", raw=b"", reason=f"the file is damaged: {error}")


def _opened(stream: BinaryIO, name: str, depth: int = 0) -> Iterator[Piece]:
    source = _Source(stream)
    magic = source.head(4)
    if magic[:2] == b"\x1f\x8b" and depth < 2:
        yield from _opened(gzip.GzipFile(fileobj=source), name.removesuffix(".gz"), depth + 1)  # type: ignore[arg-type]
    elif magic == b"PK\x03\x04" and depth < 2:
        body = source if source.seekable() else io.BytesIO(source.read())
        with zipfile.ZipFile(body) as archive:
            for member in archive.infolist():
                if not member.is_dir() and Path(member.filename).suffix.casefold() not in _SKIP:
                    with archive.open(member) as inner:
                        yield from _opened(cast(BinaryIO, inner), f"{name}/{member.filename}", depth + 1)
    else:
        yield from _text(source, name)


class _Source(io.RawIOBase):
    """A stream whose beginning can be looked at."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._buffer = b""

    def head(self, size: int) -> bytes:
        while len(self._buffer) < size:
            more = self._stream.read(size - len(self._buffer))
            if not more:
                break
            self._buffer += more
        return self._buffer[:size]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            found, self._buffer = self._buffer + self._stream.read(), b""
            return found
        if self._buffer:
            found, self._buffer = self._buffer[:size], self._buffer[size:]
            return found
        return self._stream.read(size)


def _text(source: _Source, name: str) -> Iterator[Piece]:
    head = source.head(_HEAD).removeprefix(b"\xef\xbb\xbf")
    start = head.lstrip()
    if not start:
        yield Piece(file=name, place="", raw=b"", reason="the file is empty")
        return
    if start[:1] not in b"{[":
        yield Piece(file=name, place="", raw=head, reason="this is no JSON")
        return
    line, newline, after = start.partition(b"\n")
    if newline and after.strip() and _whole(line):
        yield from _lines(source, name)
    elif start[:1] == b"[":
        yield from _items(source, name, b"")
    elif _FEED_SIGN.search(head) and not _CSAF_SIGN.search(head):
        yield from _items(source, name, b"feed")
    else:
        raw = source.read(LARGEST + 1)
        while len(raw) <= LARGEST and (more := source.read(_CHUNK)):
            raw += more
        if len(raw) > LARGEST:
            yield Piece(file=name, place="", raw=raw[:_HEAD], reason=f"the document is larger than {LARGEST >> 20} MiB")
        else:
            yield Piece(file=name, place="", raw=raw.removeprefix(b"\xef\xbb\xbf"))


def _whole(line: bytes) -> bool:
    if line[:1] != b"{":
        return False
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return line.rstrip().endswith(b"}") and line.count(b'"') > 3
    return True


def _lines(source: _Source, name: str) -> Iterator[Piece]:
    rest, number = b"", 0
    while True:
        more = source.read(_CHUNK)
        rest += more
        found = rest.split(b"\n")
        rest = found.pop() if more else b""
        for line in found:
            number += 1
            if line.strip():
                yield Piece(file=name, place=f"line {number}", raw=line.strip().removeprefix(b"\xef\xbb\xbf"))
        if len(rest) > LARGEST:
            yield Piece(file=name, place=f"line {number + 1}", raw=rest[:_HEAD], reason="the line is too long")
            return
        if not more:
            return


def _items(source: _Source, name: str, kind: bytes) -> Iterator[Piece]:
    """The objects of a list: of the whole file, or of the feed's own list."""
    buffer, at, depth, start, number = b"", 0, 0, -1, 0
    opened = False
    while True:
        more = source.read(_CHUNK)
        buffer += more
        if not opened:
            found = _FEED.search(buffer) if kind else re.search(rb"\[", buffer)
            if found:
                opened, at = True, found.end()
            elif not more or len(buffer) > LARGEST:
                yield Piece(file=name, place="", raw=buffer[:LARGEST])
                return
            else:
                continue
        end = len(buffer)
        for mark in _MARK.finditer(buffer, at):
            sign = mark[0][:1]
            if sign == b'"':
                if mark[1] != b'"':
                    end = mark.start()
                    break
            elif sign in b"{[":
                if depth == 0 and sign == b"{":
                    start = mark.start()
                depth += 1
            else:
                depth -= 1
                if depth < 0:
                    return
                if depth == 0 and start >= 0:
                    number += 1
                    yield Piece(file=name, place=f"record {number}", raw=buffer[start : mark.end()])
                    start = -1
        cut = start if start >= 0 else end
        buffer, at, start = buffer[cut:], end - cut, 0 if start >= 0 else -1
        if len(buffer) > LARGEST:
            yield Piece(file=name, place=f"record {number + 1}", raw=buffer[:_HEAD], reason="the record is too large")
            return
        if not more:
            raw = buffer if start >= 0 else b""
            yield Piece(file=name, place=f"record {number + 1}", raw=raw, reason="the file ends too early")
            return
