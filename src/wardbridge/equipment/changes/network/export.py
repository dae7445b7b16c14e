"""A policy as JSON, CSV, nftables and Cisco-style ACL text.

A suggestion to be reviewed by whoever runs the firewall: the same policy gives the same text, names are made safe,
addresses of both families are kept apart, and everything else of these machines is logged, not dropped, until somebody
changes the last lines. Peers without an address (this server, seen by its own gateway) become a set to fill in.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

import msgspec

from wardbridge.core.clock import iso
from wardbridge.core.sheets import csv_text
from wardbridge.equipment.changes.network.values import ICMP, OURS, Policy, Rule

FORMATS = {"json": "application/json", "csv": "text/csv", "nft": "text/plain", "acl": "text/plain"}


def as_json(policy: Policy, name: str, addresses: Sequence[str]) -> str:
    """The policy with the addresses of its machines."""
    said = {"model": policy.model_id, "name": name, "zone": policy.zone, "state": policy.state,
            "learned": {"from": iso(policy.learned_from), "to": iso(policy.learned_to)},
            "machines": sorted(addresses), "rules": policy.rules}  # fmt: skip
    return msgspec.json.format(msgspec.json.encode(said), indent=2).decode() + "\n"


def as_csv(policy: Policy, name: str, addresses: Sequence[str]) -> str:
    """One line a rule."""
    heads = ("machines", "direction", "protocol", "port", "peer", "addresses", "devices", "flows", "first", "last")
    return csv_text(
        heads,
        [(f"{name} {policy.zone}".strip(), rule.direction, rule.protocol, rule.port, rule.peer,
          " ".join(rule.addresses), rule.devices, rule.count, iso(rule.first_seen), iso(rule.last_seen))
         for rule in policy.rules],
    )  # fmt: skip


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:40] or "machines"


def _by_family(addresses: Sequence[str]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {4: [], 6: []}
    for text in addresses:
        try:
            one = ipaddress.ip_address(text)
        except ValueError:
            continue
        found[one.version].append(str(one))
    return {version: sorted(many, key=ipaddress.ip_address) for version, many in found.items() if many}


def as_nft(policy: Policy, name: str, addresses: Sequence[str]) -> str:
    """An nftables table: a set of the machines, accept rules with counters, the rest logged."""
    label, own = _safe(f"{name} {policy.zone}"), _by_family(addresses)
    where = _safe(policy.zone) if policy.zone else "none"
    lines = [f"# Suggestion for {_safe(name)} in zone {where}: review before use.", f"table inet wardbridge_{label} {{"]
    lines += [
        f"    set machines{version} {{ type ipv{version}_addr; elements = {{ {', '.join(many)} }} }}"
        for version, many in own.items()
    ]
    if any(OURS in rule.addresses for rule in policy.rules):
        lines.append(f"    set {OURS} {{ type ipv4_addr; }}  # fill in the address of this server")
    lines += ["    chain forward {", "        type filter hook forward priority filter; policy accept;",
              "        ct state established,related accept"]  # fmt: skip
    for rule in policy.rules:
        lines += [f"        {line}" for line in _nft(rule, own)]
    for version in own:
        family = "ip" if version == 4 else "ip6"
        lines += [f'        {family} {side} @machines{version} counter log prefix "wardbridge {label} "'
                  for side in ("saddr", "daddr")]  # fmt: skip
    return "\n".join([*lines, "    }", "}", ""])


def _nft(rule: Rule, own: dict[int, list[str]]) -> list[str]:
    mine, theirs = ("saddr", "daddr") if rule.direction == "out" else ("daddr", "saddr")
    note = f'comment "{rule.devices} machines, {rule.count} flows"'
    found = []
    for version, peers in _peers(rule).items():
        if version in own:
            family = "ip" if version == 4 else "ip6"
            found.append(
                f"{family} {mine} @machines{version} {family} {theirs} {peers} {_service(rule)} counter accept {note}"
            )
    return found


def _peers(rule: Rule) -> dict[int, str]:
    found = {version: f"{{ {', '.join(many)} }}" for version, many in _by_family(rule.addresses).items()}
    return found | ({4: f"@{OURS}"} if OURS in rule.addresses else {})


def _service(rule: Rule) -> str:
    if rule.protocol in ICMP:
        return f"meta l4proto {'icmp' if rule.protocol == 'icmp' else 'ipv6-icmp'}"
    if rule.protocol in ("tcp", "udp", "sctp"):
        return f"{rule.protocol} dport {rule.port}"
    return f"meta l4proto {_safe(rule.protocol)}"


def as_acl(policy: Policy, name: str, addresses: Sequence[str]) -> str:
    """Object groups and an extended access list as Cisco IOS spells them (IPv4; a note where IPv6 was seen)."""
    label, own = _safe(f"{name} {policy.zone}"), _by_family(addresses)
    lines = [f"! Suggestion for {label}: review before use.", f"object-group network WB-{label}"]
    lines += [f" host {one}" for one in own.get(4, ())]
    body = [f"ip access-list extended WB-{label}-ACL"]
    for number, rule in enumerate(policy.rules, 1):
        peers = _by_family(rule.addresses).get(4, [])
        if not peers and OURS not in rule.addresses:
            body.append(f" remark rule {number}: {_safe(rule.protocol)} {rule.port}, IPv6 only, not in this list")
            continue
        group = f"WB-{label}-{number}"
        lines += [f"object-group network {group}", *[f" host {one}" for one in peers]]
        if OURS in rule.addresses:
            lines.append(" ! add the address of this server")
        us, them = f"object-group WB-{label}", f"object-group {group}"
        ports = f" eq {rule.port}" if rule.protocol in ("tcp", "udp", "sctp") else ""
        ends = f"{us} {them}{ports}" if rule.direction == "out" else f"{them} {us}{ports}"
        body.append(f" remark {rule.devices} machines, {rule.count} flows")
        body.append(f" permit {_safe(rule.protocol)} {ends}")
    body.append(f" permit ip object-group WB-{label} any log")
    return "\n".join([*lines, *body, ""])


def write(policy: Policy, name: str, addresses: Sequence[str], kind: str) -> str:
    """The policy in one of :data:`FORMATS`."""
    return {"json": as_json, "csv": as_csv, "nft": as_nft, "acl": as_acl}[kind](policy, name, addresses)
