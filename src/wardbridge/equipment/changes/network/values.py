"""Flows, links, and what machines of a model in a zone may do on the network. Times in µs since the epoch (UTC)."""

from __future__ import annotations

import msgspec

ICMP = frozenset({"icmp", "icmp6"})
OURS = "wardbridge"
"""The peer that stands for this server in what our own gateway sees."""


class Flow(msgspec.Struct, frozen=True, gc=False):
    """One record of a flow: who opened it (``source``) to whom, the service's ``port``, how many it stands for."""

    at: int
    source: str
    target: str
    port: int
    protocol: str
    count: int = 1


class Bad(msgspec.Struct, frozen=True):
    """A line that could not be understood, as it was."""

    line: int
    reason: str
    text: str


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """What a file of flow records says. ``format``: zeek, zeek-json, nfdump, csv."""

    format: str
    lines: int
    flows: list[Flow]
    bad: list[Bad]


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``link_seen``; direction ``out``: the machine opened the connection."""

    device_id: str
    peer: str
    port: int
    protocol: str
    direction: str
    first_seen: int
    last_seen: int
    count: int
    source: str = ""
    judged: bool = False

    @property
    def key(self) -> tuple[str, int, str, str]:
        """Peer, port, protocol, direction."""
        return self.peer, self.port, self.protocol, self.direction


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Permits one service between the machines of the policy and a peer. ``peer`` names a group of the register
    (``model in zone``) or an address; ``addresses`` are those that were seen, what firewalls get. The last fields are
    the evidence: how many machines, how often, from when to when."""

    direction: str
    protocol: str
    port: int
    peer: str
    addresses: tuple[str, ...]
    devices: int = 0
    count: int = 0
    first_seen: int = 0
    last_seen: int = 0


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``network_policy``."""

    policy_id: str
    model_id: str
    zone: str
    state: str
    rules: tuple[Rule, ...]
    learned_from: int
    learned_to: int
    created: int
    approved_at: int | None = None
    by: str = ""

    @property
    def content(self) -> dict[str, object]:
        """What both sides sign."""
        return {"policy": self.policy_id, "model": self.model_id, "zone": self.zone, "rules": self.rules,
                "learned": [self.learned_from, self.learned_to]}  # fmt: skip
