"""Running a ward's devices without a network: step them second by second and collect what they say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wardbridge.core.clock import FakeClock
from wardbridge.devices.sim.cast import assemble, hl7_machines
from wardbridge.devices.sim.config import WardConfig
from wardbridge.devices.sim.his import Registrar
from wardbridge.devices.sim.machine import Machine
from wardbridge.devices.sim.rows import Outgoing
from wardbridge.exchange.codecs.hl7v2.message import Message, parse

START = FakeClock().now()


@dataclass(frozen=True)
class Said:
    """One message: who, at which wall second, what."""

    t: float
    name: str
    outgoing: Outgoing

    @property
    def message(self) -> Message:
        return parse(self.outgoing.payload)


def play(config: WardConfig, end: int, only: Iterable[str] = (), kinds: Iterable[str] = ()) -> Iterator[Said]:
    """Everything that the devices (those named in ``only``) and the HIS say until wall second ``end``."""
    cast = assemble(config, START)
    wanted, kept = set(only), set(kinds)
    machines: list[Machine] = [m for m in hl7_machines(cast, config) if not wanted or m.identity.name in wanted]
    his = Registrar(cast.script, cast.people, cast.start, config.speed)
    for k in range(1, end + 1):
        said = [(m.identity.name, k + 0.016, m.step(k + 0.016)) for m in machines]
        if not wanted or "his" in wanted:
            said.append(("his", float(k), his.step(float(k))))
        for name, t, messages in said:
            for outgoing in messages:
                if not kept or outgoing.kind in kept:
                    yield Said(t, name, outgoing)


def values(message: Message) -> dict[int, str]:
    """The last value of every code of a PCD message, as text."""
    found = {}
    for obx in message.all("OBX"):
        code = obx.get(3)
        if code.isdigit() and obx.get(5):
            found[int(code)] = obx.get(5)
    return found
