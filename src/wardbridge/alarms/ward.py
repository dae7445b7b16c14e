"""What the engine watches, read from the devices room and telemetry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from wardbridge.alarms.beds import BedNow, Live, Machine
from wardbridge.core.db import AWAY, Pool
from wardbridge.core.errors import Unavailable
from wardbridge.devices import board


class WardBeds:
    """Every bed of the house as it is now."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def now(self) -> Sequence[BedNow]:
        """Raises Unavailable when the database is away."""
        try:
            beds = await board.beds(self._pool)
            values = await board.current(self._pool, beds)
        except AWAY as error:
            raise Unavailable(f"the database is away: {type(error).__name__}", "database") from error
        found: dict[str, list[Live]] = defaultdict(list)
        for device_id, lasts in values.items():
            for last in lasts:
                if last.number is not None:
                    found[device_id].append(
                        Live(
                            last.channel.spec.code,
                            last.text,
                            last.number,
                            last.time,
                            last.received,
                            last.quality,
                            device_id,
                        )
                    )
        return [
            BedNow(
                bed.place_id,
                bed.ward,
                bed.patient.patient_id if bed.patient else "",
                tuple(
                    Machine(m.device_id, m.label, m.last_seen, m.standby)
                    for m in bed.devices
                    if m.state == "accepted" and m.patient_id
                ),
                tuple(live for m in bed.devices for live in found.get(m.device_id, ())),
            )
            for bed in beds
        ]
