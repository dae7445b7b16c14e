"""DHCP leases and ARP tables: ISC dhcpd, Kea, dnsmasq, ``ip neigh``, ``arp -a`` of Unix and Windows, Cisco.

Each reader is given the text and says what it understood; nothing raises on a line that is something else.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from wardbridge.core.clock import SECOND, from_datetime
from wardbridge.core.errors import Invalid
from wardbridge.equipment.register import net
from wardbridge.equipment.register.discovery.values import Export, Sighting

Found = tuple[list[Sighting], Counter[str]]
_ISC = re.compile(r"^\s*lease\s+(\S+)\s*\{(.*?)^\s*\}", re.S | re.M)
_NEIGH = re.compile(r"^(\S+) dev (\S+)(?: lladdr (\S+))?.*?\b([A-Z]+)\s*$")
_ARP_A = re.compile(r"^(\S+) \(([0-9a-fA-F.:]+)\) at (\S+)(?: \[\w+\])?(?:.* on (\S+))?")
_ARP_N = re.compile(r"^(\d+\.\d+\.\d+\.\d+)\s+(?:ether\s+)?((?:[0-9a-fA-F]{1,2}[:-]){5}[0-9a-fA-F]{1,2})\s+(\S+)")
_CISCO = re.compile(r"^Internet\s+(\S+)\s+(\S+)\s+(\S+)\s+ARPA(?:\s+(\S+))?", re.I)
_CAM = re.compile(r"^\*?\s*(\d{1,4})\s+([0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})\s+(\w+)\s+(?:\S+\s+)*?(\S+)\s*$", re.I)
_PROMPT = re.compile(r"^([\w.-]+)[#>]\s*sh", re.M)


def _seen(passed: Counter[str], mac: str, ip: str, **more: object) -> Sighting | None:
    try:
        return Sighting(mac=net.mac(mac), ip=net.ip(ip), **more)  # type: ignore[arg-type]
    except Invalid:
        passed["no address of a machine"] += 1
        return None


def isc(text: str) -> Found:
    """``dhcpd.leases(5)``: the last entry of an address holds."""
    passed: Counter[str] = Counter()
    found: dict[str, Sighting | None] = {}
    for lease in _ISC.finditer(text):
        body = lease[2]
        mac = _first(r"hardware ethernet\s+([0-9a-fA-F:]+)", body)
        state = _first(r"^\s*binding state\s+(\w+)", body) or "active"
        host = _first(r'client-hostname\s+"([^"]*)"', body)
        if state != "active" or not mac:
            found.pop(lease[1], None)
            passed["lease is not in use" if mac else "lease without a MAC address"] += 1
            continue
        began = _first(r"^\s*starts\s+(?:\d\s+)?([\d/]+ [\d:]+|epoch \d+)", body)
        found[lease[1]] = _seen(passed, mac, lease[1], hostname=host, at=_isc_time(began))
    return [one for one in found.values() if one], passed


def _isc_time(text: str) -> int | None:
    if text.startswith("epoch"):
        return int(text.split()[1]) * SECOND
    try:
        return from_datetime(datetime.strptime(text, "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC))
    except ValueError:
        return None


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.M)
    return found[1] if found else ""


def kea(text: str) -> Found:
    """Kea's memfile: CSV; the last row of an address holds; state 0 is in use."""
    passed: Counter[str] = Counter()
    found: dict[str, Sighting | None] = {}
    for row in csv.DictReader(io.StringIO(text)):
        address, mac = row.get("address") or "", row.get("hwaddr") or ""
        if (row.get("state") or "0") != "0" or row.get("valid_lifetime") == "0" or not mac:
            found.pop(address, None)
            passed["lease is not in use" if mac else "lease without a MAC address"] += 1
            continue
        host = (row.get("hostname") or "").replace("&#x2c", ",").rstrip(".")
        ended, lasts = row.get("expire") or "", row.get("valid_lifetime") or ""
        at = (int(ended) - int(lasts)) * SECOND if ended.isdecimal() and lasts.isdecimal() and len(ended) < 12 else None
        found[address] = _seen(passed, mac, address, hostname=host, at=at)
    return [one for one in found.values() if one], passed


def dnsmasq(text: str) -> Found:
    """``expiry mac address name client-id`` a line; * is an unknown name."""
    passed: Counter[str] = Counter()
    found = []
    for line in text.splitlines():
        parts = line.split()
        if len(parts) < 4 or not parts[0].isdecimal() or ":" not in parts[1]:
            passed["not a lease with a MAC address"] += bool(line.strip())
            continue
        mac = parts[1].split("-")[-1]
        found.append(_seen(passed, mac, parts[2], hostname="" if parts[3] == "*" else parts[3]))
    return [one for one in found if one], passed


def neighbours(text: str) -> Found:
    """``ip neigh``: entries that failed have no address."""
    passed: Counter[str] = Counter()
    found = []
    for line in text.splitlines():
        entry = _NEIGH.match(line.strip())
        if not entry:
            passed["line was not understood"] += bool(line.strip())
        elif not entry[3] or entry[4] in ("FAILED", "INCOMPLETE"):
            passed["nobody answered"] += 1
        else:
            found.append(_seen(passed, entry[3], entry[1]))
    return [one for one in found if one], passed


def arp(text: str) -> Found:
    """``arp -a`` and ``arp -n`` of Linux, BSD, macOS, and ``arp -a`` of Windows."""
    passed: Counter[str] = Counter()
    found = []
    for raw in text.splitlines():
        line = raw.strip()
        named, plain = _ARP_A.match(line), _ARP_N.match(line)
        if named and "incomplete" in named[3]:
            passed["nobody answered"] += 1
        elif named:
            host = "" if named[1] == "?" else named[1]
            found.append(_seen(passed, named[3], named[2], hostname=host))
        elif plain and plain[3].lower() == "static":
            passed["fixed entry"] += 1
        elif plain:
            found.append(_seen(passed, plain[2], plain[1]))
        else:
            passed["line was not understood"] += bool(line)
    return [one for one in found if one], passed


def cisco(text: str) -> Found:
    """``show ip arp``; an age of - is the router's own address. ``show mac address-table`` tells the port of each."""
    passed: Counter[str] = Counter()
    named = _PROMPT.search(text)
    switch = named[1] if named else ""
    ports: dict[str, tuple[int, str]] = {}
    found = []
    for raw in text.splitlines():
        line = raw.strip()
        entry, port = _CISCO.match(line), _CAM.match(line)
        if entry and (entry[2] == "-" or entry[3].lower() == "incomplete"):
            passed["the router's own, or nobody answered"] += 1
        elif entry:
            vlan = re.fullmatch(r"Vlan(\d{1,4})", entry[4] or "", re.I)
            found.append(_seen(passed, entry[3], entry[1], vlan=int(vlan[1]) if vlan else None))
        elif port and port[3].upper() in ("DYNAMIC", "STATIC") and port[4].upper() not in ("CPU", "ROUTER", "DROP"):
            ports[port[2].lower()] = (int(port[1]), port[4])
        else:
            passed["line was not understood"] += bool(line)
    for mac, (number, name) in ports.items():
        found.append(_seen(passed, mac, "", vlan=number if number in net.VLANS else None, switch=switch, port=name))
    return [one for one in found if one], passed


_LOOKS: tuple[tuple[str, str, re.Pattern[str], Callable[[str], Found]], ...] = (
    ("dhcp", "ISC dhcpd leases", re.compile(r"^\s*lease\s+\S+\s*\{", re.M), isc),
    ("dhcp", "Kea leases", re.compile(r"\A\ufeff?address,(hwaddr|duid)\b"), kea),
    ("dhcp", "dnsmasq leases", re.compile(r"^\d{1,12} (?:[0-9a-f]{2}-)?(?:[0-9a-f]{2}:){5}[0-9a-f]{2} ", re.M | re.I),
     dnsmasq),
    ("arp", "Cisco show ip arp", re.compile(r"^\s*Internet\s+\S+\s+\S+\s+\S+\s+ARPA", re.M | re.I), cisco),
    ("arp", "Cisco show mac address-table", re.compile(_CAM.pattern, re.M | re.I), cisco),
    ("arp", "ip neigh", re.compile(r"^\S+ dev \S+ ", re.M), neighbours),
    ("arp", "arp -a", re.compile(r"^\S+ \([0-9a-fA-F.:]+\) at \S+|^\s*\d+\.\d+\.\d+\.\d+\s+(?:ether\s+)?"
                                 r"(?:[0-9a-fA-F]{1,2}[:-]){5}", re.M), arp),
)  # fmt: skip


def read(text: str) -> Export | None:
    """What a text holds, by how it looks; None for none of these formats."""
    for kind, _, looks, reader in _LOOKS:
        if looks.search(text):
            found, passed = reader(text)
            return Export(kind=kind, sightings=tuple(found), passed={k: n for k, n in passed.items() if n})
    return None
