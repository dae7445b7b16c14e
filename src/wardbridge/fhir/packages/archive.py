"""FHIR packages as files: a .tgz as registries give it, or a folder (https://hl7.org/fhir/packages.html).

Members are read one after the other and never written to disk, so that memory does not follow the package.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

import msgspec

from wardbridge.core.errors import Invalid
from wardbridge.fhir.json import JsonError, loads

MOST_BYTES = 256 * 1024 * 1024
"""Of one file in a package; the largest value sets that are published have some 60 MB."""


class Manifest(msgspec.Struct, frozen=True):
    """What ``package.json`` says. ``dependencies``: name -> version, which may be a range such as ``4.0.x``."""

    name: str
    version: str
    fhir_versions: tuple[str, ...]
    dependencies: dict[str, str]


def manifest(path: Path) -> Manifest:
    """Raises Invalid for a file that is no package of FHIR R4."""
    for name, data in _files(path):
        if name == "package.json":
            return _manifest(data, path)
    raise Invalid(f"{path} is no FHIR package: it has no package/package.json")


def _manifest(data: bytes, path: Path) -> Manifest:
    try:
        row = loads(data)
    except JsonError as error:
        raise Invalid(f"{path}: package.json: {error}") from None
    name, version = row.get("name"), row.get("version")
    if not isinstance(name, str) or not isinstance(version, str):
        raise Invalid(f"{path}: package.json names no package and version")
    needed = row.get("dependencies")
    given = row.get("fhirVersions") or row.get("fhir-version-list")
    versions = tuple(v for v in given if isinstance(v, str)) if isinstance(given, list) else ()
    if versions and not any(v.startswith("4.0") for v in versions):
        raise Invalid(f"{path}: {name} {version} is for FHIR {', '.join(versions)}, not for R4 (4.0)")
    rows = needed.items() if isinstance(needed, dict) else ()
    return Manifest(name, version, versions, {str(k): str(v) for k, v in rows})


def resources(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """File name and resource of each resource of a package, examples left out. Raises Invalid for broken files."""
    for name, data in _files(path):
        if name == "package.json" or name.startswith("."):
            continue
        try:
            row = loads(data)
        except JsonError as error:
            raise Invalid(f"{path}: {name}: {error}") from None
        if isinstance(row.get("resourceType"), str):
            yield name, row


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of the JSON files of the package itself (not of its sub-folders)."""
    if path.is_dir():
        yield from _folder(path)
        return
    try:
        with _stream(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                parts = PurePosixPath(member.name).parts
                if not member.isfile() or parts[:1] != ("package",) or len(parts) != 2 or member.size > MOST_BYTES:
                    continue
                held = archive.extractfile(member) if parts[1].endswith(".json") else None
                if held is not None:
                    yield parts[1], held.read()
            # To the very end, so that a file cut short is noticed by its missing checksum.
            while stream.read(65536):
                pass
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise Invalid(f"{path} cannot be read as a package: {error}") from None


def _stream(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path)) if packed else path.open("rb")


def _folder(path: Path) -> Iterator[tuple[str, bytes]]:
    inner = path / "package"
    folder = inner if inner.is_dir() else path
    for file in sorted(folder.glob("*.json")):
        if file.is_file() and file.stat().st_size <= MOST_BYTES:
            yield file.name, file.read_bytes()
