"""RxNorm from its RRF files: names in ``RXNCONSO.RRF``, relations in ``RXNREL.RRF`` (its Technical Documentation)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wardbridge.core.errors import Invalid
from wardbridge.terminology.loaders.release import Release
from wardbridge.terminology.loaders.store import shelf
from wardbridge.terminology.store.load import Row
from wardbridge.terminology.values import Designation, Head, Property

URL = "http://www.nlm.nih.gov/research/umls/rxnorm"
NAMES = (
    "RXCUI", "LAT", "TS", "LUI", "STT", "SUI", "ISPREF", "RXAUI", "SAUI", "SCUI", "SDUI", "SAB", "TTY",
    "CODE", "STR", "SRL", "SUPPRESS", "CVF",
)  # fmt: skip
RELATIONS = (
    "RXCUI1", "RXAUI1", "STYPE1", "REL", "RXCUI2", "RXAUI2", "STYPE2", "RELA", "RUI", "SRUI", "SAB", "SL",
    "DIR", "RG", "SUPPRESS", "CVF",
)  # fmt: skip
BEST = (
    "SCD", "SBD", "GPCK", "BPCK", "IN", "PIN", "MIN", "BN", "SCDC", "SCDF", "SCDG", "SBDC", "SBDF", "SBDG",
    "DF", "DFG", "PSN", "SY", "TMSY", "ET",
)  # fmt: skip
"""Term types, the one that names the concept first."""


def read(release: Release, version: str) -> tuple[Head, Iterator[Row]]:
    """``version`` '' takes the date from the release's name (``RxNorm_full_01052026``). Raises Invalid."""
    names = release.need("RXNCONSO.RRF")
    if not version:
        found = re.search(r"(\d{8})", release.path.name)
        version = found[1] if found else ""
    head = Head(URL, version, "RxNorm", "RxNorm", properties=(("TTY", f"{URL}#TTY"), ("STY", f"{URL}#STY")))
    return head, _rows(release, names)


def _table(release: Release, name: str, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    with release.open(name) as text:
        for number, line in enumerate(text, 1):
            parts = line.rstrip("\r\n").split("|")
            if len(parts) < len(columns):
                raise Invalid(f"{name}, line {number}: {len(parts)} fields, expected {len(columns)}", name)
            yield dict(zip(columns, parts, strict=False))


def _rows(release: Release, names: str) -> Iterator[Row]:
    with shelf() as rows:
        rows.put(
            (row["RXCUI"], row["TTY"], row["STR"], row["SUPPRESS"], "")
            for row in _table(release, names, NAMES)
            if row["SAB"] == "RXNORM"
        )
        relations = release.find("RXNREL.RRF")
        if relations:
            rows.put(  # RXCUI2 stands in this relation to RXCUI1
                (row["RXCUI2"], "=", row["RELA"], row["RXCUI1"], "")
                for row in _table(release, relations, RELATIONS)
                if row["SAB"] == "RXNORM" and row["RELA"] and row["RXCUI1"] and row["RXCUI2"]
            )
        for code, found in rows.groups():
            said = [one for one in found if one[0] != "="]
            if said:
                yield _row(code, said, [one for one in found if one[0] == "="])


def _row(code: str, said: list[tuple[str, str, str, str]], related: list[tuple[str, str, str, str]]) -> Row:
    said.sort(key=lambda one: BEST.index(one[0]) if one[0] in BEST else len(BEST))
    return Row(
        code, said[0][1], inactive=all(one[2] in ("O", "E") for one in said),
        designations=tuple(Designation(text, "en", {"code": kind}) for kind, text, _b, _c in said[1:]),
        properties=(
            Property("TTY", "valueCode", said[0][0]),
            *(Property(name, "valueCode", target) for _kind, name, target, _c in related),
        ),
    )  # fmt: skip
