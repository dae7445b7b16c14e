"""The containment tree of a report, with names that stay the same while OBX-4 does not.

OBX-4 numbers (MDS.VMD.CHANNEL.METRIC.FACET) are unique in one OBR group only (IHE PCD TF-2 B.8.2), so
a channel is named by the codes on its way down: `70686/70687/150021` is the systolic value of a cuff
channel in a cuff module. Equals under one parent get `#2`, `#3` in order of appearance; parts that a
machine has several of (pump modules) are told apart by their own id where they state one.

Layouts are a tree of what device rows were seen so far, shared by all messages: a sender repeats its
device rows, so a message costs one look-up a row.
"""

from __future__ import annotations

import msgspec

from wardbridge.devices.drivers.hl7_mllp.mapping import (
    IDENTITY_ATTRIBUTES,
    REPEATED,
    RESOLUTION,
    SAMPLE_PERIOD,
    SAMPLE_RATE,
    kind_of,
)
from wardbridge.devices.values import AnyValue
from wardbridge.terminology import mdc

MAX_NODES = 20_000
ANONYMOUS = "0"
PLAIN_TYPES = frozenset({"NM", "ST", "TX", "FT", "IS", "ID", "SI", "DTM", "TS", "DT", "TM"})
SPECIAL = frozenset(IDENTITY_ATTRIBUTES) | SAMPLE_RATE | SAMPLE_PERIOD | RESOLUTION

Path = tuple[str, ...]
Template = tuple[str, int, str, str, str, str, bool, Path]


class Metric(msgspec.Struct, frozen=True):
    """What OBX-2, OBX-3 and OBX-4 of a row mean at their place, worked out once.

    `channel` is without the ordinal among equals in the message. `plain` rows are a value and nothing
    else; the others (devices, facets, waveforms, identity attributes) take the slow road. `problem` is
    '' or the problem of mdc.Resolved.
    """

    channel: str
    code: int
    refid: str
    system: str
    kind: str
    path: Path
    value_type: str
    numeric: bool
    plain: bool
    device: bool
    label: str = ""
    problem: str = ""


class Layout:
    """The device rows above a row, by OBX-4 prefix, and the metrics met below them."""

    __slots__ = ("_next", "heads", "metrics", "moves", "names", "nodes", "templates")

    def __init__(self, names: dict[Path, str], nodes: list[int]) -> None:
        self.names = names
        self.nodes = nodes
        self.metrics: dict[tuple[str, str, str], Metric] = {}
        self.templates: dict[tuple[str, str, str], Template] = {}
        self.moves: dict[str, tuple[tuple[Path, Metric, list[str]], Layout]] = {}
        self.heads: dict[tuple[str, ...], list[AnyValue]] = {}
        self._next: dict[tuple[Path, str, str], Layout] = {}

    def keep(self, key: tuple[str, str, str], metric: Metric) -> None:
        """Remember a metric; the plain ones without a problem also in the form the fast loop takes."""
        self.nodes[0] += 1
        self.metrics[key] = metric
        if metric.plain and not metric.problem:
            self.templates[key] = (
                metric.channel, metric.code, metric.refid, metric.system, metric.kind, metric.label,
                metric.numeric, metric.path,
            )  # fmt: skip

    def below(self, path: Path, metric: Metric, own_id: str) -> Layout:
        """The layout once the device row `metric` at `path` has been seen."""
        name = str(metric.code) if metric.code else metric.refid
        key = (path, name, own_id)
        found = self._next.get(key)
        if found is None:
            if metric.code in REPEATED and own_id:
                name = f"{name}@{own_id}"
            taken = {n for p, n in self.names.items() if p[:-1] == path[:-1] and p != path}
            found = Layout({**self.names, path: numbered(name, taken)}, self.nodes)
            self._next[key] = found
            self.nodes[0] += 1
        return found

    def channel_of(self, path: Path, name: str) -> str:
        """The name of a metric at `path`: the machine itself is no part of it."""
        if len(path) < 2:
            return name
        above = [self.names.get(path[:depth], ANONYMOUS) for depth in range(2, len(path))]
        return "/".join([*above, name])


def numbered(name: str, taken: set[str]) -> str:
    """`name`, or `name#2`, `name#3` ... where it is taken."""
    if name not in taken:
        return name
    count = 2
    while f"{name}#{count}" in taken:
        count += 1
    return f"{name}#{count}"


class Layouts:
    """The root of all layouts, started afresh when it has grown too large."""

    def __init__(self) -> None:
        self._root = Layout({}, [0])

    def root(self) -> Layout:
        """The layout before any device row."""
        root = self._root
        if root.nodes[0] > MAX_NODES:
            self._root = root = Layout({}, [0])
        return root


def path_of(text: str) -> Path:
    """OBX-4 as a path: trailing zeros mark a level above, they are no part of it."""
    parts = text.strip().split(".")
    while parts and parts[-1] in ("", "0"):
        parts.pop()
    return tuple(parts)


def read_metric(layout: Layout, value_type: str, code: list[str], sub_id: str) -> Metric:
    """The meaning of one OBX row at its place. `code` are the components of OBX-3, unescaped."""
    parts = [part.strip() for part in code] + [""] * 3
    system = parts[2]
    path = path_of(sub_id)
    label = parts[8] if len(parts) > 8 else ""
    problem = ""
    speaks_mdc = system.upper() in ("MDC", "") and (parts[0].isdigit() or parts[1].startswith(("MDC_", "MDCX_")))
    if speaks_mdc:
        found = mdc.resolve(parts[0], parts[1])
        number, refid, problem = found.code, found.refid, found.problem
        kind = kind_of(found.term, refid)
        device = (found.term is not None and found.term.kind == "device") or refid.startswith("MDC_DEV_")
        system = "MDC"
    else:
        number, refid, kind, device = 0, parts[0] or parts[1], "measurement", False
        label = label or parts[1]
        problem = "" if system else "unknown"
    name = str(number) if number else refid
    if len(path) >= 5:
        kind = "facet" if kind in ("measurement", "attribute") else kind
    kind_of_value = value_type.strip().upper()
    return Metric(
        layout.channel_of(path, name or "?"),
        number,
        refid,
        system,
        kind,
        path,
        kind_of_value,
        kind_of_value in ("NM", "SN", ""),
        kind_of_value in PLAIN_TYPES and not device and len(path) < 5 and refid not in SPECIAL,
        device,
        label,
        problem,
    )
