"""LOINC from its release: ``Loinc.csv``, the component hierarchy and linguistic variants (LOINC Users' Guide)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from wardbridge.terminology.loaders.release import Release
from wardbridge.terminology.loaders.store import shelf
from wardbridge.terminology.store.load import Row
from wardbridge.terminology.values import Designation, Head, Property

URL = "http://loinc.org"
AXES = ("COMPONENT", "PROPERTY", "TIME_ASPCT", "SYSTEM", "SCALE_TYP", "METHOD_TYP", "CLASS", "STATUS", "ORDER_OBS")
"""Columns that become properties of the same name, as R4's page on LOINC asks."""
SHORT = ("SHORTNAME", "DisplayName")
INACTIVE = frozenset({"DEPRECATED", "DISCOURAGED"})


def read(release: Release, version: str) -> tuple[Head, Iterator[Row]]:
    """``version`` '' takes it from the names (``Loinc_2.78``). Raises Invalid where the table is missing."""
    table = release.need("Loinc.csv")
    if not version:
        found = re.search(r"[Ll]oinc[_-]?(\d+\.\d+)", f"{release.path.name} {table}")
        version = found[1] if found else ""
    head = Head(
        URL, version, "LOINC", "Logical Observation Identifiers, Names and Codes", case_sensitive=False,
        properties=tuple((name, f"{URL}/property/{name}") for name in (*AXES, "parent")),
    )  # fmt: skip
    return head, _rows(release, table)


def _rows(release: Release, table: str) -> Iterator[Row]:
    with shelf() as rows:
        rows.put((row["LOINC_NUM"], "term", "", "", "") for row in release.table(table))
        tree = release.find("ComponentHierarchyBySystem.csv", "MultiAxialHierarchy.csv")
        if tree:
            rows.put(
                (row["CODE"], "parent", row["IMMEDIATE_PARENT"], row["CODE_TEXT"], "") for row in release.table(tree)
            )
        for name in release.names():
            spoken = re.fullmatch(r"([a-z]{2})([A-Z]{2})\d*LinguisticVariant\.csv", PurePosixPath(name).name)
            if spoken:
                rows.put(
                    (row["LOINC_NUM"], "said", row.get("LONG_COMMON_NAME", ""), f"{spoken[1]}-{spoken[2]}", "")
                    for row in release.table(name)
                    if row.get("LONG_COMMON_NAME")
                )
        for name in (*AXES, "LONG_COMMON_NAME", *SHORT):
            rows.put((row["LOINC_NUM"], name, row[name], "", "") for row in release.table(table) if row.get(name))
        for code, found in rows.groups():
            yield _row(code, found)


def _row(code: str, found: list[tuple[str, str, str, str]]) -> Row:
    one = {kind: a for kind, a, _b, _c in found}
    part = next((b for kind, _a, b, _c in found if kind == "parent" and b), code)
    said = [Designation(a, b) for kind, a, b, _c in found if kind == "said"]
    said += [Designation(one[name], "en", {"system": URL, "code": name}) for name in SHORT if name in one]
    return Row(
        code, one.get("LONG_COMMON_NAME", part),
        tuple(dict.fromkeys(a for kind, a, _b, _c in found if kind == "parent" and a)),
        inactive=one.get("STATUS") in INACTIVE, status=one.get("STATUS", "").lower(),
        abstract="term" not in one, designations=tuple(said),
        properties=tuple(Property(name, "valueString", one[name]) for name in AXES if name in one),
    )  # fmt: skip
