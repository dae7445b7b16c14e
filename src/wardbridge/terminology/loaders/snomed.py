"""SNOMED CT from a release in RF2, snapshot files (SNOMED CT Release File Specification, 4.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from wardbridge.core.errors import Invalid
from wardbridge.terminology.loaders.release import Release
from wardbridge.terminology.loaders.store import Shelf, shelf
from wardbridge.terminology.store.load import Row
from wardbridge.terminology.values import Designation, Head, Property

URL = "http://snomed.info/sct"
IS_A = "116680003"
FULL_NAME, SYNONYM = "900000000000003001", "900000000000013009"
PREFERRED = "900000000000548007"
PRIMITIVE = "900000000000074008"
PROPERTIES = ("inactive", "moduleId", "sufficientlyDefined")
CORE = "900000000000207008"


def read(release: Release, version: str) -> tuple[Head, Iterator[Row]]:
    """``version`` is the edition's URI or a date; '' takes the date from the file's name, in the international edition.

    Raises Invalid where a file is missing.
    """
    concepts = release.need("sct2_Concept_Snapshot_*.txt")
    if not version.startswith(URL):
        date = version or (re.findall(r"_(\d{8})\.txt$", concepts) or [""])[0]
        if not date:
            raise Invalid("the release's date is neither in the file's name nor given", "version")
        version = f"{URL}/{CORE}/version/{date}"
    head = Head(
        URL, version, "SNOMED_CT", "SNOMED CT", properties=tuple((name, f"{URL}#{name}") for name in PROPERTIES)
    )
    return head, _rows(release, concepts)


def _rows(release: Release, concepts: str) -> Iterator[Row]:
    preferred = _preferred(release)
    with shelf() as rows:
        rows.put(
            (row["id"], "concept", row["active"], row["definitionStatusId"], row["moduleId"])
            for row in release.table(concepts, tabs=True)
        )
        for name in release.names():
            if PurePosixPath(name).match("sct2_Description_Snapshot*.txt"):
                _descriptions(release, name, rows, preferred)
        relations = release.need("sct2_Relationship_Snapshot_*.txt")
        rows.put(
            (row["sourceId"], "relation", row["typeId"], row["destinationId"], "")
            for row in release.table(relations, tabs=True)
            if row["active"] == "1"
        )
        for code, found in rows.groups():
            yield _row(code, found)


def _preferred(release: Release) -> frozenset[int]:
    """Ids of the descriptions that some language reference set prefers."""
    return frozenset(
        int(row["referencedComponentId"])
        for name in release.names()
        if PurePosixPath(name).match("der2_cRefset_Language*Snapshot*.txt")
        for row in release.table(name, tabs=True)
        if row["active"] == "1" and row["acceptabilityId"] == PREFERRED
    )


def _descriptions(release: Release, name: str, rows: Shelf, preferred: frozenset[int]) -> None:
    rows.put(
        (row["conceptId"], row["typeId"], row["term"], row["languageCode"], "*" if int(row["id"]) in preferred else "")
        for row in release.table(name, tabs=True)
        if row["active"] == "1" and row["typeId"] in (FULL_NAME, SYNONYM)
    )


def _row(code: str, found: list[tuple[str, str, str, str]]) -> Row:
    concept = next((one for one in found if one[0] == "concept"), ("concept", "0", "", ""))
    said = [one for one in found if one[0] in (FULL_NAME, SYNONYM)]
    names = [one for one in said if one[0] == SYNONYM]
    english = [one for one in names if one[2].startswith("en")] or names or said
    display = next((one for one in english if one[3]), english[0] if english else ("", code, "", ""))
    return Row(
        code, display[1], tuple(dict.fromkeys(b for kind, a, b, _c in found if kind == "relation" and a == IS_A)),
        inactive=concept[1] != "1",
        designations=tuple(
            Designation(term, language, {"system": URL, "code": kind}) for kind, term, language, _mark in said
        ),
        properties=(
            Property("sufficientlyDefined", "valueBoolean", concept[2] != PRIMITIVE),
            Property("moduleId", "valueCode", concept[3]),
            *(Property(a, "valueCode", b) for kind, a, b, _c in found if kind == "relation" and a != IS_A),
        ),
    )  # fmt: skip
