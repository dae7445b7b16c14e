"""IEEE 11073 codes from an export of the Rosetta Terminology Mapping Management Service (CSV).

Columns are found by their heads; REFID and a context-free code are needed, all others are taken where they are there.
"""

from __future__ import annotations

from collections.abc import Iterator

from wardbridge.core.errors import Invalid
from wardbridge.terminology.loaders.release import Release
from wardbridge.terminology.mdc import CODE_SYSTEM
from wardbridge.terminology.store.load import Row
from wardbridge.terminology.values import Designation, Head, Property

REFID = ("REFID", "ReferenceID", "Reference ID")
CODE = ("CF_CODE10", "CFCODE10", "CODE10")
NAME = ("Common Term", "CommonTerm", "Systematic Name", "SystematicName", "Description")
SAID = ("Acronym", "Systematic Name", "SystematicName", "Display Name", "DisplayName")
MORE = {"UOM_MDC": "uom-mdc", "UOM_UCUM": "uom-ucum", "Part": "part", "Partition": "partition"}
"""Column -> property."""


def read(release: Release, version: str) -> tuple[Head, Iterator[Row]]:
    """Raises Invalid where no table has the columns."""
    for name in release.names():
        if name.lower().endswith(".csv"):
            first = next(release.table(name), {})
            if _first(first, REFID) and _first(first, CODE):
                head = Head(CODE_SYSTEM, version, "MDC", "ISO/IEEE 11073-10101", properties=(("refid", ""),))
                return head, _rows(release, name)
    raise Invalid(f"{release.path}: no CSV with a REFID and a CF_CODE10 column", str(release.path))


def _first(row: dict[str, str], names: tuple[str, ...]) -> str:
    return next((row[name].strip() for name in names if row.get(name, "").strip()), "")


def _rows(release: Release, name: str) -> Iterator[Row]:
    seen: set[str] = set()  # an export has one line for each use of a term
    for row in release.table(name):
        refid, code = _first(row, REFID), _first(row, CODE)
        if not refid or not code.isdecimal() or code in seen:
            continue
        seen.add(code)
        said = dict.fromkeys(row[column].strip() for column in SAID if row.get(column, "").strip())
        yield Row(
            code, refid, definition=_first(row, NAME),
            designations=tuple(Designation(text, "en") for text in said),
            properties=(
                Property("refid", "valueCode", refid),
                *(Property(to, "valueString", row[of].strip()) for of, to in MORE.items() if row.get(of, "").strip()),
            ),
        )  # fmt: skip
