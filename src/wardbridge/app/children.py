"""Child processes that are watched: one that ends is started again, all end with their parent.

A child reads a pipe that only its parent holds open: when the parent dies, even by kill -9, the pipe
closes and the child ends itself.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping

import structlog

from wardbridge.core.clock import Clock

log = structlog.get_logger(__name__)

QUICK_SECONDS = 5.0
BACKOFF_LIMIT_SECONDS = 2.0
GRACE_SECONDS = 20.0


class Child:
    """One process kept alive until :meth:`stop`. ``ended`` is told its name each time that it ends by itself."""

    def __init__(
        self,
        name: str,
        command: list[str],
        environ: Mapping[str, str],
        clock: Clock,
        ended: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self.name = name
        self._ended = ended
        self._starting = asyncio.Lock()
        self._command = command
        self._environ = dict(environ)
        self._clock = clock
        self._stopping = False
        self.process: asyncio.subprocess.Process | None = None
        self.restarts = 0

    async def run(self) -> None:
        """Start the process, and again whenever it ends, with a growing pause while it ends quickly."""
        pause = 0.2
        while not self.stopping():
            started = self._clock.monotonic()
            async with self._starting:  # stop() must see the process, or keep it from being made
                if self.stopping():
                    return
                self.process = await asyncio.create_subprocess_exec(
                    *self._command, stdin=asyncio.subprocess.PIPE, env=self._environ, start_new_session=True
                )
            code = await self.process.wait()
            if self.stopping():
                return
            lived = self._clock.monotonic() - started
            self.restarts += 1
            log.error("process.ended", name=self.name, code=code, seconds=round(lived, 1), restarts=self.restarts)
            if self._ended is not None:
                await self._ended(self.name)
            pause = 0.2 if lived > QUICK_SECONDS else min(pause * 2, BACKOFF_LIMIT_SECONDS)
            await self._clock.sleep(pause)

    def stopping(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stopping

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL after 20 seconds."""
        async with self._starting:
            self._stopping = True
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), GRACE_SECONDS)
        except TimeoutError:
            log.error("process.killed", name=self.name)
            self.process.kill()
            await self.process.wait()


def end_with_parent() -> None:
    """In a child: watch the pipe on stdin; when the parent is gone, end by SIGTERM, then hard."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(GRACE_SECONDS)
        os._exit(3)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def command(process: str) -> list[str]:
    """The command line of one of our own processes."""
    return [sys.executable, "-m", "wardbridge.cli", "process", process]
