"""Modules that stop appearing: a monitor whose CO2 module was pulled goes on to speak of all the others; pure.

HL7 devices name their modules in every report and say nothing when one is taken out (BICEPS devices do: a deleted
descriptor). A module counts as removed when it has been absent for ten times its longest pause, a minute at least,
while the machine kept naming others. A pause in which the machine itself said nothing is nobody's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wardbridge.core.clock import MINUTE

KNOWN = 10
"""Sightings before a module's absence means anything."""
TIMES = 10
LEAST = MINUTE


@dataclass(slots=True)
class Sighting:
    """When a module was named last and its longest pause, both in µs of the machine's own talking."""

    last: int
    longest: int = 0
    count: int = 1
    gone: bool = False


class Modules:
    """The modules of one machine, as its messages name them."""

    def __init__(self) -> None:
        self._seen: dict[str, Sighting] = {}
        self._spoken = 0
        self._last = 0

    def heard(self, keys: Iterable[str], at: int) -> list[str]:
        """A message received at ``at`` (µs) named the modules ``keys``: those that are found to be gone, once each."""
        named = set(keys)
        if not named:
            return []
        if self._last:
            self._spoken += min(max(at - self._last, 0), LEAST)
        self._last = max(at, self._last)
        for key in named:
            one = self._seen.get(key)
            if one is None:
                self._seen[key] = Sighting(self._spoken)
                continue
            if not one.gone:
                one.longest = max(one.longest, self._spoken - one.last)
            one.last, one.gone = self._spoken, False
            one.count += 1
        if all(self._seen[key].count < KNOWN for key in named):
            return []
        gone = []
        for key, one in self._seen.items():
            silent = self._spoken - one.last
            if key not in named and not one.gone and one.count >= KNOWN and silent > max(LEAST, TIMES * one.longest):
                one.gone = True
                gone.append(key)
        return sorted(gone)
