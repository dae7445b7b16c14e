"""When was it really: a device's clock is a statement, not a fact.

The offset (received minus device time) of a live report is the delay of the line plus the error of the
clock; of a report that the device had buffered it is larger. The least offset of the last reports is
therefore the best estimate, and one report alone proves nothing.
"""

from __future__ import annotations

from collections import deque

from wardbridge.core.clock import SECOND

TOLERANCE = 2 * SECOND
"""Differences below this are the line, not the clock."""
TRUST = 60 * SECOND
"""A clock that is behind by more than this, report after report, is put right by its offset."""
WINDOW = 32
ENOUGH = 8


class Offset:
    """The offset of one device's clock in µs: positive, the device's clock is behind ours."""

    def __init__(self, known: int | None = None) -> None:
        self._seen: deque[int] = deque(maxlen=WINDOW)
        self._known = known

    def observe(self, device_time: int, received: int) -> None:
        """A report that was received at ``received`` and says it is ``device_time``."""
        if device_time:
            self._seen.append(received - device_time)

    @property
    def value(self) -> int | None:
        """The estimate; what was known before this process started until there are enough reports."""
        if len(self._seen) < ENOUGH:
            least = min(self._seen, default=None)
            if self._known is None or least is None:
                return least if self._known is None else self._known
            return min(self._known, least)
        return min(self._seen)

    def correction(self) -> int:
        """What must be added to the device's times, 0 while its clock is good enough or not yet judged."""
        estimate = min(self._seen) if len(self._seen) >= ENOUGH else self._known
        return estimate if estimate is not None and estimate > TRUST else 0


def true_time(device_time: int, received: int, correction: int = 0) -> int:
    """The time that binding and charting go by.

    Without a device time, or with one in the future (beyond the tolerance), it is when we received it:
    nothing can be measured later than that. A late report keeps its own time.
    """
    if not device_time:
        return received
    time = device_time + correction
    return received if time > received + TOLERANCE else time
