"""What waits for one browser: bounded, so that a slow one never holds up others or grows without end.

Numbers coalesce to the newest of each slot, alarms to the newest whole list of each topic (nothing of it
is ever dropped), waves are dropped first and oldest first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from wardbridge.security.principal import Principal
from wardbridge.telemetry.values import Wave
from wardbridge.web.live import wire

WAVE_BYTES = 512 * 1024
FRAME_RUNS = 400


class Browser:
    """One open stream. ``topics`` are the permitted ones."""

    def __init__(self, who: Principal, *, names: bool) -> None:
        self.who = who
        self.names = names
        self.topics: set[str] = set()
        self.dropped = 0
        self._numbers: dict[str, dict[str, dict[str, Any]]] = {}
        self._states: dict[str, str] = {}
        self._waves: deque[tuple[str, Wave]] = deque()
        self._wave_bytes = 0
        self._wake = asyncio.Event()

    def put_number(self, place: str, group: str, key: str, row: Any) -> None:
        """A value of ``place``: ``group`` s (slot), c (channel) or d (data seen)."""
        self._numbers.setdefault(place, {}).setdefault(group, {})[key] = row
        self._wake.set()

    def put_state(self, key: str, message: str) -> None:
        """A message that replaces the earlier one of the same key: alarms, scores, who lies where."""
        self._states[key] = message
        self._wake.set()

    def put_wave(self, place: str, run: Wave) -> None:
        self._waves.append((place, run))
        self._wave_bytes += len(run.samples)
        while self._wave_bytes > WAVE_BYTES:
            _, old = self._waves.popleft()
            self._wave_bytes -= len(old.samples)
            self.dropped += 1
        self._wake.set()

    def forget(self, place: str) -> None:
        """Drop what waits of a bed whose patient changed."""
        self._numbers.pop(place, None)
        kept = [(at, run) for at, run in self._waves if at != place]
        self._waves = deque(kept)
        self._wave_bytes = sum(len(run.samples) for _, run in kept)

    async def ready(self) -> None:
        """Return when something waits."""
        await self._wake.wait()

    def take(self) -> list[str | bytes]:
        """Everything that waits, alarms first, as messages; empties the queues."""
        self._wake.clear()
        out: list[str | bytes] = list(self._states.values())
        self._states = {}
        if self._numbers:
            out.append(wire.text({"t": "n", "p": self._numbers}))
            self._numbers = {}
        while self._waves:
            runs = [self._waves.popleft() for _ in range(min(len(self._waves), FRAME_RUNS))]
            out.append(wire.waves(runs))
        self._wave_bytes = 0
        return out
