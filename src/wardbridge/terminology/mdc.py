"""The nomenclature of devices: ISO/IEEE 11073-10101 (MDC) codes, their names, units and LOINC codes.

A code is partition * 65536 + term; the setting of a metric is the metric's code + 2**24; an event's
odd neighbour is its latched form. What the seed does not know stays as it was sent and is counted by
the caller: `resolve` says so, it never guesses.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.resources import files

import msgspec

SETTING = 1 << 24
EVENT_PARTITION = 3
CODE_SYSTEM = "urn:iso:std:iso:11073:10101"
LOINC_SYSTEM = "http://loinc.org"


class Term(msgspec.Struct, frozen=True):
    """One code of the nomenclature.

    kind: metric, setting, event, attribute, device, site, unit, observation. `ucum` is the usual unit
    of a metric, or what a unit code means. `aliases` are other names seen for the same number.
    """

    code: int
    refid: str
    kind: str
    ucum: str = ""
    aliases: tuple[str, ...] = ()


class Name(msgspec.Struct, frozen=True):
    """How people see a code: short and long label, unit for display (UCUM), digits after the point."""

    short: str
    long: str
    ucum: str = ""
    decimals: int = 0


class Loinc(msgspec.Struct, frozen=True):
    """LOINC of a metric: the specific code, the code that FHIR's vital signs profiles require, and the
    panel that groups it (85354-9 for the parts of a cuff or unspecified blood pressure). '' for none."""

    code: str
    vital: str = ""
    panel: str = ""

    @property
    def codes(self) -> tuple[str, ...]:
        """Every LOINC code an Observation of this metric carries, the vital sign's first."""
        return tuple(dict.fromkeys(code for code in (self.vital, self.code) if code))


class Resolved(msgspec.Struct, frozen=True):
    """What a code and name on the wire mean together.

    problem: '' when they agree; `unknown` when neither is in the nomenclature; `mismatch` when the
    number's name is another; `no-code` when the number is missing or 0 and the name gave it;
    `wrong-code` when only the name is known (`code` is then the number as sent).
    """

    code: int
    refid: str
    term: Term | None
    problem: str = ""

    def ucum_or_empty(self) -> str:
        """The UCUM code of a unit term; '' for anything else."""
        return self.term.ucum if self.term is not None and self.term.kind == "unit" else ""


class Nomenclature:
    """The seed table, extended by what a site loads (its RTMMS export, private terms)."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._by_code: dict[int, Term] = {}
        self._by_refid: dict[str, Term] = {}
        self.extend(terms)

    def __len__(self) -> int:
        return len(self._by_code)

    def __iter__(self) -> Iterator[Term]:
        return iter(self._by_code.values())

    def extend(self, terms: Iterable[Term]) -> None:
        """Add terms; a code or name that is already there keeps its meaning."""
        for term in terms:
            self._by_code.setdefault(term.code, term)
            for name in (term.refid, *term.aliases):
                self._by_refid.setdefault(name, term)

    def term(self, code: int) -> Term | None:
        """The term of a code; settings of known metrics and latched events are derived."""
        found = self._by_code.get(code)
        if found is not None:
            return found
        if code > SETTING:
            base = self._by_code.get(code - SETTING)
            if base is None or base.kind != "metric":
                return None
            aliases = tuple(f"{name}_SETTING" for name in base.aliases)
            return Term(code, f"{base.refid}_SETTING", "setting", base.ucum, aliases)
        if code >> 16 == EVENT_PARTITION and code & 1:
            base = self._by_code.get(code - 1)
            if base is not None and base.kind == "event":
                return Term(code, base.refid, "event", "", base.aliases)
        return None

    def named(self, refid: str) -> Term | None:
        """The term of a reference identifier or one of its aliases."""
        found = self._by_refid.get(refid)
        if found is None and refid.endswith("_SETTING"):
            base = self._by_refid.get(refid.removesuffix("_SETTING"))
            if base is not None and base.kind == "metric":
                return self.term(base.code + SETTING)
        return found

    def resolve(self, code: str, refid: str) -> Resolved:
        """The meaning of a code and name as sent. Never raises; both are kept as they came."""
        digits = code.strip()
        number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 11 else 0
        if number >> 32:
            number = 0
        term = self.term(number) if number else None
        if term is not None:
            if not refid or refid == term.refid or refid in term.aliases:
                return Resolved(number, refid or term.refid, term)
            return Resolved(number, refid, term, "mismatch")
        by_name = self.named(refid.strip()) if refid else None
        if by_name is None:
            return Resolved(number, refid, None, "unknown")
        if number:
            return Resolved(number, refid, by_name, "wrong-code")
        return Resolved(by_name.code, refid, by_name, "no-code")


def _table(name: str) -> Iterable[Mapping[str, str]]:
    text = files("wardbridge.terminology").joinpath(name).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines())


@lru_cache(maxsize=1)
def nomenclature() -> Nomenclature:
    """The one nomenclature of this process, loaded on first use."""
    return Nomenclature(
        Term(int(row["code"]), row["refid"], row["kind"], row["ucum"], tuple(row["aliases"].split()))
        for row in _table("mdc.csv")
    )


@lru_cache(maxsize=1)
def _names() -> dict[int, Name]:
    return {
        int(row["code"]): Name(row["short"], row["long"], row["ucum"], int(row["decimals"]))
        for row in _table("names.csv")
    }


@lru_cache(maxsize=1)
def _loinc() -> dict[int, Loinc]:
    return {int(row["mdc"]): Loinc(row["loinc"], row["vital"], row["panel"]) for row in _table("loinc.csv")}


def term(code: int) -> Term | None:
    """The term of a code, None where it is unknown."""
    return nomenclature().term(code)


def resolve(code: str, refid: str) -> Resolved:
    """See Nomenclature.resolve."""
    return nomenclature().resolve(code, refid)


def name(code: int) -> Name | None:
    """The label of a code for people, None where nobody wrote one yet (show the REFID)."""
    found = _names().get(code)
    if found is None and code > SETTING:
        base = _names().get(code - SETTING)
        if base is not None:
            return Name(f"{base.short} set", f"{base.long}, setting", base.ucum, base.decimals)
    if found is None and code >> 16 == EVENT_PARTITION and code & 1:
        return _names().get(code - 1)
    return found


def label(code: int, refid: str = "") -> str:
    """A short label: ours, else the name as sent, else the number."""
    found = name(code)
    if found is not None:
        return found.short
    return refid or (str(code) if code else "?")


def loinc(code: int) -> Loinc | None:
    """The LOINC codes of a metric, None where none is known."""
    return _loinc().get(code)


def panel_members(panel: str) -> tuple[int, ...]:
    """The MDC codes that belong to a LOINC panel."""
    return tuple(code for code, row in _loinc().items() if row.panel == panel)
