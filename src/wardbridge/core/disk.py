"""What happens when the disk fills: writing stops early and says so, reading goes on.

Below the reserve nothing new is accepted (devices are not acknowledged and keep their data, the API
answers 503), so that PostgreSQL never meets a full disk in the middle of its own work.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from wardbridge.core.clock import Clock
from wardbridge.core.errors import Unavailable


class DiskGuard:
    """Free space of the data folder, measured at most once a second."""

    def __init__(self, folder: Path, reserve_bytes: int, clock: Clock) -> None:
        self.folder = folder
        self.reserve = reserve_bytes
        self.clock = clock
        self._free = 0
        self._measured = float("-inf")

    def free(self) -> int:
        """Free bytes, at most a second old."""
        now = self.clock.monotonic()
        if now - self._measured > 1.0:
            self._free = shutil.disk_usage(self.folder).free
            self._measured = now
        return self._free

    def check(self) -> None:
        """Raises Unavailable below the reserve."""
        free = self.free()
        if free < self.reserve:
            raise Unavailable(
                f"the disk is nearly full: {free // 1_000_000} MB free, "
                f"{self.reserve // 1_000_000} MB are kept in reserve",
                "disk",
            )
