"""MLLP frames out of a byte stream: 0x0B, message, 0x1C 0x0D; and everything that is none.

A block character cannot be part of a message. What stands outside a frame is never dropped: it comes
out as Junk with the reason. NULs and line ends between frames are padding that some senders write.
"""

from __future__ import annotations

import msgspec

START = 0x0B
END = 0x1C
CR = 0x0D
LF = 0x0A
MAX_FRAME = 16 * 1024 * 1024
MAX_JUNK = 64 * 1024
_PADDING = b"\x00\r\n \t\x1c"

OUTSIDE = "bytes outside a frame"
NO_END = "a frame without its end"
TOO_LONG = "a frame longer than allowed"
CLOSED = "the connection closed inside a frame"
EMPTY = "an empty frame"


class Junk(msgspec.Struct, frozen=True):
    """Bytes that are no message. `size` is how many there were; `data` holds the first of them."""

    reason: str
    data: bytes
    size: int


def frame(message: bytes) -> bytes:
    """One message framed for the wire. Raises ValueError for one that holds a block character."""
    if START in message or END in message:
        raise ValueError("the message holds a block character of MLLP")
    return b"\x0b" + message + b"\x1c\r"


class FrameReader:
    """Cuts a stream into messages. `feed` takes bytes as they arrive, however they are split."""

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self.max_frame = max_frame
        self._buffer = bytearray()
        self._inside = False
        self._scanned = 0
        self._skipping = 0
        self._junk_size = 0

    @property
    def waits_for_cr(self) -> bool:
        """Whether only the CR after the end block is missing; some senders leave it out."""
        return self._inside and bool(self._buffer) and self._buffer[-1] == END

    def feed(self, data: bytes) -> list[bytes | Junk]:
        """The messages and the junk that are complete now, in order."""
        self._buffer += data
        found: list[bytes | Junk] = []
        while self._step(found):
            pass
        return found

    def _step(self, found: list[bytes | Junk]) -> bool:
        buffer = self._buffer
        if not self._inside:
            at = buffer.find(START)
            if at < 0:
                if len(buffer) > MAX_JUNK:
                    self._outside(found, len(buffer))
                return False
            self._outside(found, at)
            del self._buffer[:1]
            self._inside, self._scanned, self._skipping = True, 0, 0
            return True
        return self._inner(found)

    def _outside(self, found: list[bytes | Junk], count: int) -> None:
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        if data.strip(_PADDING):
            found.append(Junk(OUTSIDE, data[:MAX_JUNK], count))

    def _inner(self, found: list[bytes | Junk]) -> bool:
        buffer = self._buffer
        end = buffer.find(END, self._scanned)
        start = buffer.find(START, self._scanned, end if end >= 0 else len(buffer))
        if start >= 0:  # the next frame begins: this one has no end
            self._emit(found, start, NO_END)
            del self._buffer[:1]
            self._scanned, self._skipping = 0, 0
            return True
        if end < 0 or end + 1 == len(buffer):
            self._scanned = len(buffer) if end < 0 else end
            self._bound()
            return False
        after = buffer[end + 1]
        if after not in (CR, LF, START):
            self._scanned = end + 1  # not the end block; kept as it is
            return True
        self._emit(found, end, "")
        del self._buffer[: 1 if after == START else 2]
        self._inside = False
        return True

    def _bound(self) -> None:
        """Forget the middle of a frame that is too long; its head stays for the quarantine."""
        excess = len(self._buffer) - max(self.max_frame, MAX_JUNK)
        if excess > 0 and len(self._buffer) > self.max_frame:
            keep = bytes(self._buffer[-1:])
            head = bytes(self._buffer[:MAX_JUNK])
            self._skipping += len(self._buffer) - len(head) - len(keep)
            self._buffer[:] = head + keep
            self._scanned = len(head) + (0 if keep[0] == END else 1)

    def _emit(self, found: list[bytes | Junk], count: int, reason: str) -> None:
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        size = count + self._skipping
        if not reason and size > self.max_frame:
            reason = TOO_LONG
        if not reason and not data.strip():
            reason = EMPTY
        self._skipping = 0
        found.append(Junk(reason, data[:MAX_JUNK], size) if reason else data)

    def finish_frame(self) -> list[bytes | Junk]:
        """Take the end block without its CR as the end, when no CR comes."""
        return self.feed(b"\r") if self.waits_for_cr else []

    def close(self) -> list[bytes | Junk]:
        """What is left when the stream ends."""
        found: list[bytes | Junk] = self.finish_frame()
        if self._inside:
            self._emit(found, len(self._buffer), CLOSED)
            self._inside = False
        elif self._buffer:
            self._outside(found, len(self._buffer))
        self._scanned = 0
        return found
