"""Reading flow records, suggesting what machines may do on the network, and agreeing on it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

import msgspec

from wardbridge.core.clock import DAY
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.changes.network import flows, store
from wardbridge.equipment.changes.network.policy import Difference, compare, suggest
from wardbridge.equipment.changes.network.values import Flow, Link, Parsed, Policy, Rule
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.signing import sign as signing
from wardbridge.security.principal import Principal

SUBJECT = "network-policy"
MEANING = "approved"
LEARNING_DAYS = 14
STRANGERS = 1000
"""So many addresses that are in no row are kept of an import, the most frequent ones."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What an import brought: ``links`` of machines, ``strange`` flows between addresses of no machine."""

    import_id: str
    parsed: Parsed
    links: int
    used: int
    strange: int


def links_of(found: Iterable[Flow], machines: dict[str, str], source: str) -> tuple[list[Link], int, Counter[str]]:
    """Flows as links of machines at {address: device id}: the links, how many flows they came from, and the addresses
    of flows that no machine takes part in."""
    links: dict[tuple[str, str, int, str, str], Link] = {}
    used, strangers = 0, Counter[str]()
    for one in found:
        ends = ((one.source, one.target, "out"), (one.target, one.source, "in"))
        mine = [(machines[here], there, direction) for here, there, direction in ends if here in machines]
        used += bool(mine)
        if not mine:
            strangers.update({one.source: 1, one.target: 1})
        for device_id, peer, direction in mine:
            key = (device_id, peer, one.port, one.protocol, direction)
            known = links.get(key)
            links[key] = Link(
                device_id=device_id, peer=peer, port=one.port, protocol=one.protocol, direction=direction,
                first_seen=min(one.at, known.first_seen) if known else one.at,
                last_seen=max(one.at, known.last_seen) if known else one.at,
                count=one.count + (known.count if known else 0), source=source,
            )  # fmt: skip
    return list(links.values()), used, strangers


async def take(shop: Shop, conn: Connection, name: str, data: bytes, by: Principal) -> Outcome:
    """Read a file of flow records (see :mod:`.flows`).

    Raises Invalid where it is of no known format, Conflict where the same file was read before.
    """
    parsed = flows.read(data)
    addresses = {address for one in parsed.flows for address in (one.source, one.target)}
    machines = await store.machines_at(conn, list(addresses))
    found, used, strangers = links_of(parsed.flows, machines, parsed.format)
    import_id = shop.ids()
    fresh = await store.put_import(
        conn, import_id, shop.clock.now(), name[:200], parsed, used, dict(strangers.most_common(STRANGERS)),
        hashlib.sha256(data).hexdigest(), by.id,
    )  # fmt: skip
    if not fresh:
        raise Conflict("this file was read before", "file")
    await store.add(conn, found)
    return Outcome(import_id=import_id, parsed=parsed, links=len(found), used=used, strange=len(parsed.flows) - used)


async def learn(shop: Shop, conn: Connection, model_id: str, zone: str, days: int) -> None:
    """Take what is seen of a model in a zone as usual, from now for so many days."""
    if not 1 <= days <= 365:
        raise Invalid("a learning period lasts 1 to 365 days", "days")
    now = shop.clock.now()
    await store.set_learning(conn, model_id, zone, now, now + days * DAY)


async def propose(shop: Shop, conn: Connection, model_id: str, zone: str, by: Principal, *, days: int = LEARNING_DAYS
                  ) -> Policy:  # fmt: skip
    """Suggest a policy from the links of the last ``days``; an earlier suggestion is withdrawn.

    Raises Invalid where nothing was seen.
    """
    now = shop.clock.now()
    start = now - days * DAY
    found = await store.links(conn, model_id=model_id, zone=zone, since=start)
    if not found:
        raise Invalid(f"nothing was seen of these machines in the last {days} days", "model")
    for old in await store.policies(conn, state="suggested", model_id=model_id, zone=zone):
        await store.put_policy(conn, msgspec.structs.replace(old, state="withdrawn"))
    rules = suggest(found, await store.names(conn, sorted({one.peer for one in found})))
    policy = Policy(policy_id=shop.ids(), model_id=model_id, zone=zone, state="suggested", rules=rules,
                    learned_from=start, learned_to=now, created=now, by=by.id)  # fmt: skip
    await store.put_policy(conn, policy)
    return policy


async def drop(conn: Connection, policy_id: str, number: int) -> Policy:
    """Leave out rule ``number`` (from 1) of a suggestion; what was signed before does not hold for the rest."""
    policy = await _suggested(conn, policy_id)
    if not 1 <= number <= len(policy.rules):
        raise NotFound("there is no such rule", f"rule {number}")
    rules = tuple(rule for at, rule in enumerate(policy.rules, 1) if at != number)
    policy = msgspec.structs.replace(policy, rules=rules)
    await store.put_policy(conn, policy)
    return policy


async def sign(shop: Shop, conn: Connection, policy_id: str, side: str, by: Principal, *, digest: str = "") -> Policy:
    """Approve as one side; with both it is in force and the one before it is replaced.

    Raises Conflict where the rules are others by now, Forbidden, NotFound.
    """
    policy = await _suggested(conn, policy_id)
    if digest and digest != signing.digest(policy.content):
        raise Conflict("the rules are no longer what you saw: read them again", "digest")
    if side not in signing.BOTH:
        raise Invalid(f"a policy is signed by: {', '.join(signing.BOTH)}", "side")
    await signing.sign(shop, conn, SUBJECT, policy_id, policy.content, meaning=MEANING, side=side, by=by)
    if not await signing.complete(conn, SUBJECT, policy_id, policy.content, meaning=MEANING):
        return policy
    for old in await store.policies(conn, state="approved", model_id=policy.model_id, zone=policy.zone):
        await store.put_policy(conn, msgspec.structs.replace(old, state="replaced"))
    policy = msgspec.structs.replace(policy, state="approved", approved_at=shop.clock.now())
    await store.put_policy(conn, policy)
    return policy


async def _suggested(conn: Connection, policy_id: str) -> Policy:
    policy = await store.policy(conn, policy_id, lock=True)
    if policy is None:
        raise NotFound("there is no such policy", f"policy/{policy_id}")
    if policy.state != "suggested":
        raise Conflict(f"this policy is {policy.state}", "state")
    return policy


async def difference(source: store.Source, policy: Policy) -> Difference:
    """What a suggestion changes against the policy in force."""
    found = await store.policies(source, state="approved", model_id=policy.model_id, zone=policy.zone)
    approved: tuple[Rule, ...] = found[0].rules if found else ()
    return compare(approved, policy.rules)
