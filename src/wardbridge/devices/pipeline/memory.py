"""What the pipeline keeps in memory of a machine, so that a known device costs no query.

It is read again whenever somebody changed the device (``device.epoch``), and thrown away whenever a
transaction fails: the database is the truth, this is only its shadow.
"""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.core.db import Connection
from wardbridge.devices.charting.point import Content
from wardbridge.devices.charting.policy import Policy
from wardbridge.devices.charting.select import Channel, channel
from wardbridge.devices.clocks import Offset
from wardbridge.devices.pipeline.modules import Modules
from wardbridge.devices.store import facts, points, registry
from wardbridge.devices.store.registry import Device
from wardbridge.devices.values import Identity, Reading, Waveform
from wardbridge.telemetry import store as telemetry
from wardbridge.telemetry.values import ChannelSpec

Key = tuple[str, int, str, str]
SAYS = 64


class Machine:
    """One device and its channels."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.offset = Offset(device.clock_offset_us)
        self.channels: dict[Key, Channel] = {}
        self.waves: dict[Key, int] = {}
        self.says: set[Identity] = set()
        self.subject: tuple[str, ...] = ()
        self.subject_since = 0
        self.place_said = ""
        self.modules = Modules()
        self._charted: dict[tuple[str, str, int], list[tuple[int, str]]] = {}

    @property
    def device_id(self) -> str:
        return self.device.device_id

    def knows(self, who: Identity) -> bool:
        """Whether this very identity was dealt with before."""
        return who in self.says

    def remember(self, who: Identity) -> None:
        if len(self.says) >= SAYS:
            self.says.clear()
        self.says.add(who)

    async def readings(self, conn: Connection, readings: Sequence[Reading], policy: Policy) -> list[Channel]:
        """The channel of each reading, made where it is new."""
        known = self.channels
        keys = [(r.channel, r.code, r.unit, kind_of(r)) for r in readings]
        missing = [(key, reading) for key, reading in zip(keys, readings, strict=True) if key not in known]
        if missing:
            await self._open(conn, dict(missing), policy)
        return [known[key] for key in keys]

    async def _open(self, conn: Connection, wanted: dict[Key, Reading], policy: Policy) -> None:
        # One call for each reading of one channel key: the ids come back by key alone.
        rounds: list[dict[str, tuple[Key, Reading]]] = []
        for key, reading in wanted.items():
            place = next((r for r in rounds if reading.channel not in r), None)
            if place is None:
                place = {}
                rounds.append(place)
            place[reading.channel] = (key, reading)
        for one in rounds:
            ids = await telemetry.ensure_channels(
                conn,
                self.device_id,
                [
                    ChannelSpec(r.channel, key[3], r.code, r.refid, r.system, r.unit, r.ucum, r.label)
                    for key, r in one.values()
                ],
            )
            for name, (key, reading) in one.items():
                opened = channel(ids[name], reading, policy)
                mode = opened.rule.mode if opened.rule is not None else ""
                for slot, text in self._charted.get((opened.group, mode, opened.code), ()):
                    opened.restore(slot, text)
                self.channels[key] = opened

    async def waveforms(self, conn: Connection, waves: Sequence[Waveform]) -> list[int]:
        """The channel id of each waveform."""
        keys = [(w.channel, w.code, w.unit, "wave") for w in waves]
        for key, wave in zip(keys, waves, strict=True):
            if key not in self.waves:
                ids = await telemetry.ensure_channels(
                    conn,
                    self.device_id,
                    [ChannelSpec(wave.channel, "wave", wave.code, wave.refid, "MDC", wave.unit, wave.ucum, wave.label)],
                )
                self.waves[key] = ids[wave.channel]
        return [self.waves[key] for key in keys]

    def charted(self, name: str, reason: str, slot: int, found: Content) -> None:
        """What was charted last of a channel or panel: restored when its channels open."""
        for one in found.parts:
            self._charted.setdefault((name, reason, one.code), []).append((slot, one.text))


def kind_of(reading: Reading) -> str:
    """A reading without a value (a probe is off) is still a number's."""
    return "numeric" if reading.number is not None or not reading.text else "text"


class Memory:
    """The machines of this process by wire key."""

    def __init__(self) -> None:
        self.machines: dict[str, Machine] = {}
        self.epoch = -1

    def forget(self) -> None:
        """Read everything again (a transaction failed, so part of it may never have happened)."""
        self.machines.clear()
        self.epoch = -1

    async def refresh(self, conn: Connection) -> None:
        """Drop machines that somebody changed since the last time."""
        now = await facts.epoch(conn)
        if now != self.epoch:
            if self.epoch >= 0:
                for key in await facts.touched(conn, self.epoch):
                    self.machines.pop(key, None)
            self.epoch = now

    async def load(self, conn: Connection, keys: set[str]) -> None:
        """Bring those of ``keys`` that the registry knows into memory."""
        missing = [key for key in keys if key not in self.machines]
        if not missing:
            return
        found = await registry.by_keys(conn, missing)
        for device in found.values():
            await self.add(conn, device)
        by_id = {device.device_id: self.machines[key] for key, device in found.items()}
        for device_id, name, reason, slot, content in await points.latest(conn, list(by_id)):
            by_id[device_id].charted(name, reason, slot, content)

    async def add(self, conn: Connection, device: Device) -> Machine:
        """Keep a machine."""
        machine = Machine(device)
        named = await facts.subject_now(conn, device.device_id)
        if named is not None:
            machine.subject_since, machine.subject = named
        machine.place_said = device.place_said
        self.machines[device.key] = machine
        return machine
