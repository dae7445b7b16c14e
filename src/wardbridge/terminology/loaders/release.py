"""A release as it comes: a folder, a zip or a single file, looked through by the ends of names."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TextIO

from wardbridge.core.errors import Invalid

csv.field_size_limit(4 * 1024 * 1024)


class Tabs(csv.excel_tab):
    """RF2: no quoting at all."""

    quoting = csv.QUOTE_NONE
    quotechar = None


@dataclass(frozen=True)
class Release:
    """``path`` is a folder, a zip or a file."""

    path: Path

    def names(self) -> list[str]:
        """Names of all files, with ``/``. Raises Invalid where the path is none of the three."""
        if self.path.is_dir():
            return sorted(file.relative_to(self.path).as_posix() for file in self.path.rglob("*") if file.is_file())
        if self.zipped:
            with zipfile.ZipFile(self.path) as archive:
                return sorted(name for name in archive.namelist() if not name.endswith("/"))
        if self.path.is_file():
            return [self.path.name]
        raise Invalid(f"{self.path} does not exist", str(self.path))

    @property
    def zipped(self) -> bool:
        return self.path.is_file() and zipfile.is_zipfile(self.path)

    def find(self, *ends: str) -> str:
        """The first file whose name matches one of the patterns (as ``*Loinc.csv``), '' for none."""
        for pattern in ends:
            for name in self.names():
                if PurePosixPath(name).match(pattern):
                    return name
        return ""

    def need(self, *ends: str) -> str:
        """As :meth:`find`. Raises Invalid that names what is missing."""
        found = self.find(*ends)
        if not found:
            raise Invalid(f"{self.path} holds no {' or '.join(ends)}", str(self.path))
        return found

    @contextmanager
    def open(self, name: str) -> Iterator[TextIO]:
        """One file as text (UTF-8, a byte order mark is skipped). Raises Invalid for other bytes when they are met."""
        if self.path.is_dir() or not self.zipped:
            file = self.path / name if self.path.is_dir() else self.path
            with file.open("r", encoding="utf-8-sig", newline="") as text:
                yield text
        else:
            with zipfile.ZipFile(self.path) as archive, archive.open(name) as raw:
                yield io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")

    def table(self, name: str, *, tabs: bool = False) -> Iterator[dict[str, str]]:
        """The rows of a table with a head. Raises Invalid, with file and line."""
        with self.open(name) as text:
            rows = csv.DictReader(text, dialect=Tabs if tabs else csv.excel)
            try:
                for row in rows:
                    yield {key: value or "" for key, value in row.items() if key is not None}
            except (csv.Error, UnicodeDecodeError) as error:
                raise Invalid(f"{name}, line {rows.line_num}: {error}", name) from error
