"""Matching as a property: whatever stands in a list, no machine is meant by two rows, none is taken for another, and
the same list after itself does nothing."""

from __future__ import annotations

import csv
import io

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from wardbridge.equipment.register.lists.plan import plan
from wardbridge.equipment.register.lists.rows import read
from wardbridge.equipment.register.lists.sheet import read as sheet
from wardbridge.equipment.register.lists.values import Known, Plan

NOW = 1_767_225_600_000_000
HEAD = ["Asset No", "Make", "Model", "Catalogue No", "Serial", "UDI", "UDI-DI", "MAC", "IP", "VLAN", "MAC 2", "IP 2",
        "Part Of", "Type", "Owner", "State", "Ward", "Room", "Bed", "Firmware"]  # fmt: skip


def some(*values: str) -> st.SearchStrategy[str]:
    return st.sampled_from(["", *values])


LABELS = ("(01)09506000117843(21)S1", "(01)09506000117843(21)S3", "+A123BJC5D6E71/$$52001510X3C")
ROW = st.tuples(
    some("A-1", "a-1", "A-2", "A-3"), some("Acme", "ACME", "Other"), some("Flow", "flow", "Vent"), some("C1", "C2"),
    some("S1", "s1", "S2"), some(*LABELS),
    some("09506000117843", "9506000117843", "B066000325011", "?"), some("00:11:22:00:00:01", "0011.2200.0002", "x"),
    some("10.0.0.1", "10.0.0.2"), some("20", "30", "9999"), some("00:11:22:00:00:01", "00:11:22:00:00:03"),
    some("10.0.0.3"), some("A-1", "A-2", "A-9"), some("pump", "vent"), some("Surgery", "ICU"),
    some("in-service", "retired", "disposed"), some("ICU", "OR"), some("1"), some("1", "2"), some("1.0", "2.0"),
)  # fmt: skip
ROWS = st.lists(ROW, min_size=1, max_size=7)


def planned(rows: list[tuple[str, ...]], known: Known, digest: str = "d") -> Plan:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEAD, *rows])
    return plan(read(sheet(text.getvalue().encode()), 2026), known, digest=digest, said="", now=NOW)


def applied(known: Known, done: Plan) -> Known:
    """The register after a plan was carried out."""
    assets = {asset.device_id: asset for asset in known.assets} | {asset.device_id: asset for asset in done.assets}
    network = {one.interface_id: one for one in known.interfaces} | {one.interface_id: one for one in done.interfaces}
    models = {model.model_id: model for model in known.models} | {model.model_id: model for model in done.model_rows}
    order = sorted(network.values(), key=lambda one: (one.device_id, one.name, one.mac, one.interface_id))
    return msgspec.structs.replace(
        known, assets=tuple(assets.values()), interfaces=tuple(order), models=tuple(models.values()),
        seats=known.seats | done.seats,
    )  # fmt: skip


@given(ROWS, ROWS)
@settings(max_examples=120, deadline=None, derandomize=True)
def test_a_list_after_itself_does_nothing(first: list[tuple[str, ...]], second: list[tuple[str, ...]]) -> None:
    known = applied(Known(), planned(first, Known(), "one"))
    done = planned(second, known, "two")
    after = applied(known, done)
    again = planned(second, after, "two")
    assert not again.created, (again.created, done)
    twice = {line.row: line.changes for line in again.changed}
    assert not twice, (twice, done)
    assert not again.models, ([{HEAD[n]: c for n, c in enumerate(r) if c} for r in (*first, *second)], done.refused)


@given(ROWS, ROWS)
@settings(max_examples=120, deadline=None, derandomize=True)
def test_no_machine_is_meant_twice_or_taken_for_another(
    first: list[tuple[str, ...]], second: list[tuple[str, ...]]
) -> None:
    known = applied(Known(), planned(first, Known(), "one"))
    done = planned(second, known, "two")
    ids = [line.device_id for line in (*done.created, *done.changed)]
    assert len(ids) == len(set(ids))
    after = applied(known, done)
    tags = [asset.tag.casefold() for asset in after.assets if asset.tag]
    assert len(tags) == len(set(tags))
    before = {asset.device_id: asset for asset in known.assets}
    names = {model.model_id: model.name.casefold() for model in after.models}
    for asset in done.assets:
        old = before.get(asset.device_id)
        if old is not None and old.tag and old.serial and asset.serial:
            same = (old.serial.casefold() == asset.serial.casefold(), names[old.model_id] == names[asset.model_id])
            assert any(same), "one machine was written over another"
    refused = {one.row for one in done.refused}
    accepted = {line.row for line in (*done.created, *done.changed)}
    assert not refused & accepted
    assert len(refused) + len(accepted) + done.unchanged <= done.rows
