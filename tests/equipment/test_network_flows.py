"""Flow records of every format, broken ones too, and policies as text."""

from __future__ import annotations

import csv
import io
import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.core.clock import DAY, SECOND
from wardbridge.core.errors import Invalid
from wardbridge.equipment.changes.network import export, flows
from wardbridge.equipment.changes.network.desk import links_of
from wardbridge.equipment.changes.network.policy import compare, covers, suggest
from wardbridge.equipment.changes.network.values import OURS, Flow, Link, Policy

ZEEK = """#separator \\x09
#set_separator\t,
#empty_field\t(empty)
#unset_field\t-
#path\tconn
#open\t2026-01-01-00-00-00
#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice
#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring
1767225600.123456\tCx1\t10.1.0.5\t50123\t10.9.0.1\t2575\ttcp\t-
1767225601.5\tCx2\tfe80::1\t546\tff02::1:2\t547\tudp\tdhcp
1767225602.0\tCx3\t10.1.0.5\t8\t10.1.0.1\t0\ticmp\t-
1767225603.0\tCx4\tnonsense\t1\t10.1.0.1\t2\ttcp\t-
1767225604.0\tbroken
#close\t2026-01-01-01-00-00
"""


def test_a_zeek_log_is_read_with_its_broken_lines_kept() -> None:
    found = flows.read(ZEEK.encode())
    assert (found.format, len(found.flows), [one.line for one in found.bad]) == ("zeek", 3, [12, 13])
    assert found.flows[0] == Flow(1_767_225_600_123_456, "10.1.0.5", "10.9.0.1", 2575, "tcp")
    assert (found.flows[2].protocol, found.flows[2].port) == ("icmp", 0)
    assert "nonsense" in found.bad[0].text


def test_zeek_json_is_read_line_by_line() -> None:
    rows = [
        {"ts": 1767225600.5, "id.orig_h": "10.1.0.5", "id.orig_p": 5, "id.resp_h": "10.9.0.1", "id.resp_p": 443,
         "proto": "tcp"},
        {"ts": "2026-01-01T00:00:01Z", "id.orig_h": "2001:db8::5", "id.resp_h": "2001:db8::1", "id.resp_p": 53,
         "proto": "udp"},
    ]  # fmt: skip
    found = flows.read(("\n".join(json.dumps(row) for row in rows) + '\n{"ts": 1\n[1]\n').encode())
    assert (found.format, len(found.flows), [one.line for one in found.bad]) == ("zeek-json", 2, [3, 4])
    assert found.flows[1].at == 1_767_225_601 * SECOND


@pytest.mark.parametrize("text", [
    "ts,te,td,sa,da,sp,dp,pr,flg,ipkt,ibyt\n"
    "2026-01-01 00:00:00,2026-01-01 00:00:01,1.0,10.1.0.5,10.9.0.1,50123,2575,TCP,.A,5,300\n"
    "2026-01-01 00:00:00,2026-01-01 00:00:01,1.0,10.9.0.1,10.1.0.5,2575,50123,TCP,.A,5,300\n"
    "Summary\nflows,bytes,packets\n2,600,10\n",
    "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows\n"
    "2026-01-01 00:00:00.000,1.0,6,10.1.0.5,50123,10.9.0.1,2575,5,300,1\n"
    "2026-01-01 00:00:00.000,1.0,6,10.9.0.1,2575,10.1.0.5,50123,5,300,1\n",
])  # fmt: skip
def test_both_directions_of_a_netflow_lead_to_one_service(text: str) -> None:
    found = flows.read(text.encode())
    assert (found.format, found.bad) == ("nfdump", [])
    assert {(one.source, one.target, one.port) for one in found.flows} == {("10.1.0.5", "10.9.0.1", 2575)}


def test_any_csv_with_a_header_is_read() -> None:
    text = 'Time;Src_IP;Dst_IP;Dst_Port;Proto;Count\n1767225600000;10.1.0.5;10.9.0.1;443;17;7\n"x;y\n;;;;;\n'
    found = flows.read(text.encode())
    assert found.flows == [Flow(1_767_225_600 * SECOND, "10.1.0.5", "10.9.0.1", 443, "udp", 7)]
    assert [one.line for one in found.bad] == [3, 4]
    for wrong in (b"", b"a,b\n1,2\n", b"\x00\xff\xfe", b"# comment only\n"):
        with pytest.raises(Invalid):
            flows.read(wrong)


@given(st.binary(max_size=300), st.sampled_from(["", "#fields\tts\tid.orig_h\n", "{", "src,dst,port,ts\n", ZEEK]))
def test_no_bytes_break_the_reader_and_no_line_is_lost(noise: bytes, head: str) -> None:
    try:
        found = flows.read(head.encode() + noise)
    except Invalid:
        return
    texts = head.encode() + noise
    lines = [line for line in texts.decode("utf-8", "replace").lstrip("\ufeff").splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith("#")]
    headers = 1 if found.format in ("csv", "nfdump") else 0
    if found.format == "zeek":
        assert len(found.flows) + len(found.bad) == len(said)
    elif found.format != "nfdump":
        assert len(found.flows) + len(found.bad) == len(lines) - headers


MACHINES = {"10.1.0.5": "pump-1", "10.1.0.6": "pump-2"}
LINKS, _, _ = links_of(
    [Flow(5, "10.1.0.5", "10.9.0.1", 2575, "tcp"), Flow(9, "10.1.0.6", "10.9.0.1", 2575, "tcp", 3),
     Flow(6, "10.1.0.5", "10.9.0.1", 2575, "tcp"), Flow(7, "10.8.0.2", "10.1.0.5", 22, "tcp"),
     Flow(8, "10.1.0.5", "10.1.0.6", 123, "udp"), Flow(8, "fd00::1", "10.1.0.5", 161, "udp")],
    MACHINES, "zeek",
)  # fmt: skip


def test_flows_become_links_of_both_ends_and_strangers_are_counted() -> None:
    found = [Flow(5, "10.1.0.5", "10.1.0.6", 1, "tcp"), Flow(5, "1.1.1.1", "2.2.2.2", 1, "tcp")]
    links, used, strangers = links_of(found, MACHINES, "csv")
    assert {(one.device_id, one.peer, one.direction) for one in links} == {
        ("pump-1", "10.1.0.6", "out"), ("pump-2", "10.1.0.5", "in")}  # fmt: skip
    assert (used, sorted(strangers)) == (1, ["1.1.1.1", "2.2.2.2"])
    (first,) = [one for one in LINKS if one.device_id == "pump-1" and one.port == 2575]
    assert (first.first_seen, first.last_seen, first.count) == (5, 6, 2)


def policy(links: list[Link] = LINKS) -> Policy:
    groups = dict.fromkeys(MACHINES, "Acme Flow in pumps")
    return Policy(policy_id="p", model_id="m", zone="pumps", state="suggested", rules=suggest(links, groups),
                  learned_from=0, learned_to=DAY, created=DAY)  # fmt: skip


def test_a_suggestion_counts_its_evidence_and_does_not_depend_on_the_order() -> None:
    one, other = policy(), policy(LINKS[::-1])
    assert one.rules == other.rules
    (server,) = [rule for rule in one.rules if rule.port == 2575]
    assert (server.direction, server.peer, server.devices, server.count) == ("out", "10.9.0.1", 2, 5)
    assert {rule.peer for rule in one.rules if rule.port == 123} == {"Acme Flow in pumps"}
    for link in LINKS:
        assert any(covers(rule, link, {}) for rule in one.rules)
    stranger = Link(device_id="pump-1", peer="8.8.8.8", port=2575, protocol="tcp", direction="out", first_seen=1,
                    last_seen=1, count=1)  # fmt: skip
    assert not any(covers(rule, stranger, {}) for rule in one.rules)


def test_differences_name_what_is_new_unused_and_widened() -> None:
    before, after = policy().rules, policy([one for one in LINKS if one.port != 22]).rules
    assert [rule.port for rule in compare(before, after).unused] == [22]
    assert [rule.port for rule in compare(after, before).added] == [22]
    assert compare(before, before).empty


def test_the_exports_are_the_same_each_time_and_say_what_they_should() -> None:
    addresses = ["10.1.0.6", "10.1.0.5", "fd00::5"]
    for kind in export.FORMATS:
        assert export.write(policy(), "Acme Flow", addresses, kind) == export.write(policy(LINKS[::-1]), "Acme Flow",
                                                                                    addresses[::-1], kind)  # fmt: skip
    nft = export.write(policy(), "Acme Flow", addresses, "nft")
    assert "ip saddr @machines4 ip daddr { 10.9.0.1 } tcp dport 2575 counter accept" in nft
    assert "ip daddr @machines4 ip saddr { 10.8.0.2 } tcp dport 22" in nft
    assert nft.count("{") == nft.count("}")
    acl = export.write(policy(), "Acme Flow", addresses, "acl")
    assert "permit tcp object-group WB-Acme_Flow_pumps object-group WB-Acme_Flow_pumps-" in acl
    assert json.loads(export.write(policy(), "Acme Flow", addresses, "json"))["machines"] == sorted(addresses)
    assert (
        len(list(csv.reader(io.StringIO(export.write(policy(), "Acme Flow", addresses, "csv")))))
        == len(policy().rules) + 1
    )


@given(st.text(max_size=30), st.text(max_size=20))
def test_names_cannot_smuggle_rules_into_the_texts(name: str, zone: str) -> None:
    one = msgspec.structs.replace(policy(), zone=zone)
    for kind in ("nft", "acl"):
        plain, dirty = (export.write(p, n, ["10.1.0.5"], kind) for p, n in ((policy(), "x"), (one, name)))
        assert len(dirty.splitlines()) == len(plain.splitlines())
        assert re.fullmatch(r'[A-Za-z0-9_ \n@{}.,:;#!="-]*', dirty)


def test_our_own_address_is_a_set_to_fill_in() -> None:
    link = Link(device_id="pump-1", peer=OURS, port=2575, protocol="tcp", direction="out", first_seen=1, last_seen=1,
                count=1)  # fmt: skip
    assert f"set {OURS}" in export.write(policy([link]), "A", ["10.1.0.5"], "nft")
    assert "add the address of this server" in export.write(policy([link]), "A", ["10.1.0.5"], "acl")
