"""Joins between release files that are larger than memory: a temporary SQLite file, gone when the load has ended."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path


class Shelf:
    """Rows of (code, kind, a, b, c), given back grouped by code."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file)
        self._db.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
            "CREATE TABLE row (code TEXT, kind TEXT, a TEXT, b TEXT, c TEXT)"
        )

    def put(self, rows: Iterable[tuple[str, str, str, str, str]]) -> None:
        self._db.executemany("INSERT INTO row VALUES (?, ?, ?, ?, ?)", rows)

    def groups(self) -> Iterator[tuple[str, list[tuple[str, str, str, str]]]]:
        """(code, [(kind, a, b, c) …]) in the order of codes, rows in the order in which they were put."""
        self._db.execute("CREATE INDEX row_code ON row (code)")
        rows = self._db.execute("SELECT code, kind, a, b, c FROM row ORDER BY code, rowid")
        for code, found in groupby(rows, key=lambda row: row[0]):
            yield code, [row[1:] for row in found]

    def close(self) -> None:
        self._db.close()


@contextmanager
def shelf() -> Iterator[Shelf]:
    with tempfile.TemporaryDirectory(prefix="wardbridge-load-") as folder:
        made = Shelf(Path(folder) / "rows.sqlite")
        try:
            yield made
        finally:
            made.close()
