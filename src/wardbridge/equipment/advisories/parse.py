"""A record of any feed as a document, or the reason why it is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from wardbridge.core.errors import Invalid
from wardbridge.equipment.advisories import csaf, kev, openfda, pieces
from wardbridge.equipment.advisories.pieces import Piece
from wardbridge.equipment.advisories.values import Document, Refused

_SOURCES = {"csaf": csaf.document, "kev": kev.document, openfda.RECALL: openfda.document,
            openfda.ENFORCEMENT: openfda.document}  # fmt: skip
_RAW_KEPT = 1 << 20
_HELD = 10_000
FOREIGN = "neither CSAF nor a recall of openFDA nor an entry of the KEV catalogue"


def of_paths(paths: Iterable[Path]) -> Iterator[Document | Refused]:
    """Every record under these paths. A file in a folder that holds nothing of ours is passed over in one word."""
    for path in paths:
        for file in pieces.files_of(path):
            found = (one for piece in pieces.of_file(file) for one in of_piece(piece))
            yield from found if file == path else _unless_foreign(found, file.name)


def _unless_foreign(found: Iterator[Document | Refused], name: str) -> Iterator[Document | Refused]:
    held: list[Refused] = []
    for one in found:
        if isinstance(one, Refused) and one.reason == FOREIGN and len(held) < _HELD:
            held.append(one)
            continue
        yield from held
        yield one
        yield from found
        return
    if held:
        yield Refused(file=name, place="", reason="holds no advisories", foreign=True)


def of_stream(stream: BinaryIO, name: str) -> Iterator[Document | Refused]:
    """Every record of one stream, such as an upload."""
    for piece in pieces.of_stream(stream, name):
        yield from of_piece(piece)


def of_piece(piece: Piece) -> Iterator[Document | Refused]:
    """The documents of one record: one, or those of a feed that was not seen to be one. Never raises."""
    if piece.reason:
        yield _refused(piece, piece.reason)
        return
    try:
        value = msgspec.json.decode(piece.raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        yield _refused(piece, f"this is no JSON: {error}"[:300])
        return
    names = () if not isinstance(value, dict) or csaf.is_document(value) else ("results", "vulnerabilities")
    feed = next((value[name] for name in names if isinstance(value.get(name), list)), None)
    if feed is None:
        yield _one(value, piece)
        return
    for at, item in enumerate(feed):
        place = f"{piece.place} {at + 1}".strip()
        yield _one(item, msgspec.structs.replace(piece, place=place, raw=msgspec.json.encode(item)))


def again(source: str, raw: bytes) -> Document:
    """A document that was read before, from what was kept. Raises Invalid when it is none (any more)."""
    return _SOURCES[source](msgspec.json.decode(raw), raw)


def _one(value: Any, piece: Piece) -> Document | Refused:
    try:
        if csaf.is_document(value):
            return csaf.document(value, piece.raw)
        if kev.is_entry(value):
            return kev.document(value, piece.raw)
        if openfda.is_record(value):
            return openfda.document(value, piece.raw)
    except Invalid as error:
        return _refused(piece, f"{error.message} ({error.where})" if error.where else error.message)
    except (RecursionError, OverflowError, ValueError, TypeError, AttributeError) as error:
        return _refused(piece, f"cannot be read: {type(error).__name__}")
    return _refused(piece, FOREIGN)


def _refused(piece: Piece, reason: str) -> Refused:
    return Refused(file=piece.file, place=piece.place, reason=reason, raw=piece.raw[:_RAW_KEPT])
