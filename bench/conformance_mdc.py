"""Our seed of the nomenclature (ISO/IEEE 11073-10101) against the published facts: one case a code, one a unit.

python -m bench.conformance_mdc [--suites FOLDER] [--why]

A code of the seed has a name that the lists have for it, and its name has no other number. Every unit of the unit
list becomes one of its UCUM forms (forms with a prefix before [arb'U] are not valid UCUM: kept as text). A code and
name pair that the facts call disputed is warned about, or is the pair that the term list has, and stays as sent.
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Any

from bench.suite import counts, main

from wardbridge.terminology import mdc, units

SUITE = "mdc"
NO_UCUM = ("k[arb'U]", "M[arb'U]", "m[arb'U]")


def table(file: Path) -> list[dict[str, str]]:
    if file.suffix == ".gz":
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            return list(csv.DictReader(lines))
    with file.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def judge(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The counts, and the reason of each failure."""
    listed: dict[int, set[str]] = {}
    numbers: dict[str, set[int]] = {}
    for row in table(folder / "rtmms-terms.csv.gz"):
        listed.setdefault(int(row["code"]), set()).add(row["refid"])
        numbers.setdefault(row["refid"], set()).add(int(row["code"]))
    facts = {int(row["code"]): row for row in table(folder / "mdc.csv")}
    why: dict[str, str] = {}
    terms = list(mdc.nomenclature())
    for term in terms:
        fact = facts.get(term.code)
        allowed = listed.get(term.code, set()) | ({fact["refid"], *fact["aliases"].split()} if fact else set())
        if term.refid not in allowed:
            why[f"{term.code} {term.refid}"] = f"the lists have {sorted(allowed)}"
        elif numbers.get(term.refid) and term.code not in numbers[term.refid]:
            why[f"{term.code} {term.refid}"] = f"the lists have the numbers {sorted(numbers[term.refid])}"
    unit_rows = table(folder / "mdc-units.csv")
    for row in unit_rows:
        ours = units.ucum_of(row["unit_code"], row["unit_refid"], "MDC")
        forms = {row["ucum_preferred"], *row["ucum_also"].split(), "1"}
        fits = ours == "" if any(form in row["ucum_preferred"] for form in NO_UCUM) else ours in forms
        if not fits:
            why[f"{row['unit_code']} {row['unit_refid']}"] = f"becomes {ours!r}, not {row['ucum_preferred']!r}"
    disputed = [row for row in facts.values() if row["disagree"] == "yes"]
    for row in disputed:
        found = mdc.resolve(row["code"], row["refid"])
        pair = (found.code, found.refid) == (int(row["code"]), row["refid"])
        known = row["refid"] in listed.get(int(row["code"]), ())
        if not pair or not (found.problem or known):
            why[f"disputed {row['code']} {row['refid']}"] = f"read as {found.code} {found.refid} {found.problem!r}"
    total = len(terms) + len(unit_rows) + len(disputed)
    return counts(SUITE, total, why, codes=len(terms), units=len(unit_rows), disputed=len(disputed)), why


if __name__ == "__main__":
    main(SUITE, judge, __doc__)
