"""Lists in and out: preview, rows that are refused, matching, the same file twice, and back again unchanged."""

from __future__ import annotations

import contextlib
import io
import zipfile
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from tests.equipment.conftest import TECHNICIAN, Stocked

from wardbridge.core.clock import DAY
from wardbridge.core.errors import Conflict, Invalid
from wardbridge.devices import fleet
from wardbridge.devices.values import Identity as Said
from wardbridge.equipment.register import desk, store
from wardbridge.equipment.register.lists import dump, load
from wardbridge.equipment.register.lists import store as lists
from wardbridge.equipment.register.lists.plan import plan
from wardbridge.equipment.register.lists.rows import read
from wardbridge.equipment.register.lists.sheet import guarded, unguarded, write_csv, write_xlsx
from wardbridge.equipment.register.lists.sheet import read as sheet
from wardbridge.equipment.register.lists.values import Known, Plan, Seat
from wardbridge.equipment.register.values import CLASSES, CRITICALITIES, Asset, Interface, Model
from wardbridge.equipment.shop import Shop

NOW = 1_767_225_600_000_000
PUMPS = """Asset No;Make;Model;Serial Number;Ward;Room;Bed;IP;MAC;VLAN;Warranty;Price;Colour
A-1;Acme;Flow 3;S1;ICU;1;1;10.0.0.1;AA-BB-CC-00-00-01;20;2027-01-31;1.234,50;red
A-2;Acme;Flow 3;S2;ICU;1;2;10.0.0.2;aabb.cc00.0002;20;31.01.2027;1500;blue
A-3;Acme;Flow 3;S3;ICU;2;1;10.0.0.300;AA:BB:CC:00:00:03;20;;;
A-4;Acme;;S4;ICU;2;2;;;5000;01/02/2027;;
"""


def planned(text: str | bytes, known: Known | None = None) -> Plan:
    data = text.encode() if isinstance(text, str) else text
    return plan(read(sheet(data), 2026), known or Known(), digest="d", said="", now=NOW)


async def imported(shop: Shop, text: str | bytes) -> Plan:
    file = load.parsed(text.encode() if isinstance(text, str) else text, shop.clock.now())
    async with shop.acting(TECHNICIAN, "list") as conn:
        return await load.apply(shop, conn, file, TECHNICIAN)


def reasons(done: Plan) -> set[tuple[int, str]]:
    return {(one.row, one.column) for one in done.refused}


async def test_good_rows_come_in_bad_ones_say_why_and_twice_changes_nothing(shop: Shop) -> None:
    done = await imported(shop, PUMPS)
    assert [line.row for line in done.created] == [2, 3]
    assert reasons(done) == {(4, "IP"), (5, "VLAN"), (5, "Warranty Ends")}
    assert done.unknown == ("Colour",)
    (first, _) = await store.now(shop.pool)
    assert (first.tag, first.ward, first.room, first.bed) == ("A-1", "ICU", "1", "1")
    (asset,) = await store.assets(shop.pool, [first.device_id])
    assert (asset.price, asset.warranty_ends) == (Decimal("1234.50"), 1_801_353_600_000_000)
    (one, two) = await store.interfaces(shop.pool)
    assert {(one.mac, one.ip, one.vlan), (two.mac, two.ip, two.vlan)} == {
        ("aa:bb:cc:00:00:01", "10.0.0.1", 20), ("aa:bb:cc:00:00:02", "10.0.0.2", 20)}  # fmt: skip
    device = await shop.record.current(shop.pool, "Device", first.device_id)
    assert device is not None
    assert device["serialNumber"] == "S1"
    count = await shop.pool.fetchval("SELECT count(*) FROM change")
    again = await imported(shop, PUMPS)
    assert (again.created, again.changed, again.models, again.unchanged) == ((), (), (), 2)
    assert await shop.pool.fetchval("SELECT count(*) FROM change") == count


async def test_a_changed_cell_is_shown_and_written_alone(shop: Shop) -> None:
    await imported(shop, PUMPS)
    done = await imported(shop, "asset_number,vlan,owner\nA-1,30,Surgery\nA-2,20,\n")
    (line,) = done.changed
    assert [(one.field, one.old, one.new) for one in line.changes] == [("Owner", "", "Surgery"), ("VLAN", "20", "30")]
    assert (line.by, done.unchanged) == ("asset number", 1)
    (one, two) = await store.interfaces(shop.pool)
    assert sorted([one.vlan, two.vlan]) == [20, 30]
    assert {one.ip, two.ip} == {"10.0.0.1", "10.0.0.2"}


async def test_a_new_address_of_the_only_card_is_a_change_of_it(shop: Shop) -> None:
    await imported(shop, PUMPS)
    done = await imported(shop, "asset no,ip\nA-1,10.0.0.77\n")
    assert [(one.field, one.old, one.new) for one in done.changed[0].changes] == [("IP", "10.0.0.1", "10.0.0.77")]
    assert len(await store.interfaces(shop.pool)) == 2
    other = await imported(shop, "asset no,mac\nA-1,aa:bb:cc:00:00:77\n")
    assert other.changed
    assert len(await store.interfaces(shop.pool)) == 3


async def test_what_was_agreed_to_is_done_or_nothing(shop: Shop) -> None:
    file = load.parsed(PUMPS.encode(), shop.clock.now())
    seen = await load.preview(shop, shop.pool, file)
    await imported(shop, "asset no,manufacturer,model,serial\nA-1,Acme,Flow 3,S1\n")
    with pytest.raises(Conflict):
        async with shop.acting(TECHNICIAN) as conn:
            await load.apply(shop, conn, file, TECHNICIAN, expected=seen.digest)
    assert len(await store.now(shop.pool)) == 1
    async with shop.acting(TECHNICIAN) as conn:
        fresh = await load.preview(shop, conn, file)
        await load.apply(shop, conn, file, TECHNICIAN, expected=fresh.digest)
    assert len(await store.now(shop.pool)) == 2


HEAD = "Asset No,Manufacturer,Model,Serial,UDI,MAC\n"


def register(*rows: tuple[str, str, str, str]) -> Known:
    """(id, tag, serial, mac) of machines of one model."""
    model = Model(model_id="m", manufacturer="Acme", name="Flow 3")
    return Known(
        models=(model,),
        assets=tuple(
            Asset(device_id=ident, model_id="m", state="in-service", state_since=0, created=0, tag=tag, serial=serial)
            for ident, tag, serial, _ in rows
        ),
        interfaces=tuple(
            Interface(interface_id=ident, device_id=ident, mac=mac) for ident, _, _, mac in rows if mac
        ),
    )  # fmt: skip


MAC1, MAC2 = "00:11:22:00:00:01", "00:11:22:00:00:02"


@pytest.mark.parametrize(
    ("row", "by"),
    [
        ("A-1,,,,,", "asset number"),
        ("a-1,ACME,flow 3,S9,,", "asset number"),
        (",Acme,Flow 3,s1,,", "serial number"),
        ("A-9,Acme,Flow 3,S1,,", "serial number"),
        (f",,,,,{MAC1}", "MAC"),
        (",Acme,Flow 3,,,00-11-22-00-00-01", "MAC"),
    ],
)
def test_a_row_finds_its_machine_by_number_serial_or_mac(row: str, by: str) -> None:
    done = planned(HEAD + row + "\n", register(("d1", "A-1", "S1", MAC1), ("d2", "A-2", "S2", MAC2)))
    assert not done.refused
    assert not done.created
    if done.changed:
        assert (done.changed[0].device_id, done.changed[0].by) == ("d1", by)
    else:
        assert done.unchanged == 1


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        ("A-1,Acme,Flow 3,S2,,", "Serial Number", "asset number is that of A-1, serial number that of A-2"),
        ("A-1,Other,Thing,S7,,", "Asset Number", "another machine"),
        ("A-7,Acme,,S7,,", "Model", "needs Model"),
        (",,,S7,,", "Manufacturer", "needs Manufacturer and Model"),
        ("A-7,Acme,Flow 3,S7,,01:00:5e:00:00:01", "MAC", "no single machine"),
    ],
)
def test_a_row_that_could_mean_two_machines_or_none_is_refused(row: str, column: str, said: str) -> None:
    done = planned(HEAD + row + "\n", register(("d1", "A-1", "S1", MAC1), ("d2", "A-2", "S2", MAC2)))
    (one,) = done.refused
    assert (one.row, one.column) == (2, column)
    assert said in one.reason
    assert done.empty


def test_two_machines_of_one_serial_are_two_candidates() -> None:
    done = planned(HEAD + ",Acme,Flow 3,S1,,\n", register(("d1", "A-1", "S1", ""), ("d2", "A-2", "S1", "")))
    assert "fits 2 machines: A-1, A-2" in done.refused[0].reason


def test_two_rows_for_one_machine_are_one_and_a_refusal() -> None:
    done = planned(HEAD + "A-1,Acme,Flow 3,S1,,\nA-1,Acme,Flow 3,S1,,\n,Acme,Flow 3,S1,,\n")
    assert len(done.created) == 1
    assert reasons(done) == {(3, "Asset Number"), (4, "Serial Number")}


def test_a_name_never_matches() -> None:
    known = register(("d1", "A-1", "S1", ""))
    named = (msgspec.structs.replace(known.assets[0], label="Pump"),)
    done = planned("Name,Make,Model\nPump,Acme,Flow 3\n", msgspec.structs.replace(known, assets=named))
    assert (done.created, done.changed, done.unchanged) == ((), (), 0)
    assert "known again" in done.refused[0].reason


def test_a_udi_fills_what_the_row_leaves_open_and_only_warns() -> None:
    text = HEAD + ",Acme,Flow 3,,(01)09506000117843(17)270531(10)L1(21)S5,\n,Acme,Flow 3,S6,(01)09506000117844,\n"
    done = planned(text)
    first, second = done.assets
    assert (first.di, first.serial, first.lot) == ("09506000117843", "S5", "L1")
    assert first.expires is not None
    assert second.serial == "S6"
    assert any("check digit" in one.reason and one.row == 3 for one in done.warnings)
    assert "09506000117843" in done.model_rows[0].di
    assert not done.refused


def test_a_list_moves_no_machine_through_its_life() -> None:
    done = planned("asset no,state\nA-1,disposed\n", register(("d1", "A-1", "S1", "")))
    assert done.empty
    assert done.warnings[0].column == "State"
    new = planned("asset no,make,model,state\nA-9,Acme,Flow 3,disposed\nA-8,Acme,Flow 3,retired\n")
    assert reasons(new) == {(2, "State")}
    assert [asset.state for asset in new.assets] == ["retired"]


def test_parts_find_their_whole_wherever_it_stands() -> None:
    rows = ["A-2,Acme,Module,A-1", "A-1,Acme,Monitor,", "A-3,Acme,Module,A-77", "A-4,Acme,Module,A-3", "A-5,Acme,M,A-5"]
    text = "\n".join(["asset no,make,model,part of", *rows])
    done = planned(text)
    by_tag = {asset.tag: asset for asset in done.assets}
    assert set(by_tag) == {"A-1", "A-2"}
    assert by_tag["A-2"].parent_id == by_tag["A-1"].device_id
    assert reasons(done) == {(4, "Part Of"), (5, "Part Of"), (6, "Part Of")}


async def test_a_machine_that_is_on_the_wire_already_gets_its_row(shop: Shop) -> None:
    async with shop.acting(TECHNICIAN) as conn:
        who = Said(key="wire-1", manufacturer="Acme", model="Flow 3", serial="S1")
        device = await fleet.first_sight(shop.parts, conn, "wire-1", "mllp", who, shop.clock.now())
    assert device.state == "unknown"
    done = await imported(shop, PUMPS)
    assert done.heard == (device.device_id,)
    assert [line.by for line in done.created] == ["wire", ""]
    assert (await fleet.device(shop.pool, device.device_id)).state == "accepted"
    assert (await imported(shop, PUMPS)).empty


# --- whatever comes in ------------------------------------------------------------------------------------------------


def bomb(claimed: int) -> bytes:
    """A workbook whose sheet unpacks to so many bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(claimed // 1_000_000):
                part.write(b" " * 1_000_000)
    return out.getvalue()


def workbook(rows: list[list[Any]]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"   \n\n", "empty"),
        (b"\x00\x01\x02garbage", "no text has"),
        (b"asset no,model\nA\x00,b\n", "no text has"),
        (b"a,b,c\n1,2,3\n", "no heading"),
        (b"asset no,tag\n1,2\n", "are both Asset Number"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "old Excel"),
        (b"PK\x03\x04rest", "damaged"),
        (b"\xff\xfea", "UTF-16"),
        (b"x" * 20_000_001, "larger than 20 MB"),
        (bomb(129_000_000), "unpacks to more"),
        (b"asset no\n" + b"A\n" * 50_001, "more than 50000 rows"),
        (b'asset no,model\n"' + b"x" * 200_000, "cannot be read"),
    ],
)
def test_what_is_no_list_is_answered_clearly(data: bytes, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        planned(data)


@given(st.binary(max_size=400) | st.binary(max_size=200).map(lambda tail: b"PK\x03\x04" + tail)
       | st.text(max_size=300).map(str.encode))  # fmt: skip
def test_garbage_never_breaks_it(data: bytes) -> None:
    with contextlib.suppress(Invalid):
        planned(data)


@given(st.binary(min_size=1, max_size=60), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_a_damaged_workbook_never_breaks_it(noise: bytes, where: int) -> None:
    whole = workbook([["Asset No", "Make", "Model"], ["A-1", "Acme", "Flow"]])
    at = where % len(whole)
    with contextlib.suppress(Invalid):
        planned(whole[:at] + noise + whole[at + len(noise) :])


def test_how_a_file_is_read_is_said() -> None:
    assert "Latin 1" in sheet("asset no;note\nA;Gerät\n".encode("latin-1")).said
    assert sheet("asset no;note\nA;Gerät\n".encode("utf-8-sig")).rows[1][1] == ("A", "Gerät")
    assert sheet("asset no\tnote\nA\tGerät\n".encode("utf-16")).said.startswith("CSV, UTF-16, divided by tab")
    assert sheet(b"sep=|\nasset no|note\nA|x\n").rows[1] == (2, ("A", "x"))
    rows = [["Asset No", "Make", "Model", "Warranty", "Serial"], [17, "Acme", "Flow", None, 12345678901]]
    done = planned(workbook(rows))
    assert (done.assets[0].tag, done.assets[0].serial) == ("17", "12345678901")


def test_dates_are_taken_only_when_they_mean_one_day() -> None:
    done = planned(
        "asset no,make,model,bought\nA,x,y,2026-02-01\nB,x,y,1 Feb 2026\nC,x,y,13/02/2026\nD,x,y,02/03/2026\n"
    )
    assert [asset.tag for asset in done.assets] == ["A", "B", "C", "D"]
    assert any("day-first" in one.reason for one in done.warnings)
    alone = planned("asset no,make,model,bought\nA,x,y,02/03/2026\nB,x,y,30.02.2026\nC,x,y,soon\n")
    assert reasons(alone) == {(2, "Bought"), (3, "Bought"), (4, "Bought")}
    mixed = planned("asset no,make,model,bought\nA,x,y,13/02/2026\nB,x,y,02/13/2026\nC,x,y,02/03/2026\n")
    assert reasons(mixed) == {(4, "Bought")}


# --- back again -------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")) | st.sampled_from("=+-@';,|\t\n\"_x"), max_size=12).map(
    str.strip).filter(lambda text: text == text.replace("\r", ""))  # fmt: skip
WHEN = st.none() | st.integers(0, 40_000).map(lambda n: n * DAY) | st.integers(0, 4 * 10**15)
PLAIN = st.from_regex(r"[A-Za-z0-9]{1,6}", fullmatch=True)
UDIS = ("", "+A123BJC5D6E71/$$52001510X3C", "0109506000117843172607001012\x1d21X")
MACS = st.sampled_from(["", "00:11:22:33:44:55", "00:11:22:33:44:66", "02:00:00:00:00:01"])


@st.composite
def registers(draw: st.DrawFn) -> Known:
    models = [
        Model(model_id=f"m{at}", manufacturer=f"Maker {at}", name=draw(PLAIN), catalogue=draw(TEXT), kind=draw(TEXT),
              class_=draw(st.sampled_from(CLASSES)), gmdn=draw(TEXT), product_code=draw(TEXT),
              storage=draw(st.sampled_from(["yes", "no", "unknown"])), support_ends=draw(WHEN))
        for at in range(draw(st.integers(1, 3)))
    ]  # fmt: skip
    assets, network, seats = [], [], {}
    for at in range(draw(st.integers(0, 5))):
        ident = f"dev-{at}"
        above = draw(st.sampled_from([None, *(asset.device_id for asset in assets)]))
        assets.append(
            Asset(device_id=ident, model_id=draw(st.sampled_from(models)).model_id, state="in-service", state_since=0,
                  created=0, tag=f"{draw(TEXT)}{at}", serial=draw(TEXT), lot=draw(TEXT), label=draw(TEXT),
                  udi=draw(st.sampled_from(UDIS)),
                  di=draw(st.sampled_from(["", "09506000117843", "B066000325011", "=?"])), firmware=draw(TEXT),
                  criticality=draw(st.sampled_from(CRITICALITIES)), owner=draw(TEXT), note=draw(TEXT),
                  price=draw(st.none() | st.decimals(0, 10**6, places=3)), currency=draw(st.sampled_from(["", "EUR"])),
                  bought=draw(WHEN), warranty_ends=draw(WHEN), parent_id=above)
        )  # fmt: skip
        for number in range(draw(st.integers(0, 3))):
            one = Interface(interface_id=f"{ident}-{number}", device_id=ident, name=draw(TEXT), mac=draw(MACS),
                            ip=draw(st.sampled_from(["", "10.0.0.1", "fe80::1"])), hostname=draw(TEXT),
                            vlan=draw(st.none() | st.integers(1, 4094)), zone=draw(TEXT))  # fmt: skip
            network.append(one)
        seats[ident] = draw(st.sampled_from([Seat(), Seat("ICU"), Seat("ICU", "1", "2"), Seat("", "", "=9")]))
    network.sort(key=lambda one: (one.device_id, one.name, one.mac, one.interface_id))
    return Known(models=tuple(models), assets=tuple(assets), interfaces=tuple(network), seats=seats)


@given(registers(), st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_was_written_reads_back_as_nothing_to_do(known: Known, excel: bool) -> None:
    rows = list(dump.rows(known))
    data = write_xlsx(rows, "Register") if excel else "".join(write_csv(rows)).encode()
    done = planned(data, known)
    assert not done.refused, done.refused
    assert (done.created, done.changed, done.models) == ((), (), ())
    assert done.unchanged == len(known.assets)


@given(TEXT)
def test_no_cell_is_run_and_none_is_lost(text: str) -> None:
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unguarded(guarded(text)) == text


async def test_the_whole_register_there_and_back(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2, note="=HYPERLINK(1)", firmware="2.1")
    async with shop.acting(TECHNICIAN) as conn:
        await desk.change(shop, conn, second.device_id, parent_id=first.device_id, price=Decimal("12.50"))
        network = [
            Interface(interface_id=f"i{n}", device_id=first.device_id, name=f"eth{n}", vlan=n + 1) for n in range(3)
        ]
        await desk.connect(shop, conn, network)
    before = await lists.known(shop.pool)
    text = "".join(await dump.csv(shop.pool))
    assert "'=HYPERLINK" in text
    for data in (text.encode(), await dump.xlsx(shop.pool)):
        done = await imported(shop, data)
        assert (done.empty, done.unchanged, done.refused) == (True, 2, ())
    assert await lists.known(shop.pool) == before
