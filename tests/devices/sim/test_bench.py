"""New firmware for a simulated machine: installed over the bench's port, told on the wire."""

from __future__ import annotations

import asyncio
import sys

import pytest

from wardbridge.core.clock import SECOND
from wardbridge.devices.sim import bench
from wardbridge.devices.sim.cast import assemble, hl7_machines
from wardbridge.devices.sim.config import WardConfig
from wardbridge.devices.sim.machine import Machine


@pytest.fixture
def machines() -> list[Machine]:
    config = WardConfig(beds=3, ventilators=False, waves=False)
    return hl7_machines(assemble(config, 1_767_225_600 * SECOND), config)


@pytest.mark.parametrize("name", ["lvp-3", "monitor-3", "dialysis-1"])
def test_a_machine_tells_its_new_firmware_once_in_its_next_report(machines: list[Machine], name: str) -> None:
    machine = next(one for one in machines if one.identity.name == name)
    machine.step(0.0)
    assert bench.answer(machines, f"firmware {name} 9.9.1\n") == f"{name} {machine_before(name)} -> 9.9.1"
    said = [b"9.9.1" in message.payload for t in range(1, 31) for message in machine.step(float(t))]
    assert sum(said) == 1


def machine_before(name: str) -> str:
    return {"lvp-3": "2.3.0", "monitor-3": "4.2.1", "dialysis-1": "5.1.2"}[name]


def test_what_is_not_understood_is_said(machines: list[Machine]) -> None:
    assert "lvp-1=2.3.0" in bench.answer(machines, "list")
    for line in ("", "firmware", "firmware nobody 1", "firmware lvp-1 " + "x" * 31, "reboot now please"):
        assert bench.answer(machines, line).startswith("error")


async def test_the_command_line_reaches_a_running_ward(machines: list[Machine]) -> None:
    server = await bench.serve(machines, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    words = [sys.executable, "-m", "wardbridge.devices.sim.bench", "--port", str(port), "firmware", "lvp-1", "2.4.0"]
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    server.close()
    assert (process.returncode, out) == (0, b"lvp-1 2.3.0 -> 2.4.0\n")
