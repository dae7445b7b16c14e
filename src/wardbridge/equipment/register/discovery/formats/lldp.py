"""LLDP neighbours as ``lldpcli show neighbors -f json`` writes them (IEEE 802.1AB, LLDP-MED inventory of TIA-1057)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.equipment.register import net
from wardbridge.equipment.register.discovery.values import Export, Sighting


def read(data: Any, where: str = "") -> Export | None:
    """The neighbours; None where this is something else. ``where`` is the switch on which the command ran: its local
    interfaces are the ports. Neighbours that are bridges or routers are the network itself and are passed over."""
    root = data.get("lldp") if isinstance(data, Mapping) else None
    if root is None:
        return None
    passed: Counter[str] = Counter()
    found = []
    for port, entry in _entries(root):
        one = _neighbour(port, entry, where, passed)
        if one is not None:
            found.append(one)
    return Export(kind="lldp", sightings=tuple(found), passed=dict(passed))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _entries(root: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(local interface, neighbour); json puts one neighbour as an object, more as a list; json0 names them inside."""
    for part in _list(root):
        for group in _list(part.get("interface") if isinstance(part, Mapping) else None):
            if not isinstance(group, Mapping):
                continue
            if "chassis" in group:
                yield str(group.get("name", "")), group
                continue
            for port, entry in group.items():
                for one in _list(entry):
                    if isinstance(one, Mapping):
                        yield str(port), one


def _neighbour(port: str, entry: Mapping[str, Any], where: str, passed: Counter[str]) -> Sighting | None:
    chassis = next((one for one in _list(entry.get("chassis")) if isinstance(one, Mapping)), {})
    name = ""
    if chassis and not any(key in chassis for key in ("id", "descr", "mgmt-ip", "capability")):
        name, chassis = next((str(k), v) for k, v in chassis.items())
        chassis = next((one for one in _list(chassis) if isinstance(one, Mapping)), {})
    able = {str(one.get("type", "")).lower() for one in _list(chassis.get("capability"))
            if isinstance(one, Mapping) and one.get("enabled") in (True, "on")}  # fmt: skip
    if able & {"bridge", "router"}:
        passed["a switch or router"] += 1
        return None
    far = next((one for one in _list(entry.get("port")) if isinstance(one, Mapping)), {})
    mac = _mac(chassis.get("id")) or _mac(far.get("id"))
    addresses = [ip for text in _list(chassis.get("mgmt-ip")) if (ip := _ip(_value(text)))]
    med = next((one for one in _list(entry.get("lldp-med")) if isinstance(one, Mapping)), {})
    stock = next((one for one in _list(med.get("inventory")) if isinstance(one, Mapping)), {})
    vlan = next((one for one in _list(entry.get("vlan")) if isinstance(one, Mapping)), {})
    if not mac and not addresses and not _value(stock.get("serial")):
        passed["says neither address nor serial number"] += 1
        return None
    number = str(vlan.get("vlan-id", ""))
    return Sighting(
        mac=mac, ip=addresses[0] if addresses else "", hostname=name or _value(chassis.get("name")),
        vlan=int(number) if number.isdecimal() and int(number) in net.VLANS else None, switch=where, port=port,
        manufacturer=_value(stock.get("manufacturer")), model=_value(stock.get("model")),
        serial=_value(stock.get("serial")), tag=_value(stock.get("asset")),
        firmware=_value(stock.get("firmware")) or _value(stock.get("software")),
    )  # fmt: skip


def _value(node: Any) -> str:
    """A text that stands as itself, or as ``value`` of an object, or in a list of one."""
    node = next(iter(_list(node)), "")
    if isinstance(node, Mapping):
        node = node.get("value", "")
    return str(node).strip()


def _mac(node: Any) -> str:
    for one in _list(node):
        if isinstance(one, Mapping) and one.get("type") == "mac":
            try:
                return net.mac(str(one.get("value", "")))
            except Invalid:
                return ""
    return ""


def _ip(text: str) -> str:
    try:
        return net.ip(text)
    except Invalid:
        return ""
