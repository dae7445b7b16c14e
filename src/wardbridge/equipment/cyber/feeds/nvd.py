"""Vulnerabilities of the NVD API 2.0: configurations with AND/OR nodes, negation and version bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber import cpe as cpes
from wardbridge.equipment.cyber.feeds import score
from wardbridge.equipment.cyber.sbom.limits import DEPTH, moment, rows, table, text
from wardbridge.equipment.cyber.values import Body, Leaf, Node, Vulnerability
from wardbridge.equipment.cyber.versions import EVERY, Affects, Span

_METRICS = ("cvssMetricV40", "cvssMetricV31", "cvssMetricV30", "cvssMetricV2")


def recognised(sent: dict[str, Any]) -> bool:
    """Whether a JSON document is an answer of the NVD API 2.0, or one of its items."""
    return sent.get("format") == "NVD_CVE" or "vulnerabilities" in sent or "vulnStatus" in sent or "cve" in sent


def items(sent: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The CVE objects of an answer, or the one that it is."""
    listed = rows(sent.get("vulnerabilities"))
    for one in listed or [sent]:
        yield table(table(one).get("cve")) or table(one)


def read(sent: dict[str, Any]) -> Vulnerability:
    """A CVE object. Raises Invalid for one without an id."""
    cve = text(sent.get("id"), 40).upper()
    if not cve.startswith("CVE-"):
        raise Invalid("a vulnerability has a CVE id", "cve.id")
    metrics = table(sent.get("metrics"))
    vectors = []
    for key in _METRICS:
        # The NVD's own ("Primary") before those of others.
        found = sorted(map(table, rows(metrics.get(key))), key=lambda one: one.get("type") != "Primary")
        vectors += [text(table(one.get("cvssData")).get("vectorString"), 300) for one in found]
    value, vector = score.best(vectors)
    words = next((text(table(one).get("value"), 2000) for one in rows(sent.get("descriptions"))
                  if table(one).get("lang") == "en"), "")  # fmt: skip
    rejected = text(sent.get("vulnStatus")).lower() == "rejected"
    nodes = tuple(dict.fromkeys(node(table(one)) for one in rows(sent.get("configurations"))))
    return Vulnerability(
        cve=cve, source="nvd", state="rejected" if rejected else "published", text=words,
        published=moment(sent.get("published")), modified=moment(sent.get("lastModified")), cvss=value, vector=vector,
        kev=bool(text(sent.get("cisaExploitAdd"))), body=Body(nodes=nodes),
    )  # fmt: skip


def node(sent: dict[str, Any], depth: int = 0) -> Node:
    """A configuration or node. Raises Invalid when it is nested too deeply."""
    if depth > DEPTH:
        raise Invalid("the configuration is nested too deeply", "configurations")
    inner = [node(table(one), depth + 1) for one in rows(sent.get("nodes")) + rows(sent.get("children"))]
    leaves = [one for one in (_leaf(table(item)) for item in rows(sent.get("cpeMatch"))) if one is not None]
    operator = "AND" if text(sent.get("operator")).upper() == "AND" else "OR"
    return Node(operator, sent.get("negate") is True, tuple(dict.fromkeys(inner)), tuple(dict.fromkeys(leaves)))


def _leaf(sent: dict[str, Any]) -> Leaf | None:
    try:
        name = str(cpes.parse(text(sent.get("criteria") or sent.get("cpe23Uri"), 1000)))
    except Invalid:
        return None
    including, excluding = text(sent.get("versionStartIncluding"), 200), text(sent.get("versionStartExcluding"), 200)
    until, before = text(sent.get("versionEndIncluding"), 200), text(sent.get("versionEndExcluding"), 200)
    bounded = any((including, excluding, until, before))
    span = Span(including or excluding, until or before, not excluding, bool(until))
    return Leaf(name, Affects((span,)) if bounded else EVERY, sent.get("vulnerable") is not False)
