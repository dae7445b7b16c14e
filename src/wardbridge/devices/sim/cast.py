"""Who and what the ward consists of: patients, people and machines made from the script and the seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from wardbridge.devices.sim.config import WardConfig
from wardbridge.devices.sim.dialysis import Dialysis, Treatment
from wardbridge.devices.sim.fleet import fleet
from wardbridge.devices.sim.machine import Identity, Machine
from wardbridge.devices.sim.monitor import Fittings, Monitor
from wardbridge.devices.sim.patient import Patient, Profile
from wardbridge.devices.sim.people import Person, people
from wardbridge.devices.sim.pump import Program, Pump
from wardbridge.devices.sim.script import Script, load


@dataclass(frozen=True)
class Cast:
    """The ward before it runs. ``start`` is its first moment, µs since 1970 UTC."""

    script: Script
    people: list[Person]
    patients: dict[int, Patient]
    machines: list[Identity]
    start: int
    speed: float
    seed: int

    def patient_in(self, bed: int, t: float) -> Patient | None:
        """The patient in a bed at wall second ``t``."""
        number = self.script.patient_at(bed, t * self.speed)
        return None if number is None else self.patients[number]

    def fault(self, bed: int, device: str, kind: str, t: float) -> bool:
        """Whether a scripted fault holds at wall second ``t``."""
        return self.script.fault(kind, bed, device, t * self.speed)


def assemble(config: WardConfig, start: int, script: Script | None = None) -> Cast:
    """The cast of a ward that starts at ``start`` (µs since 1970 UTC)."""
    script = script or load(config.beds)
    patients = {
        bed.number: Patient(Profile(**bed.profile), (config.seed, bed.number), config.speed) for bed in script.beds
    }
    for event in script.events:
        if event.kind == "steer":
            for name, target in event.to.items():
                patients[event.bed].steer(name, event.at, target, event.over)
    return Cast(
        script=script,
        people=people(len(script.beds), config.seed),
        patients=patients,
        machines=fleet(script, config.seed),
        start=start,
        speed=config.speed,
        seed=config.seed,
    )


def hl7_machines(cast: Cast, config: WardConfig) -> list[Machine]:
    """The machines that speak HL7: monitors, pumps and dialysis machines."""
    return [_machine(cast, config, who) for who in cast.machines if who.kind != "ventilator"]


def _machine(cast: Cast, config: WardConfig, who: Identity) -> Machine:
    bed = cast.script.beds[who.bed - 1]
    fitted = {k: v for k, v in bed.devices[who.kind].items() if k not in ("battery", "clock_offset")}
    fault = partial(_fault, cast, who)
    if who.kind == "monitor":
        fittings = _fittings(fitted, config)
        seed = (cast.seed, who.bed)
        there = partial(cast.patient_in, who.bed)
        return Monitor(who, cast.start, cast.speed, fittings, there, fault, seed)
    if who.kind == "dialysis":
        return Dialysis(who, cast.start, cast.speed, Treatment(**fitted), fault, (cast.seed, who.bed))
    weighted = fitted.pop("weighted", False)
    weight = cast.people[who.bed - 1].weight if weighted else 0.0
    return Pump(who, cast.start, cast.speed, Program(**fitted, weight=weight), fault, _rate(cast, who))


def _fault(cast: Cast, who: Identity, kind: str, t: float) -> bool:
    # The monitor's CO2 sensor sits in the ventilator's circuit: it hears when that comes off.
    device = "ventilator" if kind == "disconnect" else who.kind
    return cast.fault(who.bed, device, kind, t)


def _rate(cast: Cast, who: Identity) -> Callable[[float, float], float]:
    return lambda t, usual: cast.script.rate(who.bed, who.kind, t * cast.speed, usual)


def _fittings(fitted: dict[str, Any], config: WardConfig) -> Fittings:
    limits = {name: (float(low), float(high)) for name, (low, high) in fitted.pop("limits", {}).items()}
    return Fittings(**fitted, limits=limits, every=config.every, waves=config.waves)
