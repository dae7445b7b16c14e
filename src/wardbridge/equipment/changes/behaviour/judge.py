"""Is a link of a machine expected? By the approved policy, by what was learned, by what people taught; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from wardbridge.equipment.changes.network.policy import covers
from wardbridge.equipment.changes.network.values import Link, Rule

ANY = "*"


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``expected_link``. '*' as peer, -1 as port: any."""

    expected_id: str
    model_id: str
    zone: str
    peer: str
    port: int
    protocol: str
    direction: str
    reason: str
    at: int
    by: str


class Usual(msgspec.Struct, frozen=True, kw_only=True):
    """What is usual for machines of a model in a zone: the rules of the approved policy (None where there is none), the
    links of the learning period and its end (µs), what people taught, and what addresses are called."""

    learned_until: int
    rules: Sequence[Rule] | None = None
    learned: frozenset[tuple[str, int, str, str]] = frozenset()
    taught: Sequence[Expected] = ()
    groups: Mapping[str, str] = {}


def judge(link: Link, usual: Usual) -> str:
    """'' for what is expected, ``peer`` for a partner that these machines never had, ``port`` for a known partner on
    another service.

    An approved policy decides alone; without one it is what was seen while learning. What people taught always counts.
    """
    if any(_teaches(one, link) for one in usual.taught):
        return ""
    if usual.rules is not None:
        if any(covers(rule, link, usual.groups) for rule in usual.rules):
            return ""
        known = any(link.peer in rule.addresses or usual.groups.get(link.peer) == rule.peer for rule in usual.rules)
        return "port" if known else "peer"
    if link.first_seen < usual.learned_until or link.key in usual.learned:
        return ""
    return "port" if any(peer == link.peer for peer, *_ in usual.learned) else "peer"


def _teaches(one: Expected, link: Link) -> bool:
    return (
        one.peer in (ANY, link.peer)
        and one.port in (-1, link.port)
        and (one.protocol, one.direction) == (link.protocol, link.direction)
    )


def words(kind: str, detail: Mapping[str, object]) -> str:
    """What happened, in a line for people."""
    match kind:
        case "peer" | "port":
            way = "opens" if detail["direction"] == "out" else "is called on"
            what = "a new peer" if kind == "peer" else "a new service"
            return f"{what}: {way} {detail['protocol']} {detail['port']}, {detail['peer']}"
        case "firmware":
            return f"firmware {detail['old'] or 'unknown'} became {detail['new']} without a change, patch or order"
        case _:
            return f"{kind.replace('-', ' ')} {detail['old'] or 'unknown'} became {detail['new']}"


def merged(
    details: Iterable[Mapping[str, object]], new: Mapping[str, object], limit: int = 50
) -> list[dict[str, object]]:
    """Details of one finding, the newest last, each only once."""
    found = [dict(one) for one in details if {**one, "at": 0} != {**new, "at": 0}]
    return [*found, dict(new)][-limit:]
