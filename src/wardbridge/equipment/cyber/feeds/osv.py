"""Vulnerabilities in the OSV schema: event ranges and listed versions of packages, under their CVE if they have one."""

from __future__ import annotations

from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber import purl as purls
from wardbridge.equipment.cyber.feeds import score
from wardbridge.equipment.cyber.sbom.limits import moment, rows, table, text
from wardbridge.equipment.cyber.values import Body, Package, Vulnerability
from wardbridge.equipment.cyber.versions import Affects, Span, opened


def recognised(sent: dict[str, Any]) -> bool:
    """Whether a JSON document is OSV."""
    return isinstance(sent.get("id"), str) and ("affected" in sent or "schema_version" in sent) and "modified" in sent


def read(sent: dict[str, Any]) -> list[Vulnerability]:
    """A record: one vulnerability for each CVE that it is an alias of (one of its own name where there is none)."""
    ident = text(sent.get("id"), 100)
    if not ident:
        raise Invalid("an OSV record has an id", "id")
    aliases = [text(one, 100) for one in rows(sent.get("aliases")) + rows(sent.get("upstream")) if text(one)]
    names = [name for name in (ident, *aliases) if name.startswith("CVE-")] or [ident]
    packages = [one for item in rows(sent.get("affected")) for one in _packages(table(item))]
    vectors = [text(table(one).get("score"), 300) for one in rows(sent.get("severity"))]
    value, vector = score.best(vectors)
    return [
        Vulnerability(
            cve=name, source="osv", aliases=tuple(sorted({ident, *aliases} - {name})),
            state="rejected" if sent.get("withdrawn") else "published", title=text(sent.get("summary"), 500),
            text=text(sent.get("details"), 2000), published=moment(sent.get("published")),
            modified=moment(sent.get("modified")), cvss=value, vector=vector,
            body=Body(packages=tuple(dict.fromkeys(packages))),
        )
        for name in dict.fromkeys(names)
    ]  # fmt: skip


def _packages(item: dict[str, Any]) -> list[Package]:
    package = table(item.get("package"))
    name = text(package.get("purl"), 1000) or purls.of_ecosystem(
        text(package.get("ecosystem"), 100), text(package.get("name"), 500)
    )
    found = purls.parse(name)
    if found is None:
        return []
    spans = [Span(text(one), text(one), end_in=True) for one in rows(item.get("versions")) if text(one)]
    for one in map(table, rows(item.get("ranges"))):
        if text(one.get("type")).upper() != "GIT":
            spans += _spans([table(event) for event in rows(one.get("events"))])
    # Ranges first: a range names the fix, a listed version does not.
    spans.sort(key=lambda span: span.start == span.end and span.start != "")
    if spans or not rows(item.get("ranges")):
        return [Package(name, Affects(tuple(spans), found.type) if spans else Affects(other="affected"))]
    return []


def _spans(events: list[dict[str, Any]]) -> list[Span]:
    """Events in their order: introduced opens, fixed, last_affected or limit closes."""
    out: list[Span] = []
    start: str | None = None
    for event in events:
        if "introduced" in event:
            start = start if start is not None else opened(text(event["introduced"], 200))
        for key in ("fixed", "last_affected", "limit"):
            if key in event and start is not None and text(event[key]) != "*":
                out.append(Span(start, text(event[key], 200), end_in=key == "last_affected"))
                start = None
    if start is not None:
        out.append(Span(start))
    return out
