"""Medical device advisories (CSAF 2.0): every document loads and comes out again; every product row is matched.

python -m bench.conformance_icsma [--suites FOLDER] [--why]

One case a document: it is read; id, title, CVEs and scores are those of the index and of the file; each product
keeps vendor, product and version text; what is kept decodes to equal JSON. One case a product under
``known_affected``: a machine of that vendor and product with a version inside the statement is a candidate, one with
a version outside it is not, and where the statement has another form, a machine with that very text or without a
version is a candidate (a statement that cannot be read excludes nobody). Machines are made from the document's own
text, never from expectations of ours: the versions inside and outside are computed here, apart from the parser.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.suite import counts, main

from wardbridge.equipment.advisories import parse
from wardbridge.equipment.advisories.judge import CANDIDATE, Machine
from wardbridge.equipment.advisories.match import Register
from wardbridge.equipment.advisories.pieces import Piece
from wardbridge.equipment.advisories.values import Document

SUITE = "icsma"


def judge(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The counts, and the reason of each failure."""
    index = {row["id"]: row for row in json.loads((folder / "index.json").read_text(encoding="utf-8"))}
    why: dict[str, str] = {}
    parts = {"documents": [0, 0], "products": [0, 0]}
    certainty: dict[str, int] = {}
    with gzip.open(folder / "icsma.ndjson.gz", "rb") as lines:
        for number, line in enumerate(lines, 1):
            value = json.loads(line)
            ident = value["document"]["tracking"]["id"]
            (found,) = parse.of_piece(Piece(file=SUITE, place=f"line {number}", raw=line.strip()))
            parts["documents"][1] += 1
            reason = found.reason if not isinstance(found, Document) else _kept(found, value, index.get(ident))
            if reason:
                why[ident] = reason
            else:
                parts["documents"][0] += 1
            if not isinstance(found, Document):
                continue
            for product_id, vendor, product, version in _affected(value):
                parts["products"][1] += 1
                reason = _matched(found, product_id, vendor, product, version, certainty)
                if reason:
                    why[f"{ident} {product_id}"] = reason
                else:
                    parts["products"][0] += 1
    total = sum(part[1] for part in parts.values())
    return counts(SUITE, total, why, parts={name: f"{a} of {b}" for name, (a, b) in parts.items()},
                  inside=certainty), why  # fmt: skip


def _kept(found: Document, value: dict[str, Any], row: dict[str, Any] | None) -> str:
    cves = {flaw["cve"] for flaw in value["vulnerabilities"] if "cve" in flaw}
    scores = [
        s["cvss_v3"]["baseScore"] for f in value["vulnerabilities"] for s in f.get("scores", ()) if "cvss_v3" in s
    ]
    checks = {
        "id": (found.number, value["document"]["tracking"]["id"]),
        "title": (found.title, value["document"]["title"]),
        "cves": ({one.cve for one in found.cves if not one.cve.startswith("#")}, cves),
        "score": (found.cvss, max(scores, default=None)),
        "products": (sorted((p.product_id, p.vendor, p.product, p.version) for p in found.products),
                     sorted({row[0]: row for row in _leaves(value["product_tree"]["branches"], {})}.values())),
        "export": (json.loads(found.raw), value),
    }  # fmt: skip
    if row is not None:
        checks["index"] = ((len(cves), found.cvss), (row["cves"], row["max_cvss"]))
    wrong = [name for name, (ours, theirs) in checks.items() if ours != theirs]
    return f"differs in {', '.join(wrong)}" if wrong else ""


def _leaves(branches: list[dict[str, Any]], path: dict[str, str]) -> Iterator[tuple[str, str, str, str]]:
    for branch in branches:
        here = {**path, branch["category"]: branch["name"]}
        if "product" in branch:
            version = here.get("product_version_range") or here.get("product_version") or ""
            yield branch["product"]["product_id"], here.get("vendor", ""), here.get("product_name", ""), version.strip()
        yield from _leaves(branch.get("branches", []), here)


def _affected(value: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    ids = {
        ident for flaw in value["vulnerabilities"] for ident in flaw.get("product_status", {}).get("known_affected", ())
    }
    return [row for row in _leaves(value["product_tree"]["branches"], {}) if row[0] in ids]


def _matched(
    found: Document, product_id: str, vendor: str, product: str, version: str, certainty: dict[str, int]
) -> str:
    """'' where every machine made for this row is judged as it must be."""
    mine = [one for one in found.products if one.product_id == product_id]
    inside, outside = versions(version)
    for firmware in inside:
        match = _one(vendor, product, firmware, mine)
        if match is None or match.verdict != CANDIDATE:
            return f"{firmware!r} is inside {version!r} and was not found"
        if not match.why:
            return f"{firmware!r} was found without a reason"
        certainty[match.certainty] = certainty.get(match.certainty, 0) + 1
    for firmware in outside:
        match = _one(vendor, product, firmware, mine)
        if match is not None and match.verdict == CANDIDATE:
            return f"{firmware!r} is outside {version!r} and was found ({match.certainty})"
        if match is None or not match.reason:
            return f"{firmware!r} is outside {version!r} without a reason"
    stranger = _one("Unrelated Instruments", product, inside[0], mine)
    return "a machine of another manufacturer was found" if stranger is not None else ""


def _one(vendor: str, product: str, firmware: str, products: Any) -> Any:
    machine = Machine(device_id="d", model_id="m", manufacturer=vendor, model=product, firmware=firmware)
    return next(iter(Register([machine]).match(products)[0]), None)


def versions(text: str) -> tuple[list[str], list[str]]:
    """Versions inside and outside of a statement, for the plain forms; its own text and none at all for others."""
    body = " ".join(text.split())
    if body in ("*", "vers:all/*"):
        return ["1.0", "99.7.3"], []
    found = re.fullmatch(r"(<=|<)\s*(\d+(?:\.\d+)+)", body)
    if found:
        sign, bound = found.groups()
        numbers = [int(part) for part in bound.split(".")]
        below = _below(numbers)
        above = ".".join(map(str, [*numbers[:-1], numbers[-1] + 1]))
        return ([bound] if sign == "<=" else []) + below, [above] + ([bound] if sign == "<" else [])
    found = re.fullmatch(r">=\s*(\d+(?:\.\d+)+) \| <=\s*(\d+(?:\.\d+)+)", body)
    if found:
        low, high = ([int(part) for part in bound.split(".")] for bound in found.groups())
        return [found[1], found[2]], [*_below(low), ".".join(map(str, [high[0] + 1, *high[1:]]))]
    found = re.fullmatch(r"(\d+(?:\.\d+)*)\.[xX]", body)
    if found:
        return [f"{found[1]}.0", f"{found[1]}.7"], [f"{int(found[1].split('.')[0]) + 1}.0"]
    if re.fullmatch(r"\d+(?:\.\d+)+(?:\s*\|\s*\d+(?:\.\d+)+)*", body):
        each = re.split(r"\s*\|\s*", body)
        return each, ["999.1"]
    found = re.fullmatch(r"(\d+(?:\.\d+)+) (?:and|or) (?:below|prior|earlier|older|lower)", body)
    if found:
        return [found[1], *_below([int(part) for part in found[1].split(".")])], ["999.1"]
    return [body, ""], []


def _below(numbers: list[int]) -> list[str]:
    at = next((at for at in range(len(numbers) - 1, -1, -1) if numbers[at]), None)
    if at is None:
        return []
    return [".".join(map(str, [*numbers[:at], numbers[at] - 1, *([9] * (len(numbers) - at - 1))]))]


if __name__ == "__main__":
    main(SUITE, judge, __doc__ or "")
