"""Which vulnerabilities are in which builds, and why.

In this order of trust: package URL and version range; CPE names with configurations, evaluated over everything that a
build is; vendor and product in words. Sets of builds are integers, one bit a build, so that AND, OR and negation of
configuration nodes are one operation over all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from wardbridge.equipment.cyber import cpe as cpes
from wardbridge.equipment.cyber import names
from wardbridge.equipment.cyber import purl as purls
from wardbridge.equipment.cyber.builds import Build, Item
from wardbridge.equipment.cyber.cpe import ANY, NA, Relation, relation
from wardbridge.equipment.cyber.values import Leaf, Node, Vulnerability
from wardbridge.equipment.cyber.versions import Affects, compare, fixed_in, judge, ordered

PURL, CPE, TEXT = "purl", "cpe", "text"
_ORDER = {PURL: 0, CPE: 1, TEXT: 2}
_KEPT = 5


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``finding`` without its time. ``sure`` is false where a version or an attribute was not known."""

    build_id: str
    cve: str
    family: str
    model_id: str
    component: str
    version: str
    purl: str
    cpe: str
    sbom_id: str
    ref: str
    via: str
    sure: bool
    fixed: str
    why: list[dict[str, Any]]


class Hit(msgspec.Struct, frozen=True):
    """An item that a criterion fits: how sure, since when it is fixed, and the criterion in words."""

    item: int
    via: str
    sure: bool
    fixed: str
    why: dict[str, Any]


class Table:
    """Builds prepared for matching: each distinct item once, with the builds that have it."""

    def __init__(self, builds: Sequence[Build]) -> None:
        self.builds = builds
        self.items: list[Item] = []
        self.masks: list[int] = []
        self.index: dict[str, list[int]] = {}
        self.all = (1 << len(builds)) - 1
        seen: dict[Item, int] = {}
        for bit, build in enumerate(builds):
            for item in build.items:
                at = seen.setdefault(item, len(self.items))
                if at == len(self.items):
                    self.items.append(item)
                    self.masks.append(0)
                    for key in item.keys():  # noqa: SIM118
                        self.index.setdefault(key, []).append(at)
                self.masks[at] |= 1 << bit

    def keys(self) -> list[str]:
        """Every key that a vulnerability may be found by."""
        return sorted(self.index)


def match(table: Table, vulnerabilities: Iterable[Vulnerability]) -> list[Found]:
    """Every finding, one for each build, vulnerability and component."""
    out: dict[tuple[int, str, str], list[Hit]] = {}
    for flaw in vulnerabilities:
        if flaw.state != "published":
            continue
        for mask, hit in _hits(table, flaw):
            bits = mask & table.masks[hit.item]
            family = table.items[hit.item].family
            while bits:
                low = bits & -bits
                out.setdefault((low.bit_length() - 1, flaw.cve, family), []).append(hit)
                bits ^= low
    return [_found(table, bit, cve, family, hits) for (bit, cve, family), hits in out.items()]


def _found(table: Table, bit: int, cve: str, family: str, hits: list[Hit]) -> Found:
    """The best of what was found for one component; the reasons of all."""
    hits = sorted(hits, key=lambda hit: (not hit.sure, _ORDER[hit.via], hit.item, not hit.fixed))
    item, best = table.items[hits[0].item], hits[0]
    why: list[dict[str, Any]] = []
    for hit in hits:
        if hit.why not in why and len(why) < _KEPT:
            why.append(hit.why)
    if item.note:
        why.append({"note": item.note})
    build = table.builds[bit]
    return Found(
        build_id=build.build_id, cve=cve, family=family, model_id=build.model_id, component=item.name,
        version=item.version, purl=item.purl, cpe=item.cpes[0] if item.cpes else "", sbom_id=item.sbom_id,
        ref=item.ref, via=best.via, sure=best.sure and not item.note,
        fixed=next((hit.fixed for hit in hits if hit.fixed), ""), why=why,
    )  # fmt: skip


def _hits(table: Table, flaw: Vulnerability) -> list[tuple[int, Hit]]:
    out: list[tuple[int, Hit]] = []
    for package in flaw.body.packages:
        for at in table.index.get(names.of_package(package.purl), ()):
            hit = _versioned(table, at, PURL, package.affects, {"source": flaw.source, "package": package.purl},
                             purls.parse(package.purl))  # fmt: skip
            if hit is not None:
                out.append((table.all, hit))
    for node in flaw.body.nodes:
        mask, sure, hits = evaluate(table, node, flaw.source)
        out += [(mask & sure, hit) for hit in hits]
        if mask & ~sure:
            out += [(mask & ~sure, msgspec.structs.replace(hit, sure=False)) for hit in hits]
    for text in flaw.body.texts:
        for at in table.index.get(names.of_text(text.vendor, text.product), ()):
            why = {"source": flaw.source, "product": f"{text.vendor} {text.product}"}
            hit = _versioned(table, at, TEXT, text.affects, why)
            if hit is not None:
                out.append((table.all, msgspec.structs.replace(hit, sure=False)))
    return out


def _versioned(
    table: Table, at: int, via: str, affects: Affects, why: dict[str, Any], named: purls.Purl | None = None
) -> Hit | None:
    """A hit when the item's version is affected, or not known. A purl that names a version means that one alone."""
    item = table.items[at]
    if named is not None and named.version and not affects.spans and compare(item.version, named.version, named.type):
        return None
    said, span = judge(affects, item.version)
    if said != "affected" and (item.version or said != "unknown"):
        return None
    note = "" if said == "affected" else "the version is not known"
    words = str(span) if span is not None else "every version" if said == "affected" else _spans(affects)
    fixed = fixed_in(affects, item.version)
    reason = {**why, "item": f"{item.name} {item.version}".strip(), "range": words, **({"note": note} if note else {})}
    return Hit(at, via, not note, fixed, reason)


def _spans(affects: Affects) -> str:
    return " or ".join(str(span) for span in affects.spans if span.said == "affected")


def evaluate(table: Table, node: Node, source: str, path: str = "") -> tuple[int, int, list[Hit]]:
    """The builds for which a node is true, those for which it surely is, and the vulnerable items that made it so."""
    path = f"{path} › {node.operator}" if path else node.operator
    masks: list[int] = []
    sures: list[int] = []
    hits: list[Hit] = []
    for leaf in node.leaves:
        mask = sure = 0
        for at in table.index.get(names.of_criterion(leaf.cpe), ()):
            hit = fits(table, at, leaf, {"source": source, "criterion": leaf.cpe, "node": path})
            if hit is None:
                continue
            mask |= table.masks[at]
            sure |= table.masks[at] if hit.sure else 0
            if leaf.vulnerable:
                hits.append(hit)
        masks.append(mask)
        sures.append(sure)
    for inner in node.nodes:
        mask, sure, found = evaluate(table, inner, source, path)
        masks.append(mask)
        sures.append(sure)
        hits += [hit for hit in found if mask & table.masks[hit.item]]
    mask, sure = _joined(table.all, node.operator, masks), _joined(table.all, node.operator, sures)
    if node.negate:
        # What is only maybe true is maybe false, too.
        return table.all & ~sure, table.all & ~mask, []
    return mask, sure, hits


def _joined(every: int, operator: str, masks: list[int]) -> int:
    if not masks:
        return 0
    out = every if operator == "AND" else 0
    for mask in masks:
        out = out & mask if operator == "AND" else out | mask
    return out


def fits(table: Table, at: int, leaf: Leaf, why: dict[str, Any]) -> Hit | None:
    """A hit when the criterion includes one of the item's names (NISTIR 7696).

    Part, vendor and product must be equal to the criterion's or included in it. What the item does not say beyond its
    version leaves it possible; "-" means "no version", and fits a version only for hardware, which seldom has one.
    """
    pattern = cpes.parse(leaf.cpe)
    item = table.items[at]
    for text in item.cpes:
        name = cpes.parse(text)
        if not all(
            relation(getattr(pattern, key), getattr(name, key)) in (Relation.EQUAL, Relation.SUPERSET)
            for key in ("part", "vendor", "product")
        ):
            continue
        rest = [relation(getattr(pattern, key), getattr(name, key)) for key in cpes.ATTRIBUTES[4:]]
        if Relation.DISJOINT in rest:
            continue
        found = _version(pattern.version, name, item, leaf.affects)
        if found is None:
            continue
        sure, words = found
        open_ends = [key for key, one in zip(cpes.ATTRIBUTES[4:], rest, strict=True) if one is Relation.SUBSET]
        notes = [f"not known: {', '.join(open_ends)}"] if open_ends else []
        notes += [] if sure else ["the version is not known"]
        reason = {**why, "item": text, "range": words, **({"note": "; ".join(notes)} if notes else {})}
        return Hit(at, CPE, sure and not open_ends, fixed_in(leaf.affects, item.version or cpes.plain(name.version)),
                   reason)  # fmt: skip
    return None


def _version(wanted: str, name: cpes.Cpe, item: Item, affects: Affects) -> tuple[bool, str] | None:
    """Whether the version fits (surely or possibly) and the range in words; None where it does not."""
    if wanted == NA:
        return (True, "no version") if name.version in (NA, ANY) or name.part == "h" else None
    own = cpes.plain(name.version) or ("" if name.version == NA else item.version)
    if wanted == ANY:
        if name.version == NA and affects.spans:
            return None
        said, span = judge(affects, own)
        if said == "affected":
            return True, str(span) if span is not None else "every version"
        return (False, _spans(affects)) if not own and said == "unknown" else None
    if not own:
        return None if name.version == NA else (False, f"= {cpes.plain(wanted)}")
    same = relation(wanted, name.version if name.version != ANY else cpes.literal(own))
    if same in (Relation.EQUAL, Relation.SUPERSET):
        return True, f"= {cpes.plain(wanted)}"
    plain = cpes.plain(wanted)
    if not cpes.wild(wanted) and ordered(own) and compare(plain, own) == 0:
        return True, f"= {plain}"
    return None
