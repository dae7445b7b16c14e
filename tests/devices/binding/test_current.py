"""What a tile may show: values of who lies there now, never of the one before, never of a stranger machine."""

from __future__ import annotations

import msgspec
import pytest

from wardbridge.core.clock import MINUTE, SECOND
from wardbridge.devices import board
from wardbridge.devices.store.people import Person
from wardbridge.devices.store.registry import Device
from wardbridge.telemetry import store as telemetry
from wardbridge.telemetry.values import ChannelSpec, DeviceSlice, Numeric

NOW = 1_790_000_000 * SECOND


@pytest.mark.parametrize(("changed", "shown"), [
    ({}, ["97"]),
    ({"bound_since": NOW - SECOND}, ["97"]),
    ({"bound_since": NOW + MINUTE}, []),
    ({"state": "unknown"}, []),
    ({"state": "workshop"}, []),
    ({"patient_id": "another"}, []),
    ({"patient_id": ""}, []),
    ({"conflict": "pid-place"}, []),
    ({"clock_offset_us": -20 * MINUTE, "bound_since": NOW - 10 * MINUTE}, []),
])  # fmt: skip
async def test_only_values_of_the_patient_who_lies_there(database, changed: dict, shown: list[str]) -> None:
    async with database.pool.acquire() as conn, conn.transaction():
        (channel,) = (await telemetry.ensure_channels(conn, "d", [ChannelSpec("spo2", "numeric", 150456)])).values()
        await telemetry.append(conn, [DeviceSlice("d", NOW, [Numeric(channel, NOW, 0, "97", 97.0, 0)])])
    device = msgspec.structs.replace(Device("d", "k", "accepted", patient_id="p", bound_since=NOW - MINUTE), **changed)
    bed = board.Bed("bed", "ICU", patient=Person("p"), devices=(device,))
    found = await board.current(database.pool, [bed])
    assert [last.text for lasts in found.values() for last in lasts] == shown
