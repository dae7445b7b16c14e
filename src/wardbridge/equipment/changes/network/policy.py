"""From what was seen to what is permitted: rules with their evidence, least privilege, in an order that stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from wardbridge.equipment.changes.network.values import Link, Rule


def suggest(links: Iterable[Link], groups: Mapping[str, str]) -> tuple[Rule, ...]:
    """Allow rules for the links of one kind of machine. ``groups`` names peers that the register knows: {address: model
    in zone}; the others stand for themselves."""
    found: dict[tuple[str, str, int, str], list[Link]] = {}
    for link in links:
        peer = groups.get(link.peer, link.peer)
        found.setdefault((link.direction, link.protocol, link.port, peer), []).append(link)
    return tuple(
        Rule(
            direction=direction, protocol=protocol, port=port, peer=peer,
            addresses=tuple(sorted({one.peer for one in many}, key=_numeric)),
            devices=len({one.device_id for one in many}), count=sum(one.count for one in many),
            first_seen=min(one.first_seen for one in many), last_seen=max(one.last_seen for one in many),
        )
        for (direction, protocol, port, peer), many in sorted(found.items())
    )  # fmt: skip


def _numeric(address: str) -> tuple[int, str]:
    parts = address.split(".")
    if len(parts) == 4 and all(part.isdigit() for part in parts):
        return 4, ".".join(part.zfill(3) for part in parts)
    return 6, address


def covers(rule: Rule, link: Link, groups: Mapping[str, str]) -> bool:
    """Whether a rule permits a link: the same service, and the peer is of its group or one of its addresses."""
    return (
        (rule.direction, rule.protocol, rule.port) == (link.direction, link.protocol, link.port)
        and (link.peer in rule.addresses or groups.get(link.peer, link.peer) == rule.peer)
    )  # fmt: skip


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What a suggestion changes: rules that are new, that nobody used any more, that got other addresses."""

    added: tuple[Rule, ...] = ()
    unused: tuple[Rule, ...] = ()
    widened: tuple[tuple[Rule, Rule], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether both permit the same."""
        return not (self.added or self.unused or self.widened)


def compare(approved: Sequence[Rule], suggested: Sequence[Rule]) -> Difference:
    """The approved rules against the suggested ones; evidence does not count."""
    before, after = ({(r.direction, r.protocol, r.port, r.peer): r for r in rules} for rules in (approved, suggested))
    return Difference(
        added=tuple(rule for key, rule in after.items() if key not in before),
        unused=tuple(rule for key, rule in before.items() if key not in after),
        widened=tuple((before[key], rule) for key, rule in after.items()
                      if key in before and before[key].addresses != rule.addresses),
    )  # fmt: skip
