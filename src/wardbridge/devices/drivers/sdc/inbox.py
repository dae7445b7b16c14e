"""The bounded way from sdc11073's threads into asyncio: what does not fit is counted, never piled up.

When it overflows everything in it is thrown away at once: half a history is worth less than the present
state, which the driver then reads anew (GetMdib).
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

from wardbridge.core.clock import Clock


@dataclass(frozen=True, slots=True)
class Item:
    """A notification: the element in the SOAP body, or the bytes of one that could not be read."""

    received: int
    size: int
    node: Any = None
    broken: bytes = b""
    reason: str = ""


class Inbox:
    """Many threads put, one task takes. ``limit`` messages and ``room`` bytes at most."""

    def __init__(self, clock: Clock, limit: int = 256, room: int = 32_000_000) -> None:
        self.counts: Counter[str] = Counter()
        self.overflowed = False
        self.last = 0
        self._clock = clock
        self._limit = limit
        self._room = room
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._something = asyncio.Event()
        self._doubt = asyncio.Event()
        self._drained = asyncio.Event()
        self.ended = ""

    # From any thread ---------------------------------------------------------------------------------

    def offer(self, node: Any, size: int) -> None:
        """Put in a notification that was read."""
        self.counts["messages"] += 1
        self._put(Item(self._clock.now(), size, node))

    def reject(self, data: bytes, reason: str) -> None:
        """Put in bytes that could not be read; ``reason`` holds nothing of them."""
        self.counts["messages"] += 1
        self.counts["quarantined"] += 1
        self._put(Item(self._clock.now(), len(data), None, data, reason))

    def doubt(self) -> None:
        """A connection of the provider ended: somebody should look whether it is still there."""
        self._wake(self._doubt)

    def end(self, reason: str) -> None:
        """The provider said that it ends our subscription."""
        self.ended = reason
        self._wake(self._doubt)

    def _put(self, item: Item) -> None:
        with self._lock:
            self.last = item.received
            if len(self._items) >= self._limit or self._bytes + item.size > self._room:
                self.counts["dropped"] += len(self._items) + 1
                self._items.clear()
                self._bytes = 0
                self.overflowed = True
            else:
                self._items.append(item)
                self._bytes += item.size
            self._drained.clear()
        self._wake(self._something)

    def _wake(self, event: asyncio.Event) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(event.set)

    # From the loop -----------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._items)

    async def take(self, most: int = 64) -> list[Item]:
        """What has come, oldest first, at most ``most``; waits for the first. Empty after an overflow."""
        while True:
            with self._lock:
                if self.overflowed:
                    return []
                items = [self._items.popleft() for _ in range(min(most, len(self._items)))]
                self._bytes -= sum(item.size for item in items)
                if items:
                    return items
                self._something.clear()
                self._drained.set()
            await self._something.wait()

    async def drained(self) -> None:
        """Wait until all that came was taken, and whoever took it came back for more."""
        await self._drained.wait()

    def reset(self) -> None:
        """Forget an overflow; call it before the state is read anew, so that nothing newer is lost."""
        with self._lock:
            self.overflowed = False

    def clear(self) -> None:
        """Empty for a new connection; counts stay."""
        with self._lock:
            self._items.clear()
            self._bytes = 0
            self.overflowed = False
            self.ended = ""
            self._doubt.clear()
            self._drained.clear()

    async def doubted(self) -> None:
        """Wait for the next doubt."""
        await self._doubt.wait()
        self._doubt.clear()
