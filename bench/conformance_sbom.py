"""Bills of materials and VEX: every document read, counted as the index says, written again, its statements judged.

python -m bench.conformance_sbom [--suites FOLDER] [--why]

Cases: one a document (read; components, services, vulnerabilities and states as in index.json where it says so;
nothing refused but what the document leaves open), one a document of components that is written as CycloneDX and read
back the same, one a statement: its vulnerability, put into exactly what the statement speaks of, gets the state of the
document, before and after the bill; and gets none in another product, version or vulnerability.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import orjson
from bench.suite import counts, main

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber.sbom.read import read
from wardbridge.equipment.cyber.sbom.write import write
from wardbridge.equipment.cyber.values import Bom, Product, Statement
from wardbridge.equipment.cyber.versions import from_vers
from wardbridge.equipment.cyber.vex import cyclonedx
from wardbridge.equipment.cyber.vex.judge import Subject, Told, applies, stands
from wardbridge.equipment.cyber.vex.words import OF_CYCLONEDX

SUITE = "sbom"


def judge(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The counts, and the reason of each failure."""
    why: dict[str, str] = {}
    totals: Counter[str] = Counter()
    for row in json.loads((folder / "index.json").read_text("utf-8")):
        name, sent = row["file"], (folder / row["file"]).read_bytes()
        totals["read"] += 1
        try:
            bom = read(sent)
        except Invalid as error:
            why[name] = f"refused: {error.message}"
            continue
        if wrong := _counted(row, bom):
            why[name] = wrong
        if bom.components:
            totals["written"] += 1
            again = read(orjson.dumps(write(bom)))
            if (again.components, again.root, again.depends) != (bom.components, bom.root, bom.depends):
                why[f"{name} written"] = "components, product or dependencies differ when read back"
        for at, statement in enumerate(bom.statements):
            totals["judged"] += 1
            if wrong := _judged(statement, bom):
                why[f"{name} statement {at + 1}"] = wrong
        if bom.statements:
            totals["vex written"] += 1
            back = read(orjson.dumps(cyclonedx.write(bom.statements, serial="x", made=0, author="")))
            if [_plain(one) for one in back.statements] != [_plain(one) for one in bom.statements]:
                why[f"{name} vex written"] = "statements differ when read back"
    return counts(SUITE, sum(totals.values()), why, parts=dict(totals)), why


def _plain(one: Statement) -> Statement:
    return msgspec.structs.replace(one, more={})


def _counted(row: dict[str, Any], bom: Bom) -> str:
    top = [one for one in bom.components if one.parent is None]
    found = {
        "components": sum(one.type != "service" for one in top), "services": sum(one.type == "service" for one in top),
        "spec": bom.spec, "format": bom.format,
    }  # fmt: skip
    expected = {key: row[key] for key in found if key in row and row["format"] != "xml"}
    if any(found[key] != expected[key] for key in expected):
        return f"read {found}, the index has {expected}"
    if "vex_states" in row:
        # A vulnerability with several affected things is several statements: those of one entry share their "more".
        states = Counter(state for state, _ in {(one.said, id(one.more["flaw"])) for one in bom.statements if one.said})
        if dict(states) != row["vex_states"]:
            return f"states {dict(states)}, the index has {row['vex_states']}"
    if bom.refused:
        return f"refused: {bom.refused[0].where} {bom.refused[0].reason}"
    return ""


def _judged(statement: Statement, bom: Bom) -> str:
    """A finding in exactly what the statement is about gets its state, and no other finding does."""
    subject = _subject(statement, bom)
    told = [Told(statement=one) for one in bom.statements]
    status = _expected(statement)
    for order in (told, told[::-1]):
        found = stands(subject, order, {subject.root.serial})
        if found is None:
            return "it does not apply to what it is about"
        rivals = {one.status for one in (applies(subject, other, {subject.root.serial}) for other in told) if one}
        if found.status != status and status not in rivals:
            return f"judged as {found.status}, not as {status}"
    alone = [Told(statement=statement)]
    if stands(msgspec.structs.replace(subject, cve="CVE-1900-0001"), alone) is not None:
        return "it applies to another vulnerability"
    away = Product(name="something else", version="0", purl="pkg:generic/other@0")
    other = msgspec.structs.replace(subject, part=away, root=away, model="", manufacturer="nobody")
    if stands(other, alone, {"x"}) is not None:
        return "it applies to another product"
    return ""


def _expected(statement: Statement) -> str:
    status = OF_CYCLONEDX.get(statement.said, "under_investigation")
    if statement.versions and statement.versions[0].status == "under_investigation":
        return "under_investigation"
    if statement.versions and statement.versions[0].status == "not_affected" and status != "fixed":
        return "not_affected"
    return status


def _subject(statement: Statement, bom: Bom) -> Subject:
    product = statement.product
    version = product.version
    if statement.versions:
        version = statement.versions[0].version or _inside(statement.versions[0].range)
    root = Product(name=product.name or "product", version=version, purl=product.purl, cpe=product.cpe,
                   serial=product.serial or bom.serial, revision=product.revision or 1, ref=product.ref)  # fmt: skip
    part = statement.component or Product(name="part", version="1")
    return Subject(cve=statement.cve, part=part, root=root, manufacturer=product.vendor, model=product.name)


def _inside(text: str) -> str:
    """A version within a range: one of its bounds that belongs to it."""
    for span in from_vers(text).spans:
        if span.said == "affected":
            return span.start if span.start and span.start_in else span.end if span.end_in else f"{span.end}-rc0"
    return "1"


if __name__ == "__main__":
    main(SUITE, judge, __doc__)
