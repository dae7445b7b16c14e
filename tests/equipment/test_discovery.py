"""Exports of network tools: what each says, what it suggests, what people make of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.equipment.conftest import OPERATOR, TECHNICIAN, Stocked

from wardbridge.core.errors import Conflict, Invalid
from wardbridge.equipment.register import desk, store
from wardbridge.equipment.register.discovery import desk as discovery
from wardbridge.equipment.register.discovery import store as suggestions
from wardbridge.equipment.register.discovery.formats.read import read
from wardbridge.equipment.register.discovery.values import Export, Outcome, Sighting
from wardbridge.equipment.register.values import Interface
from wardbridge.equipment.shop import Shop

ISC = """
# The format of this file is documented in dhcpd.leases(5)
lease 10.1.0.5 {
  starts 4 2026/01/01 08:00:00;
  ends 4 2026/01/01 20:00:00;
  binding state active;
  hardware ethernet 00:11:22:aa:00:05;
  client-hostname "pump-old";
}
lease 10.1.0.6 {
  starts 4 2026/01/01 08:00:00;
  binding state free;
  hardware ethernet 00:11:22:aa:00:06;
}
lease 10.1.0.5 {
  starts 4 2026/01/01 09:00:00;
  binding state active;
  next binding state free;
  hardware ethernet 00:11:22:aa:00:05;
  uid "\\001\\000";
  client-hostname "pump-5";
}
"""
KEA = """address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id
10.1.0.5,00:11:22:aa:00:05,01:00,3600,1767258000,1,0,0,pump-5,0,,0
10.1.0.6,00:11:22:aa:00:06,,3600,1767258000,1,0,0,,2,,0
10.1.0.7,00:11:22:aa:00:07,,3600,1767258000,1,0,0,,0,,0
10.1.0.7,00:11:22:aa:00:07,,0,1767258000,1,0,0,,0,,0
"""
DNSMASQ = """1767258000 00:11:22:aa:00:05 10.1.0.5 pump-5 01:00:11:22:aa:00:05
duid 00:01:00:01
1767258000 9348573 fd00::5 * 00:01:00
"""
NEIGH = """10.1.0.5 dev eth0 lladdr 00:11:22:aa:00:05 REACHABLE
10.1.0.9 dev eth0 FAILED
fe80::1 dev eth0 lladdr 00:11:22:aa:00:01 router STALE
"""
ARP_UNIX = """pump-5 (10.1.0.5) at 00:11:22:aa:00:05 [ether] on eth0
? (10.1.0.9) at <incomplete> on eth0
? (10.1.0.255) at ff:ff:ff:ff:ff:ff on en0 ifscope [ethernet]
"""
ARP_BSD = "pump-5 (10.1.0.5) at 0:11:22:aa:0:5 on en0 ifscope [ethernet]\n"
ARP_WINDOWS = """Interface: 10.1.0.2 --- 0x7
  Internet Address      Physical Address      Type
  10.1.0.5              00-11-22-aa-00-05     dynamic
  224.0.0.22            01-00-5e-00-00-16     static
"""
CISCO = """core-1#show ip arp
Protocol  Address          Age (min)  Hardware Addr   Type   Interface
Internet  10.1.0.1                -   0011.22aa.0001  ARPA   Vlan20
Internet  10.1.0.5               12   0011.22aa.0005  ARPA   Vlan20
Internet  10.1.0.8                0   Incomplete      ARPA
"""
CAM = """sw-icu#show mac address-table
Vlan    Mac Address       Type        Ports
----    -----------       --------    -----
 All    0100.0ccc.cccc    STATIC      CPU
  20    0011.22aa.0005    DYNAMIC     Gi1/0/5
"""
LLDP = {"lldp": {"interface": [
    {"swp5": {"via": "LLDP", "chassis": {"pump-5": {
        "id": {"type": "mac", "value": "00:11:22:aa:00:05"}, "mgmt-ip": "10.1.0.5",
        "capability": {"type": "Station", "enabled": True}}},
        "port": {"id": {"type": "ifname", "value": "eth0"}}, "vlan": {"vlan-id": "20", "pvid": True},
        "lldp-med": {"inventory": {"manufacturer": "Acme", "model": "Flow 3", "serial": "S5", "firmware": "2.1"}}}},
    {"swp48": {"chassis": {"core-1": {"id": {"type": "mac", "value": "00:11:22:aa:00:01"},
        "capability": [{"type": "Bridge", "enabled": True}, {"type": "Router", "enabled": True}]}}}},
]}}  # fmt: skip
NETBOX: dict[str, Any] = {
    "devices": {"count": 1, "results": [{
        "id": 7, "name": "pump-5", "serial": "S5", "asset_tag": "A-5", "site": {"name": "Main"},
        "device_type": {"model": "Flow 3", "manufacturer": {"name": "Acme"}}, "location": {"name": "ICU"}}]},
    "interfaces": {"results": [{
        "id": 70, "name": "eth0", "device": {"id": 7, "name": "pump-5"}, "mac_address": "00:11:22:AA:00:05",
        "untagged_vlan": {"vid": 20}, "connected_endpoints": [{"name": "Gi1/0/5", "device": {"name": "sw-icu"}}]}]},
    "ip_addresses": {"results": [{
        "id": 700, "address": "10.1.0.5/24", "assigned_object": {"id": 70, "name": "eth0", "device": {"id": 7}}}]},
}  # fmt: skip
NETBOX_CSV = "ID,Name,Status,Site,Role,Manufacturer,Type,IP Address,Serial number,Asset tag\n" \
             "7,pump-5,Active,Main,Pump,Acme,Flow 3,10.1.0.5/24,S5,A-5\n"  # fmt: skip
MAC, IP = "00:11:22:aa:00:05", "10.1.0.5"


@pytest.mark.parametrize(
    ("text", "kind", "expected", "passed"),
    [
        (ISC, "dhcp", {"mac": MAC, "ip": IP, "hostname": "pump-5", "at": 1767258000000000}, 1),
        (KEA, "dhcp", {"mac": MAC, "ip": IP, "hostname": "pump-5", "at": 1767254400000000}, 2),
        (DNSMASQ, "dhcp", {"mac": MAC, "ip": IP, "hostname": "pump-5"}, 2),
        (NEIGH, "arp", {"mac": MAC, "ip": IP}, 1),
        (ARP_UNIX, "arp", {"mac": MAC, "ip": IP, "hostname": "pump-5"}, 2),
        (ARP_BSD, "arp", {"mac": MAC, "ip": IP, "hostname": "pump-5"}, 0),
        (ARP_WINDOWS, "arp", {"mac": MAC, "ip": IP}, 3),
        (CISCO, "arp", {"mac": MAC, "ip": IP, "vlan": 20}, 4),
        (CAM, "arp", {"mac": MAC, "vlan": 20, "switch": "sw-icu", "port": "Gi1/0/5"}, 4),
        (json.dumps(LLDP), "lldp",
         {"mac": MAC, "ip": IP, "hostname": "pump-5", "vlan": 20, "switch": "sw-9", "port": "swp5", "serial": "S5",
          "manufacturer": "Acme", "model": "Flow 3", "firmware": "2.1"}, 1),
        (json.dumps(NETBOX), "netbox",
         {"mac": MAC, "ip": IP, "hostname": "pump-5", "name": "eth0", "vlan": 20, "switch": "sw-icu", "port": "Gi1/0/5",
          "manufacturer": "Acme", "model": "Flow 3", "serial": "S5", "tag": "A-5", "label": "pump-5",
          "place": "Main ICU"}, 0),
        (NETBOX_CSV, "netbox", {"ip": IP, "manufacturer": "Acme", "model": "Flow 3", "serial": "S5", "tag": "A-5",
                                "label": "pump-5", "hostname": "pump-5", "place": "Main"}, 0),
    ],
)  # fmt: skip
def test_every_format_says_what_it_says(text: str, kind: str, expected: dict[str, Any], passed: int) -> None:
    found = read([text.encode()], "sw-9")
    assert found.kind == kind
    one = next(one for one in found.sightings if IP in (one.ip, "") or one.mac == MAC)
    assert one == Sighting(**expected)
    assert sum(found.passed.values()) == passed


def test_netbox_may_come_in_several_files() -> None:
    parts = [json.dumps(NETBOX[name]).encode() for name in ("ip_addresses", "devices", "interfaces")]
    assert read(parts).sightings == read([json.dumps(NETBOX).encode()]).sightings


@pytest.mark.parametrize("data", [b"", b"hello", b"{}", b"[1, 2]", b'{"lldp', b"\x00\x01", b"a,b\n1,2\n", b"[" * 9000])
def test_what_is_no_export_is_answered_clearly(data: bytes) -> None:
    with pytest.raises(Invalid):
        read([data])


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(
        st.sampled_from(["lldp", "interface", "chassis", "id", "port", "vlan", "results", "device", "device_type",
                         "mac_address", "assigned_object", "address", "capability", "connected_endpoints"]),
        part, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(_json | st.text(max_size=200))
def test_no_export_breaks_it(value: Any) -> None:
    data = value if isinstance(value, str) else json.dumps(value)
    try:
        found = read([data.encode("utf-8", "surrogatepass")])
    except Invalid:
        return
    assert all(one.mac or one.ip or one.serial or one.label or one.hostname for one in found.sightings)


async def taken(shop: Shop, *sightings: Sighting, kind: str = "dhcp") -> Outcome:
    async with shop.acting(OPERATOR) as conn:
        return await discovery.take(shop, conn, Export(kind=kind, sightings=sightings))


async def networked(shop: Shop, stock: Stocked) -> str:
    (asset,) = await stock(1)
    async with shop.acting(TECHNICIAN) as conn:
        await desk.connect(shop, conn, [Interface(interface_id="i1", device_id=asset.device_id, mac=MAC, ip=IP)])
    return asset.device_id


async def test_a_known_mac_at_a_new_address_is_an_update_not_a_machine(shop: Shop, stock: Stocked) -> None:
    ident = await networked(shop, stock)
    assert (await taken(shop, Sighting(mac=MAC, ip=IP))).same == 1
    done = await taken(shop, Sighting(mac=MAC, ip="10.1.0.77", switch="sw-icu", port="Gi1/0/5"))
    assert (done.fresh, done.same) == (1, 0)
    (one,) = await suggestions.suggestions(shop.pool)
    assert (one.kind, one.device_id) == ("interface", ident)
    assert one.seen["changes"] == [["ip", IP, "10.1.0.77"], ["switch", "", "sw-icu"], ["port", "", "Gi1/0/5"]]
    (before,) = await store.interfaces(shop.pool)
    assert before.ip == IP
    async with shop.acting(OPERATOR) as conn:
        await discovery.accept(shop, conn, one.suggestion_id, OPERATOR)
    (after,) = await store.interfaces(shop.pool)
    assert (after.interface_id, after.mac, after.ip, after.port) == ("i1", MAC, "10.1.0.77", "Gi1/0/5")
    assert (await taken(shop, Sighting(mac=MAC, ip="10.1.0.77"))).same == 1
    with pytest.raises(Conflict):
        async with shop.acting(OPERATOR) as conn:
            await discovery.accept(shop, conn, one.suggestion_id, OPERATOR)


async def test_an_unknown_mac_on_a_known_address_is_said_and_nothing_is_added(shop: Shop, stock: Stocked) -> None:
    await networked(shop, stock)
    await taken(shop, Sighting(mac="00:11:22:aa:00:99", ip=IP))
    (one,) = await suggestions.suggestions(shop.pool)
    assert one.kind == "machine"
    assert "model-1-A1" in one.seen["note"]
    assert one.seen["likely"] == {"manufacturer": "Acme", "model": "Flow 3"}
    assert len(await store.now(shop.pool)) == 1
    with pytest.raises(Invalid, match="model"):
        async with shop.acting(OPERATOR) as conn:
            await discovery.accept(shop, conn, one.suggestion_id, OPERATOR)
    async with shop.acting(OPERATOR) as conn:
        ident = await discovery.accept(shop, conn, one.suggestion_id, OPERATOR, model_id="model-1", tag="A-99")
    (port,) = await store.interfaces(shop.pool, [ident])
    assert (port.mac, port.ip, port.source) == ("00:11:22:aa:00:99", IP, "dhcp")


async def test_what_is_ignored_stays_ignored_with_its_reason(shop: Shop) -> None:
    await taken(shop, Sighting(mac=MAC, ip=IP))
    (one,) = await suggestions.suggestions(shop.pool)
    with pytest.raises(Invalid, match="why"):
        async with shop.acting(OPERATOR) as conn:
            await discovery.ignore(shop, conn, [one.suggestion_id], " ", OPERATOR)
    async with shop.acting(OPERATOR) as conn:
        assert await discovery.ignore(shop, conn, [one.suggestion_id], "guest phone", OPERATOR) == 1
    done = await taken(shop, Sighting(mac=MAC, ip="10.1.0.6"))
    assert (done.fresh, done.again) == (0, 1)
    assert await suggestions.suggestions(shop.pool) == []
    (kept,) = await suggestions.suggestions(shop.pool, state="ignored")
    assert (kept.reason, kept.by) == ("guest phone", OPERATOR.id)


async def test_two_entries_of_one_card_are_one_suggestion(shop: Shop) -> None:
    done = await taken(shop, Sighting(mac=MAC, ip=IP), Sighting(mac=MAC, switch="sw-icu", port="Gi1/0/5"))
    assert done.fresh == 1
    (one,) = await suggestions.suggestions(shop.pool)
    assert (one.seen["ip"], one.seen["port"]) == (IP, "Gi1/0/5")


async def test_a_serial_number_finds_its_machine_and_brings_the_address(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    await taken(shop, Sighting(mac=MAC, ip=IP, serial=asset.serial, name="eth0"), kind="netbox")
    (one,) = await suggestions.suggestions(shop.pool)
    assert (one.kind, one.device_id) == ("interface", asset.device_id)
    async with shop.acting(OPERATOR) as conn:
        await discovery.accept(shop, conn, one.suggestion_id, OPERATOR)
    (port,) = await store.interfaces(shop.pool)
    assert (port.device_id, port.name, port.mac) == (asset.device_id, "eth0", MAC)
