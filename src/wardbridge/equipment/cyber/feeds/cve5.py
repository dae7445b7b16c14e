"""CVE records in JSON format 5 (CVE List, vulnrichment): the container of the CNA and those of the ADPs.

``versions`` keep the schema's meaning: the first entry that holds a version decides, ``changes`` within it in turn,
``defaultStatus`` for all others.
"""

from __future__ import annotations

from typing import Any

import msgspec

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber import cpe as cpes
from wardbridge.equipment.cyber import purl as purls
from wardbridge.equipment.cyber.feeds import nvd, score
from wardbridge.equipment.cyber.sbom.limits import moment, rows, table, text
from wardbridge.equipment.cyber.values import Body, Leaf, Node, Package, Text, Vulnerability
from wardbridge.equipment.cyber.versions import Affects, Span, opened

_METRICS = ("cvssV4_0", "cvssV3_1", "cvssV3_0", "cvssV2_0")
_SAID = frozenset({"affected", "unaffected", "unknown"})
_NO_NAME = frozenset({"", "n/a", "unspecified", "unknown", "*", "-", "not applicable"})
_SCHEMES = {"semver": "semver", "maven": "maven", "python": "pypi", "rpm": "rpm", "git": "git", "deb": "deb",
            "npm": "npm"}  # fmt: skip


def recognised(sent: dict[str, Any]) -> bool:
    """Whether a JSON document is a CVE record of format 5."""
    return sent.get("dataType") == "CVE_RECORD" or ("cveMetadata" in sent and "containers" in sent)


def read(sent: dict[str, Any]) -> Vulnerability:
    """A record. Raises Invalid for one without an id."""
    meta = table(sent.get("cveMetadata"))
    cve = text(meta.get("cveId"), 40).upper()
    if not cve.startswith("CVE-"):
        raise Invalid("a CVE record has an id", "cveMetadata.cveId")
    containers = table(sent.get("containers"))
    cna = table(containers.get("cna"))
    boxes = [cna, *(table(one) for one in rows(containers.get("adp")))]
    packages: list[Package] = []
    texts: list[Text] = []
    leaves: list[Leaf] = []
    nodes: list[Node] = []
    vectors: list[str] = []
    ssvc: dict[str, str] = {}
    kev = False
    for box in boxes:
        for one in rows(box.get("affected")):
            _affected(table(one), packages, texts, leaves)
        nodes += [nvd.node(table(one)) for one in rows(box.get("cpeApplicability"))]
        for metric in rows(box.get("metrics")):
            vectors += [text(table(table(metric).get(key)).get("vectorString"), 300) for key in _METRICS]
            other = table(table(metric).get("other"))
            ssvc |= _ssvc(other)
            kev = kev or text(other.get("type")).lower() == "kev"
    found, vector = score.best(vectors)
    if leaves:
        nodes.append(Node(leaves=tuple(dict.fromkeys(leaves))))
    words = next((text(table(one).get("value"), 2000) for one in rows(cna.get("descriptions"))
                  if text(table(one).get("lang")).lower().startswith("en")), "")  # fmt: skip
    return Vulnerability(
        cve=cve, source="cve", state=text(meta.get("state")).lower() or "published", title=text(cna.get("title"), 500),
        text=words, published=moment(meta.get("datePublished")), modified=moment(meta.get("dateUpdated")), cvss=found,
        vector=vector, ssvc=ssvc, kev=kev,
        body=Body(tuple(dict.fromkeys(packages)), tuple(dict.fromkeys(nodes)), tuple(dict.fromkeys(texts))),
    )  # fmt: skip


def _affected(one: dict[str, Any], packages: list[Package], texts: list[Text], leaves: list[Leaf]) -> None:
    affects = versions(one)
    package = text(one.get("packageURL"), 1000)
    if not package and one.get("packageName"):
        package = purls.of_collection(text(one.get("collectionURL"), 500), text(one.get("packageName"), 500))
    if package and purls.parse(package):
        packages.append(Package(package, affects))
    for name in rows(one.get("cpes")):
        try:
            found = cpes.parse(text(name, 1000))
        except Invalid:
            continue
        if affects.spans and found.version == cpes.NA:
            # The versions stand beside the name here: "-" is the writer's way to leave them out of it.
            found = msgspec.structs.replace(found, version=cpes.ANY)
        leaves.append(Leaf(str(found), affects))
    vendor, product = text(one.get("vendor"), 300), text(one.get("product"), 300)
    if vendor.lower() not in _NO_NAME and product.lower() not in _NO_NAME:
        texts.append(Text(vendor, product, affects))


def versions(one: dict[str, Any]) -> Affects:
    """``versions`` and ``defaultStatus`` of an affected product."""
    default = text(one.get("defaultStatus"))
    spans: list[Span] = []
    scheme = ""
    for entry in map(table, rows(one.get("versions"))):
        said = text(entry.get("status"))
        said = said if said in _SAID else "unknown"
        start = text(entry.get("version"), 300)
        scheme = _SCHEMES.get(text(entry.get("versionType")).lower(), scheme)
        limit, last = text(entry.get("lessThan"), 300), text(entry.get("lessThanOrEqual"), 300)
        if not limit and not last:
            exact = opened(start)
            if not exact and start not in ("*", "unspecified", ""):
                # "n/a", "0" or "-" alone is no version, and says nothing of any other.
                continue
            spans.append(Span(exact, exact, end_in=True, said=said) if exact else Span(said=said))
            continue
        spans += _changed(Span(opened(start), opened(limit or last), end_in=bool(last), said=said), entry)
    other = default if default in _SAID else "unknown"
    return Affects(tuple(spans), scheme, other if spans or default else "affected")


def _changed(span: Span, entry: dict[str, Any]) -> list[Span]:
    """A span cut where its status changes."""
    out, start, said = [], span.start, span.said
    for change in map(table, rows(entry.get("changes"))):
        at, then = text(change.get("at"), 300), text(change.get("status"))
        if at and then in _SAID:
            out.append(Span(start, at, said=said))
            start, said = at, then
    return [*out, Span(start, span.end, end_in=span.end_in, said=said)]


def _ssvc(other: dict[str, Any]) -> dict[str, str]:
    """CISA's decision points, in one spelling (both ``Total`` and ``total`` occur)."""
    if text(other.get("type")).lower() != "ssvc":
        return {}
    out = {}
    for option in rows(table(other.get("content")).get("options")):
        for key, value in table(option).items():
            out[key.strip().lower().replace(" ", "_")] = text(value, 60).lower()
    return out
