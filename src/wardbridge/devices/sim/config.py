"""What a simulated ward is told: where the gateway is, how many beds, which seed, how fast."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WardConfig:
    """Settings of one run.

    ``speed`` multiplies the script and the courses of the patients, not the wire: values and waves keep
    their rate in wall time. ``every`` is the wall seconds between a monitor's numerics, ``oru_port`` where
    the HIS takes results (None: nowhere, 0: any free port), ``bench_port`` where :mod:`wardbridge.devices.sim.bench`
    listens (None: nowhere), ``status_every`` the seconds between status
    lines (0: none), ``start`` the ward's first moment in µs since 1970 UTC (0: now).
    ``ventilators`` also starts the SDC providers, in a process of their own.
    """

    host: str = "127.0.0.1"
    mllp_port: int = 2575
    beds: int = 12
    seed: int = 1
    speed: float = 1.0
    every: int = 1
    waves: bool = True
    ventilators: bool = True
    oru_port: int | None = None
    oru_dead: bool = False
    bench_port: int | None = None
    status_every: float = 10.0
    start: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.beds <= 200:
            raise ValueError(f"beds must be 1 to 200, not {self.beds}")
        if not 0.1 <= self.speed <= 100:
            raise ValueError(f"speed must be 0.1 to 100, not {self.speed}")
        if self.every < 1:
            raise ValueError("numerics come at most once a second")
