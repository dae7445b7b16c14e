"""Builds `wardbridge/terminology/base.json.gz`: the code systems, value sets and concept maps of the R4 package.

    python scripts/build_terminology.py FOLDER [--out src/wardbridge/terminology/base.json.gz]

FOLDER holds the package's resources as `CodeSystem.ndjson.gz`, `ValueSet.ndjson.gz` and `ConceptMap.ndjson.gz`. Facts
only: urls, versions, codes, displays, hierarchy, properties and compositions; no definitions, descriptions, comments or
other prose. The output is reproducible: the same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

STANDARDS = "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"
KEPT_PROPERTIES = {"notSelectable", "inactive", "status", "subsumedBy", "parent"}
HEAD = ("url", "version", "name", "title", "status", "experimental")


def read(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    with gzip.open(folder / f"{kind}.ndjson.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def head(resource: dict[str, Any], *more: str) -> dict[str, Any]:
    out = {name: resource[name] for name in (*HEAD, *more) if name in resource}
    status = [e for e in resource.get("extension", ()) if e["url"] == STANDARDS and e["valueCode"] != "normative"]
    if status and status[0]["valueCode"] in ("deprecated", "withdrawn"):
        out["extension"] = status[:1]
    return out


def concepts(listed: list[dict[str, Any]]) -> list[Any]:
    """[code, display, properties, children], what is empty at the end left out."""
    out = []
    for concept in listed:
        properties = [
            [p["code"], *next([k, v] for k, v in p.items() if k.startswith("value"))]
            for p in concept.get("property", ())
            if p["code"] in KEPT_PROPERTIES and not (p["code"] == "status" and p.get("valueCode") == "active")
        ]
        row: list[Any] = [concept["code"], concept.get("display", ""), properties, concepts(concept.get("concept", []))]
        while len(row) > 1 and not row[-1]:
            row.pop()
        out.append(row)
    return out


def system(resource: dict[str, Any]) -> dict[str, Any]:
    out = head(resource, "caseSensitive", "valueSet", "hierarchyMeaning", "content", "supplements")
    kept = [
        {k: p[k] for k in ("code", "uri", "type") if k in p}
        for p in resource.get("property", ())
        if p["code"] in KEPT_PROPERTIES
    ]
    if kept:
        out["property"] = kept
    out["concept"] = concepts(resource.get("concept", []))
    return out


def clean(value: Any) -> Any:
    """Without extensions, ids and comments."""
    if isinstance(value, dict):
        return {k: clean(v) for k, v in value.items() if k not in ("extension", "id", "comment") and k[0] != "_"}
    return [clean(item) for item in value] if isinstance(value, list) else value


def value_set(resource: dict[str, Any]) -> dict[str, Any]:
    out = head(resource, "immutable")
    if "compose" in resource:
        out["compose"] = clean(resource["compose"])
    elif "expansion" in resource:
        out["expansion"] = {"contains": clean(resource["expansion"].get("contains", []))}
    return out


def concept_map(resource: dict[str, Any]) -> dict[str, Any]:
    out = head(resource, "sourceUri", "sourceCanonical", "targetUri", "targetCanonical")
    out["group"] = clean(resource.get("group", []))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("src/wardbridge/terminology/base.json.gz"))
    options = parser.parse_args()
    table = {
        "CodeSystem": [system(r) for r in read(options.folder, "CodeSystem") if r.get("concept") and "url" in r],
        "ValueSet": [value_set(r) for r in read(options.folder, "ValueSet") if "url" in r],
        "ConceptMap": [concept_map(r) for r in read(options.folder, "ConceptMap") if "url" in r],
    }
    for rows in table.values():
        rows.sort(key=lambda row: (row["url"], row.get("version", "")))
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    with options.out.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.encode())
    print(f"{options.out}: {options.out.stat().st_size} bytes, {', '.join(f'{k} {len(v)}' for k, v in table.items())}")


if __name__ == "__main__":
    main()
