"""The machines of the ward: who makes them, what they are called, their identifiers. All makers are made up."""

from __future__ import annotations

import uuid
from typing import Final

from wardbridge.devices.sim.machine import Identity
from wardbridge.devices.sim.script import Script

# kind: (maker, model, firmware of most, firmware of one in four, hardware, serial prefix, EUI-64 head)
# The EUI-64 heads have the local bit set: they belong to nobody.
MAKERS: Final = {
    "monitor": ("Northlight", "M7", "4.2.1", "4.1.0", "C", "NL", "02A17C"),
    "ventilator": ("Halden", "Fjord V3", "3.0.4", "2.8.9", "B", "HF", "02B3D0"),
    "syringe": ("Corvane", "Rill SY1", "1.9.0", "1.9.0", "A", "CS", "02C4E6"),
    "lvp": ("Corvane", "Rill LV2", "2.3.0", "2.1.5", "B", "CL", "02C4E5"),
    "dialysis": ("Aquilo Renal", "Tide HD5", "5.1.2", "5.1.2", "D", "AQ", "02D87A"),
}
NAMESPACE: Final = uuid.UUID("6c1f0c52-6f0e-4c55-9b1e-0d2f64a1d0c4")


def endpoint(who: Identity) -> uuid.UUID:
    """The SDC endpoint reference of a ventilator; the same in every run."""
    return uuid.uuid5(NAMESPACE, who.eui)


def wire_key(who: Identity) -> str:
    """What a machine is known by on the wire: its EUI-64, an SDC provider by its endpoint reference."""
    return endpoint(who).urn if who.kind == "ventilator" else who.eui


def fleet(script: Script, seed: int) -> list[Identity]:
    """Every machine of the ward, bed by bed."""
    machines = []
    for bed in script.beds:
        for kind, fitted in bed.devices.items():
            maker, model, usual, old, hardware, prefix, head = MAKERS[kind]
            number = 1000 + (seed % 89) * 100 + bed.number
            machines.append(
                Identity(
                    name=f"{kind}-{bed.number}",
                    kind=kind,
                    eui=f"{head}FFFE{number:06X}",
                    manufacturer=maker,
                    model=model,
                    serial=f"{prefix}{20 + bed.number % 6}{number:05d}",
                    firmware=old if bed.number % 4 == 0 else usual,
                    hardware=hardware,
                    bed=bed.number,
                    place=bed.place,
                    battery=bool(fitted.get("battery", kind in ("syringe", "lvp"))),
                    clock_offset=float(fitted.get("clock_offset", 0.0)),
                )
            )
    return machines


def providers(script: Script, seed: int) -> dict[str, str]:
    """The SDC providers of the ward: name to endpoint reference, for the links of a consumer."""
    return {who.name: endpoint(who).urn for who in fleet(script, seed) if who.kind == "ventilator"}
