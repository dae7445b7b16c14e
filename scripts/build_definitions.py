"""Builds the compact R4 tables of `wardbridge.fhir.definitions` from the official package.

    python scripts/build_definitions.py FOLDER [--out src/wardbridge/fhir/definitions]

FOLDER holds the package's resources as `StructureDefinition.ndjson.gz`, `SearchParameter.ndjson.gz`,
`ValueSet.ndjson.gz`, `CodeSystem.ndjson.gz` and `CompartmentDefinition.ndjson.gz`.  Facts only: names, types,
cardinalities, bindings, expressions and codes; no definitions, comments or other prose.  The output is
reproducible: the same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wardbridge.fhir.definitions.profiles import facts

BASE = "http://hl7.org/fhir/StructureDefinition/"
FHIR_TYPE = BASE + "structuredefinition-fhir-type"
REGEX = BASE + "regex"
MAX_VALUE_SET = BASE + "elementdefinition-maxValueSet"
# Expressions that miss what their own words say, as the standard later put right.
ERRATA = {
    # "If there are more than one enableWhen": the published expression says more than two.
    "que-12": "enableWhen.count() > 1 implies enableBehavior.exists()",
}
# Units of other components than vital signs (the oxygen flow beside a saturation) are not in the common list: what was
# published as required, R4B binds as extensible.
# The list of HL7's work groups goes on.
WEAKER = {
    ("http://hl7.org/fhir/StructureDefinition/vitalsigns", "Observation.component.value[x]"),
    ("http://hl7.org/fhir/StructureDefinition/structuredefinition-wg", "Extension.value[x]"),
}
# Where extensions may stand that the package itself uses elsewhere; their later editions say so.
CONTEXTS = {
    "structuredefinition-fhir-type": "ElementDefinition.type",
    "structuredefinition-normative-version": "Element",
    "valueset-concept-comments": "CodeSystem.concept",
    "regex": "ElementDefinition.type",
}
INHERITED = ("Resource.", "DomainResource.", "Element.", "BackboneElement.", "Quantity.")


def read(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    with gzip.open(folder / f"{kind}.ndjson.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def short(url: str) -> str:
    """`http://hl7.org/fhir/StructureDefinition/Patient` becomes `Patient`; other URLs stay."""
    return url.removeprefix(BASE)


def canonical(url: str) -> str:
    return url.split("|")[0]


def type_code(entry: dict[str, Any], path: str) -> str:
    code: str = entry["code"]
    if not code.startswith("http://hl7.org/fhirpath/"):
        return code
    fhir = [e["valueUrl"] for e in entry.get("extension", ()) if e["url"] == FHIR_TYPE]
    # The package types Resource.id as a string; the standard (resource.html#id) says id.
    if path.endswith(".id") and path.count(".") == 1 and path[0].isupper():
        return "id" if path.split(".")[0] in RESOURCES else "string"
    return fhir[0] if fhir else "string"


RESOURCES: set[str] = set()


def binding(element: dict[str, Any]) -> list[str] | None:
    bound = element.get("binding")
    if not bound or "valueSet" not in bound:
        return None
    row = [bound["strength"], canonical(bound["valueSet"])]
    limit = [e["valueCanonical"] for e in bound.get("extension", ()) if e["url"] == MAX_VALUE_SET]
    return [*row, canonical(limit[0])] if limit else row


def invariants(element: dict[str, Any], drop: set[str], table: dict[str, list[str]]) -> list[str]:
    """Keys of the element's own invariants; a key used twice in the standard gets the path after `@`."""
    keys = []
    for constraint in element.get("constraint", ()):
        key = constraint["key"]
        expression = ERRATA.get(key, constraint.get("expression"))
        if not expression or key in drop:
            continue
        row = [constraint["severity"], expression]
        if table.setdefault(key, row) != row:
            key = f"{key}@{element['path']}"
            table[key] = row
        keys.append(key)
    return keys


def element_row(element: dict[str, Any], drop: set[str], table: dict[str, list[str]]) -> dict[str, Any]:
    path = element["path"]
    name = path.rsplit(".", 1)[1]
    row: dict[str, Any] = {"n": name.removesuffix("[x]")}
    if name.endswith("[x]"):
        row["choice"] = 1
    if element["min"]:
        row["min"] = element["min"]
    if element["max"] != "1":
        row["max"] = element["max"] if element["max"] == "*" else int(element["max"])
    if "contentReference" in element:
        row["t"] = [element["contentReference"].removeprefix("#")]
    else:
        types, targets, profiles = [], [], []
        for entry in element.get("type", ()):
            code = type_code(entry, path)
            types.append(path if code in ("BackboneElement", "Element") and row["n"] != "extension" else code)
            targets += [short(t) for t in entry.get("targetProfile", ())]
            profiles += [short(p) for p in entry.get("profile", ())]
        row["t"] = types
        if targets:
            row["to"] = targets
        if profiles:
            row["p"] = profiles
    if bound := binding(element):
        row["b"] = bound
    if keys := invariants(element, drop, table):
        row["i"] = keys
    if element.get("isSummary"):
        row["s"] = 1
    if element.get("isModifier"):
        row["m"] = 1
    if "maxLength" in element:
        row["len"] = element["maxLength"]
    return row


def types(folder: Path) -> dict[str, Any]:
    structures = {
        s["type"]: s
        for s in read(folder, "StructureDefinition")
        if s["kind"] != "logical" and (s.get("derivation") != "constraint") and s["type"] != "MetadataResource"
    }
    RESOURCES.update(name for name, s in structures.items() if s["kind"] == "resource")
    table: dict[str, list[str]] = {}
    root_keys: dict[str, set[str]] = {}
    for name, s in structures.items():
        root_keys[name] = {c["key"] for c in s["snapshot"]["element"][0].get("constraint", ())}
    out: dict[str, Any] = {}
    for name in sorted(structures):
        s = structures[name]
        base = short(s["baseDefinition"]) if "baseDefinition" in s else None
        kind = {"resource": "resource", "complex-type": "complex", "primitive-type": "primitive"}[s["kind"]]
        elements = s["snapshot"]["element"]
        inherited = root_keys.get(base or "", set()) | {"ele-1"}
        out[name] = {"k": kind, "base": base}
        if s.get("abstract"):
            out[name]["abstract"] = 1
        if keys := invariants(elements[0], inherited, table):
            out[name]["i"] = keys
        if kind == "primitive":
            value = next(e for e in elements if e["path"] == f"{name}.value")
            pattern = [e["valueString"] for t in value["type"] for e in t.get("extension", ()) if e["url"] == REGEX]
            if pattern:
                out[name]["regex"] = pattern[0]
            continue
        nested: dict[str, list[dict[str, Any]]] = {}
        for e in elements[1:]:
            parent = e["path"].rsplit(".", 1)[0]
            own = e["base"]["path"].startswith(f"{name}.") or not e["base"]["path"].startswith(INHERITED)
            if not own:
                continue
            codes = [t["code"] for t in e.get("type", ())]
            drop = {"ele-1"}.union(*(root_keys.get(c, set()) for c in codes))
            nested.setdefault(parent, []).append(element_row(e, drop, table))
            if "BackboneElement" in codes or codes == ["Element"]:
                out[e["path"]] = {"k": "backbone", "base": codes[0]}
        for path, rows in nested.items():
            out[path]["e"] = rows
    return {"types": out, "invariants": table}


def search(folder: Path) -> dict[str, Any]:
    rows = []
    everything = sorted(RESOURCES - {"Resource", "DomainResource", "Parameters"})
    for s in read(folder, "SearchParameter"):
        if "base" not in s:
            continue
        row: dict[str, Any] = {"code": s["code"], "type": s["type"], "url": s["url"], "base": s["base"]}
        if "expression" in s:
            row["expression"] = s["expression"]
        if "target" in s:
            row["target"] = "*" if sorted(s["target"]) == everything else s["target"]
        if "component" in s:
            row["component"] = [[c["definition"], c["expression"]] for c in s["component"]]
        for key in ("modifier", "comparator", "multipleOr", "multipleAnd"):
            if key in s:
                row[key] = s[key]
        rows.append(row)
    compartments = {
        c["code"]: {r["code"]: r["param"] for r in c["resource"] if "param" in r}
        for c in read(folder, "CompartmentDefinition")
        if c["url"].startswith("http://hl7.org/fhir/CompartmentDefinition/")
    }
    rows.sort(key=lambda row: row["url"])
    return {"parameters": rows, "compartments": compartments}


def system_codes(concepts: list[dict[str, Any]]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from system_codes(concept.get("concept", []))


def bound(rows: list[dict[str, Any]]) -> set[str]:
    """Value sets that profiles require."""
    elements = [e for row in rows for e in row["differential"]["element"]]
    found = [e["binding"] for e in elements if e.get("binding", {}).get("strength") == "required"]
    return {canonical(b["valueSet"]) for b in found if "valueSet" in b}


def codes(folder: Path, table: dict[str, Any], more: set[str]) -> dict[str, Any]:
    """Required bindings as `{value set: {system: [codes]}}`; what cannot be listed is named under `open`."""
    needed = {
        e["b"][1] for t in table["types"].values() for e in t.get("e", ()) if "b" in e and e["b"][0] == "required"
    } | more
    systems = {s["url"]: s for s in read(folder, "CodeSystem")}
    sets = {s["url"]: s for s in read(folder, "ValueSet") if s["url"] in needed}
    listed: dict[str, dict[str, list[str]]] = {}
    unlisted: dict[str, list[str]] = {}
    for url in sorted(needed):
        found: dict[str, set[str]] = {}
        compose = sets.get(url, {}).get("compose", {})
        complete = bool(compose)
        for sign in ("include", "exclude"):
            for part in compose.get(sign, ()):
                system = part.get("system")
                if part.get("filter") or part.get("valueSet"):
                    complete = False
                elif "concept" in part:
                    names = {c["code"] for c in part["concept"]}
                elif systems.get(system, {}).get("content") == "complete":
                    names = set(system_codes(systems[system].get("concept", [])))
                else:
                    complete = False
                if not complete:
                    break
                if sign == "include":
                    found.setdefault(system, set()).update(names)
                else:
                    found[system] = found.get(system, set()) - names
        if complete:
            listed[url] = {system: sorted(names) for system, names in sorted(found.items())}
        else:
            unlisted[url] = [part.get("system", "") for part in compose.get("include", ())]
    return {"listed": listed, "open": unlisted}


def profiles(folder: Path) -> dict[str, Any]:
    """Every profile and extension definition by its differential; what its base says already is not repeated."""
    rows = [
        facts(s, snapshot=False)
        for s in read(folder, "StructureDefinition")
        if s.get("derivation") == "constraint" and s["kind"] != "logical" and "differential" in s
    ]
    for row in rows:
        if (more := CONTEXTS.get(short(row["url"]))) is not None:
            row["context"] = [*row["context"], {"type": "element", "expression": more}]
        for element in row["differential"]["element"]:
            if (row["url"], element["path"]) in WEAKER:
                element["binding"]["strength"] = "extensible"
    return {"profiles": sorted(rows, key=lambda row: str(row["url"]))}


def write(path: Path, table: dict[str, Any]) -> None:
    text = json.dumps(table, ensure_ascii=False, sort_keys=False, separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(text, 9, mtime=0))
    print(f"{path.name}: {len(text):,} bytes, {path.stat().st_size:,} packed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("src/wardbridge/fhir/definitions"))
    options = parser.parse_args()
    table = types(options.folder)
    write(options.out / "types.json.gz", table)
    write(options.out / "search.json.gz", search(options.folder))
    rows = profiles(options.folder)
    write(options.out / "profiles.json.gz", rows)
    write(options.out / "codes.json.gz", codes(options.folder, table, bound(rows["profiles"])))


if __name__ == "__main__":
    main()
