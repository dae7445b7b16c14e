"""Descriptors: the containment tree of a device as the MDIB tells it (IEEE 11073-10207, MdDescription).

Each metric gets a channel name from the codes on its way up, for example ``4262/4263/147842``; a code that
occurs twice among siblings gets an ordinal (``147842.2``), and what has no MDC code uses its handle. A name
once given to a handle stays while we are connected.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wardbridge.devices.drivers.sdc.mapping import Coded, child, children, coded, duration, kind_of, local

LEVELS = ("Mds", "Vmd", "Channel")


@dataclass(slots=True)
class Node:
    """One descriptor."""

    handle: str
    kind: str  # Mds Vmd Channel NumericMetric RealTimeSampleArrayMetric AlertCondition ... without 'Descriptor'
    parent: str
    element: Any
    code: Coded
    name: str  # the element: Mds Vmd Channel Metric AlertCondition AlertSignal Clock Battery ...


@dataclass(slots=True)
class Tree:
    """All descriptors of a provider by handle."""

    nodes: dict[str, Node] = field(default_factory=dict)
    below: dict[str, list[str]] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)

    def add(self, element: Any, parent: str) -> list[Node]:
        """Take in a descriptor and those inside it; one that is known is replaced. Returns the new nodes."""
        handle = element.get("Handle")
        kind = kind_of(element)
        name = local(element)
        if name == "Descriptor":  # in a modification report only the type tells what it is
            name = "Metric" if kind.endswith("Metric") else kind.removeprefix("Limit")
        known = self.nodes.get(handle)
        node = Node(handle, kind, parent or (known.parent if known else ""), element, Coded(), name)
        node.code = coded(child(element, "Type"))
        if known is None:
            self.below.setdefault(node.parent, []).append(handle)
        self.nodes[handle] = node
        added = [node]
        for inner in element:
            if isinstance(inner.tag, str) and inner.get("Handle"):
                added += self.add(inner, handle)
        return added

    def drop(self, handle: str) -> list[Node]:
        """Forget a descriptor and all below it. Returns what is gone."""
        node = self.nodes.pop(handle, None)
        if node is None:
            return []
        gone = [node]
        for inner in self.below.pop(handle, []):
            gone += self.drop(inner)
        siblings = self.below.get(node.parent, [])
        if handle in siblings:
            siblings.remove(handle)
        self.channels.pop(handle, None)
        return gone

    def clear(self) -> None:
        """Forget the descriptors but not the channel names."""
        self.nodes.clear()
        self.below.clear()

    def up(self, handle: str, name: str) -> Node | None:
        """The nearest node called ``name`` at or above ``handle``."""
        node = self.nodes.get(handle)
        while node is not None and node.name != name:
            node = self.nodes.get(node.parent)
        return node

    def mds(self, handle: str) -> str:
        """The handle of the medical device system that a descriptor belongs to; '' for none."""
        node = self.up(handle, "Mds")
        return node.handle if node else ""

    def named(self, name: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.name == name]

    def channel(self, handle: str) -> str:
        """The channel name of a metric; '' for an unknown handle."""
        if handle not in self.channels:
            node = self.nodes.get(handle)
            if node is None:
                return ""
            parts = [self._part(node)]
            above = self.nodes.get(node.parent)
            while above is not None and above.name != "Mds":
                parts.append(self._part(above))
                above = self.nodes.get(above.parent)
            name = "/".join(reversed(parts))
            taken = set(self.channels.values())
            self.channels[handle] = name if name not in taken else f"{name}#{handle}"
        return self.channels[handle]

    def _part(self, node: Node) -> str:
        if not node.code.code:
            return node.handle
        same = [
            h
            for h in self.below.get(node.parent, [])
            if self.nodes[h].name == node.name and self.nodes[h].code.code == node.code.code
        ]
        place = same.index(node.handle)
        return str(node.code.code) if place == 0 else f"{node.code.code}.{place + 1}"


@dataclass(frozen=True, slots=True)
class MetricFacts:
    """What a metric's descriptor says about every value of it."""

    unit: str
    ucum: str
    category: str
    derivation: str
    body_site: str
    resolution: float
    period: float
    label: str


def metric_facts(node: Node) -> MetricFacts:
    """The constant facts of a metric. ``period`` is the sample spacing in µs, 0 where it is not told."""
    element = node.element
    unit = coded(child(element, "Unit"))
    sites = [coded(site) for site in children(element, "BodySite")]
    try:
        period = duration(element.get("SamplePeriod", "PT0S"))
    except ValueError:
        period = 0.0
    try:
        resolution = float(element.get("Resolution", "0"))
    except ValueError:
        resolution = 0.0
    return MetricFacts(
        unit=unit.refid or (str(unit.code) if unit.code else ""),
        ucum=unit.ucum,
        category=element.get("MetricCategory", "Unspec"),
        derivation=element.get("DerivationMethod", "Auto"),
        body_site=sites[0].refid or str(sites[0].code or "") if sites else "",
        resolution=resolution,
        period=period,
        label=node.code.text,
    )
