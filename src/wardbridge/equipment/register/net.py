"""Addresses of network interfaces: written once, read in every usual spelling (IEEE 802 MAC-48, RFC 4291, 802.1Q)."""

from __future__ import annotations

import ipaddress
import re

import msgspec

from wardbridge.core.errors import Invalid
from wardbridge.equipment.register.values import Interface

_PAIRS = re.compile(r"[0-9a-f]{1,2}([:-])(?:[0-9a-f]{1,2}\1){4}[0-9a-f]{1,2}")
_PLAIN = re.compile(r"[0-9a-f]{12}|(?:[0-9a-f]{4}[.:-]){2}[0-9a-f]{4}")
_NOBODY = frozenset({"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"})
VLANS = range(1, 4095)


def mac(text: str) -> str:
    """``aa:bb:cc:dd:ee:ff`` of ``AA-BB-…``, ``aabb.ccdd.eeff`` (Cisco), ``0:b:c:…`` (ISC), or 12 digits; empty stays.

    Raises Invalid for what is no address, or nobody's: the null, broadcast and group addresses.
    """
    body = text.strip().lower()
    if not body:
        return ""
    if _PAIRS.fullmatch(body):
        parts = [part.zfill(2) for part in re.split("[:-]", body)]
    elif _PLAIN.fullmatch(body):
        digits = re.sub("[.:-]", "", body)
        parts = [digits[at : at + 2] for at in range(0, 12, 2)]
    else:
        raise Invalid(f"{text.strip()[:40]!r} is no MAC address", "mac")
    found = ":".join(parts)
    if found in _NOBODY or int(parts[0], 16) & 1:
        raise Invalid(f"{found} is the address of no single machine", "mac")
    return found


def random_mac(address: str) -> bool:
    """Whether a MAC address was made up locally (IEEE 802, U/L bit): it may change and says no manufacturer."""
    return bool(address) and bool(int(address[:2], 16) & 2)


def ip(text: str) -> str:
    """An IPv4 or IPv6 address in its usual spelling; a prefix length is left out. Raises Invalid."""
    body = text.strip().partition("/")[0].partition("%")[0]
    if not body:
        return ""
    try:
        found = ipaddress.ip_address(body)
    except ValueError as error:
        raise Invalid(f"{text.strip()[:60]!r} is no IP address", "ip") from error
    if found.is_multicast or found.is_unspecified or found.is_loopback:
        raise Invalid(f"{found} is the address of no single machine", "ip")
    return str(found)


def vlan(text: str) -> int | None:
    """A VLAN id, 1 to 4094 (IEEE 802.1Q); None of ''. Raises Invalid."""
    body = text.strip()
    if not body:
        return None
    if not re.fullmatch(r"[0-9]{1,6}", body) or int(body) not in VLANS:
        raise Invalid(f"{body[:20]!r} is no VLAN: 1 to 4094", "vlan")
    return int(body)


def checked(one: Interface) -> Interface:
    """The interface with its addresses as we write them. Raises Invalid."""
    if one.vlan is not None and one.vlan not in VLANS:
        raise Invalid(f"{one.vlan} is no VLAN: 1 to 4094", "vlan")
    return msgspec.structs.replace(one, mac=mac(one.mac), ip=ip(one.ip))
