"""What an entry of the common language is: one concept, in the words of each profession, with its codes."""

from __future__ import annotations

import msgspec

SYSTEMS: dict[str, tuple[str, str]] = {
    "mdc": ("urn:iso:std:iso:11073:10101", "IEEE 11073 (MDC)"),
    "loinc": ("http://loinc.org", "LOINC"),
    "snomed": ("http://snomed.info/sct", "SNOMED CT"),
    "ucum": ("http://unitsofmeasure.org", "UCUM unit"),
    "gmdn": ("urn:wardbridge:gmdn", "GMDN device term"),
    "umdns": ("urn:wardbridge:umdns", "UMDNS device term"),
    "local": ("urn:wardbridge:local", "Local name"),
}
"""Short name -> (system URI, what people call it). GMDN and UMDNS have no URI of their own in R4; their content is
licensed, so codes are typed in by whoever holds a licence."""

RELATIONS = ("equivalent", "equal", "wider", "narrower", "inexact", "relatedto")
"""How a code relates to the entry (R4 ConceptMap.equivalence): the code is … than the entry."""

OWNERS: dict[str, frozenset[str]] = {
    "clinical": frozenset({"nurse", "physician", "administrator"}),
    "biomed": frozenset({"technician", "administrator"}),
    "it": frozenset({"operator", "administrator"}),
}
"""The profession that owns an entry -> the roles that may approve it."""


class Code(msgspec.Struct, frozen=True):
    """A code of another system for the same concept. ``system`` is a key of SYSTEMS."""

    system: str
    code: str
    display: str = ""
    relation: str = "equivalent"


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """The content of an entry: one line for everybody, and what each profession needs to know of it."""

    title: str
    synonyms: tuple[str, ...] = ()
    clinical: str = ""
    biomed: str = ""
    it: str = ""
    codes: tuple[Code, ...] = ()


class Line(msgspec.Struct, frozen=True):
    """An entry in a list. ``changed`` in µs."""

    slug: str
    title: str
    owner: str
    state: str
    changed: int
    codes: tuple[Code, ...]
    synonyms: tuple[str, ...]


class Step(msgspec.Struct, frozen=True):
    """One move of an entry's life: written, proposed, approved, returned, retired. ``at`` in µs."""

    version: int
    step: str
    display: str
    at: int
    note: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as it stands. ``approved``: the version that the house agreed upon, 0 for none; ``agreed`` its text."""

    slug: str
    owner: str
    state: str
    latest: int
    approved: int
    author: str
    text: Text
    agreed: Text | None
    steps: tuple[Step, ...]
