"""Use hours from the wire: the time in which a machine sent data and was not on standby; pure.

A machine counts up to a mark (``until``) and never before it: what is told twice, late or out of order adds nothing
that was counted. Times are ours (receive time), so a machine whose clock jumps counts right all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from wardbridge.core.clock import MINUTE

BRIDGE = 3 * MINUTE
"""Between two messages that are no further apart the machine was in use; pumps report every minute at most."""


class Use(msgspec.Struct, frozen=True):
    """``use_us`` µs of use, all of it before ``until`` (µs since the epoch)."""

    use_us: int = 0
    until: int = 0


Rest = tuple[int, int | None]
"""A time on standby: (start, stop), stop None while it lasts."""


def advance(use: Use, heard: Iterable[int], rests: Sequence[Rest] = ()) -> Use:
    """``use`` after messages that were received at these moments."""
    total, until = use.use_us, use.until
    for at in sorted(heard):
        if at <= until:
            continue
        if until and at - until <= BRIDGE:
            total += at - until - rested(until, at, rests)
        until = at
    return Use(total, until)


def rested(start: int, stop: int, rests: Sequence[Rest]) -> int:
    """How much of [start, stop) was rest; overlapping rests count once."""
    total, mark = 0, start
    for begin, end in sorted(rests, key=lambda one: one[0]):
        low, high = max(begin, mark), min(stop if end is None else end, stop)
        if high > low:
            total += high - low
            mark = high
    return total
