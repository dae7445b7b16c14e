"""ICD-10-CM from the order file of its release (``icd10cm_order_2026.txt``): fixed columns, chapters not included."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wardbridge.core.errors import Invalid
from wardbridge.terminology.loaders.release import Release
from wardbridge.terminology.store.load import Row
from wardbridge.terminology.values import Designation, Head

URL = "http://hl7.org/fhir/sid/icd-10-cm"
CODE, VALID, SHORT, LONG = slice(6, 13), 14, slice(16, 76), slice(77, None)
"""Columns of the order file, counted from 0."""


def read(release: Release, version: str) -> tuple[Head, Iterator[Row]]:
    """``version`` '' takes the year from the file's name. Raises Invalid, with the line."""
    name = release.need("*icd10cm[-_]order*.txt", "*order*.txt")
    if not version:
        found = re.search(r"(20\d\d)", name)
        version = found[1] if found else ""
    head = Head(URL, version, "ICD10CM", "ICD-10-CM", case_sensitive=False)
    return head, _rows(release, name)


def dotted(code: str) -> str:
    """The order file leaves the dot out: ``A000`` is ``A00.0``."""
    return code if len(code) <= 3 else f"{code[:3]}.{code[3:]}"


def _rows(release: Release, name: str) -> Iterator[Row]:
    above: list[str] = []  # the file is in order, so a code's parents stand before it
    with release.open(name) as text:
        for number, line in enumerate(text, 1):
            line = line.rstrip("\r\n")
            if not line.strip():
                continue
            code = line[CODE].strip()
            if not re.fullmatch(r"[A-Z][0-9][0-9A-Z]{1,5}", code) or line[VALID : VALID + 1] not in ("0", "1"):
                raise Invalid(f"{name}, line {number}: not a line of the order file", name)
            while above and not code.startswith(above[-1]):
                above.pop()
            long, short = line[LONG].strip(), line[SHORT].strip()
            said = (Designation(short, "en", {"code": "short"}),) if short and short != long else ()
            yield Row(
                dotted(code), long or short, (dotted(above[-1]),) if above else (), abstract=line[VALID] == "0",
                designations=said,
            )  # fmt: skip
            above.append(code)
