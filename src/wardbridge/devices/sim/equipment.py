"""The same machines as assets: when bought, when due, what was repaired. Plain rows for the equipment room."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from wardbridge.devices.sim.fleet import fleet, wire_key
from wardbridge.devices.sim.machine import Identity
from wardbridge.devices.sim.script import Script


@dataclass(frozen=True)
class Plan:
    """A maintenance plan: what is done, every how many months, when last, when next due."""

    name: str
    months: int
    last: date
    due: date


@dataclass(frozen=True)
class Work:
    """A past work order."""

    opened: date
    closed: date
    problem: str
    action: str


@dataclass(frozen=True)
class Asset:
    """One machine as clinical engineering knows it. ``key`` is what it is known by on the wire (EUI-64, a
    ventilator's SDC endpoint reference), ``price`` in euros, ``risk`` low, medium or high."""

    number: str
    key: str
    name: str
    kind: str
    manufacturer: str
    model: str
    serial: str
    firmware: str
    place: str
    risk: str
    bought: date
    installed: date
    warranty_end: date
    price: int
    network: str
    plans: tuple[Plan, ...]
    works: tuple[Work, ...]

    def next_due(self) -> date:
        """The earliest day on which something is due."""
        return min(plan.due for plan in self.plans)


# kind: (price in euros, risk, ((plan, months), ...), ((problem, action), ...))
KINDS: Final = {
    "monitor": (
        14_500,
        "medium",
        (("Performance check and NIBP calibration", 12), ("Electrical safety test", 24)),
        (("SpO2 cable worn", "Cable replaced"), ("Touch screen does not answer", "Screen replaced, tested")),
    ),
    "ventilator": (
        32_000,
        "high",
        (("Preventive maintenance kit", 12), ("Oxygen sensor and flow calibration", 6)),
        (("Flow sensor drift", "Sensor replaced, calibrated"), ("Fan noisy", "Fan replaced")),
    ),
    "syringe": (
        2_300,
        "high",
        (("Flow accuracy and occlusion pressure check", 12),),
        (("Battery lasts 20 minutes", "Battery replaced"), ("Plunger clamp broken", "Clamp replaced")),
    ),
    "lvp": (
        2_600,
        "high",
        (("Flow accuracy and occlusion pressure check", 12),),
        (("Door latch worn", "Latch replaced"), ("Air detector alarms without air", "Detector cleaned, tested")),
    ),
    "dialysis": (
        19_800,
        "high",
        (("Preventive maintenance", 6), ("Water line disinfection and sampling", 3), ("Electrical safety test", 12)),
        (("Conductivity drift", "Cell calibrated"), ("Blood pump rotor worn", "Rotor replaced")),
    ),
}


def assets(script: Script, seed: int, today: date) -> list[Asset]:
    """Every machine of the ward as an asset. The same seed and day give the same rows; in every seven
    machines one plan is overdue and one is due within a month."""
    rng = np.random.default_rng([seed, 41])
    return [_asset(who, n, rng, today) for n, who in enumerate(fleet(script, seed))]


def overdue(rows: Iterable[Asset], today: date) -> list[Asset]:
    """Those with a plan whose day has passed."""
    return [row for row in rows if row.next_due() < today]


def _asset(who: Identity, n: int, rng: np.random.Generator, today: date) -> Asset:
    price, risk, plans, troubles = KINDS[who.kind]
    age = int(rng.integers(200, 3400))
    bought = today - timedelta(days=age)
    installed = bought + timedelta(days=int(rng.integers(7, 40)))
    made = []
    for place, (name, months) in enumerate(plans):
        span = round(months * 30.44)
        if place == 0 and n % 7 == 3:
            due = today - timedelta(days=int(rng.integers(3, 75)))
        elif place == 0 and n % 7 == 5:
            due = today + timedelta(days=int(rng.integers(2, 28)))
        else:
            due = today + timedelta(days=int(rng.integers(31, max(span, 45))))
        made.append(Plan(name, months, due - timedelta(days=span), due))
    works = []
    for problem, action in troubles:
        if rng.random() < 0.35:
            opened = today - timedelta(days=int(rng.integers(20, max(age - 20, 21))))
            works.append(Work(opened, opened + timedelta(days=int(rng.integers(0, 12))), problem, action))
    return Asset(
        number=f"ME-{10_000 + n * 17 + who.bed}",
        key=wire_key(who),
        name=who.name,
        kind=who.kind,
        manufacturer=who.manufacturer,
        model=who.model,
        serial=who.serial,
        firmware=who.firmware,
        place=who.place,
        risk=risk,
        bought=bought,
        installed=installed,
        warranty_end=bought + timedelta(days=730),
        price=price,
        network=f"10.20.{who.bed}.{10 + n % 200}",
        plans=tuple(made),
        works=tuple(sorted(works, key=lambda work: work.opened)),
    )
