"""NetBox: devices, interfaces and ip-addresses as its REST API writes them (/api/dcim, /api/ipam), or devices as CSV.

Lists of the three may stand in one file (``{"devices": […], "interfaces": […], "ip_addresses": […]}``) or in several
that are read together; pages (``results``) are taken as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.equipment.register import net
from wardbridge.equipment.register.discovery.values import Export, Sighting

_CSV = {"name": "label", "manufacturer": "manufacturer", "type": "model", "device type": "model",
        "serial number": "serial", "serial": "serial", "asset tag": "tag", "ip address": "ip", "primary ip": "ip",
        "primary ip4": "ip", "location": "place", "site": "site"}  # fmt: skip
_OURS = ("device_type", "assigned_object", "device")


def objects(data: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of NetBox in a value: a page, a list, or lists by name."""
    if isinstance(data, list):
        for one in data:
            if isinstance(one, Mapping):
                yield one
    elif isinstance(data, Mapping):
        if "results" in data:
            yield from objects(data["results"])
        elif any(key in data for key in _OURS):
            yield data
        else:
            for part in data.values():
                if isinstance(part, list | Mapping):
                    yield from objects(part)


def read(found: Sequence[Mapping[str, Any]]) -> Export | None:
    """What NetBox objects say of machines; None where there are none."""
    devices = {one.get("id"): one for one in found if "device_type" in one}
    interfaces = [one for one in found if "device" in one and "device_type" not in one]
    addresses = [one for one in found if "assigned_object" in one and "address" in one]
    if not devices and not interfaces and not addresses:
        return None
    passed: Counter[str] = Counter()
    ips: dict[Any, str] = {}
    alone = []
    for one in addresses:
        port = _map(one.get("assigned_object"))
        ip = _checked(net.ip, one.get("address"), passed)
        if ip and port.get("id") is not None and any(p.get("id") == port.get("id") for p in interfaces):
            ips[port.get("id")] = ip
        elif ip:
            alone.append((port, ip))
    out = []
    told: set[Any] = set()
    for one in interfaces:
        owner = _map(one.get("device"))
        device = devices.get(owner.get("id"), owner)
        primary = _map(one.get("primary_mac_address")).get("mac_address")
        mac = _checked(net.mac, one.get("mac_address") or primary, passed)
        ip = ips.get(one.get("id"), "")
        if not mac and not ip:
            passed["interface without an address"] += 1
            continue
        told.add(owner.get("id"))
        out.append(_sighting(device, mac, ip, one))
    for port, ip in alone:
        owner = _map(port.get("device"))
        told.add(owner.get("id"))
        out.append(_sighting(devices.get(owner.get("id"), owner), "", ip, port))
    for ident, device in devices.items():
        if ident not in told:
            primary = _map(device.get("primary_ip") or device.get("primary_ip4"))
            out.append(_sighting(device, "", _checked(net.ip, primary.get("address"), passed), {}))
    said = tuple(one for one in out if one.mac or one.ip or one.serial or one.label)
    passed["says nothing of itself"] = len(out) - len(said)
    return Export(kind="netbox", sightings=said, passed={k: n for k, n in passed.items() if n})


def table(rows: Sequence[Sequence[str]]) -> Export | None:
    """The CSV of NetBox's list of devices; None where the headings are others."""
    heads = [text.strip().casefold() for text in rows[0]]
    if not {"name", "role"} <= set(heads) or not {"type", "device type"} & set(heads):
        return None
    passed: Counter[str] = Counter()
    out = []
    for cells in rows[1:]:
        said: dict[str, Any] = {
            _CSV[head]: text.strip() for head, text in zip(heads, cells, strict=False) if head in _CSV and text.strip()
        }
        site = said.pop("site", "")
        said["ip"] = _checked(net.ip, said.get("ip", ""), passed)
        place = " ".join(part for part in (site, said.pop("place", "")) if part)
        if said.get("label") or said.get("serial"):
            out.append(Sighting(place=place, hostname=said.get("label", ""), **said))
    return Export(kind="netbox", sightings=tuple(out), passed={k: n for k, n in passed.items() if n})


def _sighting(device: Mapping[str, Any], mac: str, ip: str, port: Mapping[str, Any]) -> Sighting:
    kind = _map(device.get("device_type"))
    vlan = _map(port.get("untagged_vlan")).get("vid")
    ends = port.get("connected_endpoints")
    far = next((one for one in ends if isinstance(one, Mapping)), {}) if isinstance(ends, list) else {}
    place = " ".join(str(_map(device.get(key)).get("name", "")) for key in ("site", "location")).strip()
    return Sighting(
        mac=mac, ip=ip, hostname=str(device.get("name") or ""), name=str(port.get("name") or ""),
        vlan=vlan if isinstance(vlan, int) and vlan in net.VLANS else None,
        switch=str(_map(far.get("device")).get("name") or ""), port=str(far.get("name") or ""),
        manufacturer=str(_map(kind.get("manufacturer")).get("name") or ""), model=str(kind.get("model") or ""),
        serial=str(device.get("serial") or ""), tag=str(device.get("asset_tag") or ""),
        label=str(device.get("name") or ""), place=place,
    )  # fmt: skip


def _map(node: Any) -> Mapping[str, Any]:
    return node if isinstance(node, Mapping) else {}


def _checked(read_: Any, text: Any, passed: Counter[str]) -> str:
    try:
        return str(read_(str(text or "")))
    except Invalid:
        passed["no address of a machine"] += 1
        return ""
