"""The code systems, value sets and concept maps of R4 and its terminology, known out of the box.

``base.json.gz`` is built by ``scripts/build_terminology.py`` from the official package: codes, displays and
compositions, no prose. It is read when something is first asked of it, and a system's concepts when they are.
What the record holds under the same url goes before it.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from wardbridge.fhir.json import loads
from wardbridge.terminology.holding import BASE, Holding
from wardbridge.terminology.versions import split


@dataclass(frozen=True)
class _Table:
    holdings: dict[tuple[str, str], list[Holding]]
    rows: dict[tuple[Any, ...], dict[str, Any]]
    implied: dict[str, Holding]


@lru_cache(maxsize=1)
def _table() -> _Table:
    packed = files("wardbridge.terminology").joinpath("base.json.gz").read_bytes()
    found: dict[tuple[str, str], list[Holding]] = {}
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    implied: dict[str, Holding] = {}
    for type_name, resources in loads(gzip.decompress(packed)).items():
        for row in resources:
            url, version = row["url"], row.get("version", "")
            groups = tuple((g.get("source", ""), g.get("target", "")) for g in row.get("group", ()))
            holding = Holding(
                type_name,
                url,
                version,
                BASE,
                ("base", type_name, url, version),
                row.get("content", "complete"),
                row.get("supplements", ""),
                row.get("valueSet", ""),
                status=row.get("status", ""),
                facts=groups,
            )
            found.setdefault((type_name, url), []).append(holding)
            rows[holding.key] = row
            if holding.value_set:
                implied[split(holding.value_set)[0]] = holding
    return _Table(found, rows, implied)


def holdings(type_name: str, url: str) -> list[Holding]:
    return _table().holdings.get((type_name, url), [])


def implied(url: str) -> Holding | None:
    """The code system of whose codes this value set is made."""
    return _table().implied.get(url)


def maps() -> list[Holding]:
    return [h for (kind, _), found in _table().holdings.items() if kind == "ConceptMap" for h in found]


def all_holdings(type_name: str) -> list[Holding]:
    return [h for (kind, _), found in _table().holdings.items() if kind == type_name for h in found]


def resource(holding: Holding) -> dict[str, Any]:
    """The resource as the standard has it, without its prose."""
    row = _table().rows[holding.key]
    out = {"resourceType": holding.type, **row}
    if holding.type == "CodeSystem":
        out["concept"] = [_concept(c) for c in row["concept"]]
    return out


def _concept(row: list[Any]) -> dict[str, Any]:
    code = row[0]
    display = row[1] if len(row) > 1 else ""
    properties = row[2] if len(row) > 2 else []
    children = row[3] if len(row) > 3 else []
    out: dict[str, Any] = {"code": code}
    if display:
        out["display"] = display
    if properties:
        out["property"] = [{"code": p[0], p[1]: p[2]} for p in properties]
    if children:
        out["concept"] = [_concept(child) for child in children]
    return out
