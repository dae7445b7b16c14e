"""How loaded with alarms a bed is: the count of the last 120 minutes and its band.

Response to alarms slows with their number in the last two hours; the bands 0-29, 30-79 and 80+ are those
of Bonafide et al. 2015 (J Hosp Med, PMC4456276).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from wardbridge.alarms import store
from wardbridge.core.clock import MINUTE
from wardbridge.core.db import Pool

WINDOW = 120 * MINUTE
BANDS = ((80, "80+"), (30, "30-79"), (0, "0-29"))


class Load(msgspec.Struct, frozen=True):
    """``count`` of alarms that began in the window; ``actionable`` of them were acknowledged by somebody."""

    place_id: str
    count: int
    actionable: int

    @property
    def band(self) -> str:
        return band(self.count)


def band(count: int) -> str:
    """The published band of a count of alarms in 120 minutes."""
    return next(name for lowest, name in BANDS if count >= lowest)


def loads(rows: Iterable[tuple[str, bool]]) -> list[Load]:
    """Loads by bed, the most loaded first; ``rows`` are (place id, acknowledged) of each alarm."""
    found: dict[str, list[int]] = {}
    for place, acknowledged in rows:
        counts = found.setdefault(place, [0, 0])
        counts[0] += 1
        counts[1] += acknowledged
    return sorted((Load(place, *counts) for place, counts in found.items()), key=lambda load: -load.count)


async def alarm_load(pool: Pool, now: int) -> list[Load]:
    """The load of every bed that had an alarm in the last 120 minutes."""
    return loads(await store.begun(pool, now - WINDOW))
