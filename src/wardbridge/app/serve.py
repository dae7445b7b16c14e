"""``wardbridge serve``: one folder, one lock, PostgreSQL and the three processes, from start to stop.

serve ──► postgres (embedded)      restarted when it dies; taken over when we died
     ├──► gateway                  listeners and drivers: durable, then acknowledged
     ├──► engine                   pipeline, charting, alarms, outbound feeds, upkeep
     ├──► jobs                     bulk export and import, rebuilding the search index
     └──► web                      pages, live stream, /fhir
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import IO

import msgspec
import structlog

from wardbridge.app import preflight
from wardbridge.app.children import Child, command
from wardbridge.core import store
from wardbridge.core.clock import Clock, SystemClock
from wardbridge.core.db import AWAY, open_pool
from wardbridge.core.errors import SettingsError, Unavailable
from wardbridge.core.migrate import migrate
from wardbridge.core.postgres import Embedded
from wardbridge.core.settings import Settings

log = structlog.get_logger(__name__)

PROCESSES = ("gateway", "links", "engine", "jobs", "web")
START_TRIES = 6
"""A process that ended so often before all was ready will not come; saying so beats trying for ever."""


def lock(folder: Path) -> IO[str]:
    """Own the data folder. Raises SettingsError when another Wardbridge does."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise SettingsError(f"another Wardbridge is running on {folder}", "data") from error
    return file


def is_running(folder: Path) -> bool:
    """Whether a Wardbridge holds the folder now."""
    if not (folder / "lock").exists():
        return False
    try:
        lock(folder).close()
    except SettingsError:
        return True
    return False


@contextlib.asynccontextmanager
async def database(settings: Settings, clock: Clock) -> AsyncIterator[str]:
    """The DSN of a database that runs: the named one, or the embedded one of the data folder.

    An embedded server that was running before (a server is up on this folder) is left running.
    """
    if settings.database:
        yield settings.database
        return
    server = Embedded(settings.folder, clock, shared_mb=settings.database_shared_mb)
    running = is_running(settings.folder)
    await server.start()
    try:
        yield server.dsn
    finally:
        if not running:
            await server.stop()


def warnings(settings: Settings) -> list[str]:
    """What an operator must know at every start."""
    found = []
    loopback = {"127.0.0.1", "::1", "localhost"}
    if not settings.tls_cert and settings.host not in loopback:
        found.append(
            f"pages and API on {settings.host} are NOT encrypted: set tls_cert and tls_key, or put a TLS proxy in front"
        )
    if not settings.mllp_tls_cert and settings.mllp_host not in loopback:
        found.append(
            f"MLLP on {settings.mllp_host} is NOT encrypted: set mllp_tls_cert, or keep it on the device network"
        )
    if settings.mllp_host not in loopback and not settings.mllp_allow and not settings.mllp_tls_client_ca:
        found.append("MLLP accepts any sender: set mllp_allow (addresses) or mllp_tls_client_ca")
    return found


class Server:
    """Everything that ``serve`` runs. ``extra`` are further processes (the simulated ward)."""

    def __init__(self, settings: Settings, clock: Clock | None = None, *, say: Callable[[str], None] = print) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self._say = say
        self._children: list[Child] = []
        self._stop = asyncio.Event()
        self.dsn = settings.database

    async def run(
        self,
        prepared: Callable[[Server], Awaitable[None]] | None = None,
        ready: Callable[[Server], Awaitable[None]] | None = None,
    ) -> None:
        """Serve until SIGTERM or SIGINT. ``prepared`` runs after the migrations, ``ready`` once all answer.

        Raises SettingsError when the folder is taken or a setting is wrong.
        """
        folder = self.settings.folder
        preflight.tables(self.settings)
        held = lock(folder)
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop.set)
        for text in warnings(self.settings):
            log.warning("exposed", text=text)
            print(f"warning: {text}", file=sys.stderr, flush=True)  # noqa: T201
        postgres = None
        tasks: list[asyncio.Task[None]] = []
        try:
            if not self.dsn:
                postgres = Embedded(folder, self.clock, shared_mb=self.settings.database_shared_mb)
                await postgres.start(self._stop)
                self.dsn = postgres.dsn
                if self._stop.is_set():
                    return
                tasks.append(asyncio.create_task(self._watch(postgres)))
            pool = await open_pool(self.dsn, size=2, name="wardbridge-migrate")
            try:
                await migrate(pool)
                if prepared is not None:
                    await prepared(self)
                await preflight.ports(self.settings, self.clock)
                await store.forget_states(pool)
            finally:
                await pool.close()
            if self._stop.is_set():
                return
            names = [name for name in PROCESSES if name != "links" or self.settings.links]
            tasks.extend([self.start(name, command(name)) for name in names])
            await self._until_ready(tasks)
            if not self._stop.is_set():
                self._say(f"ready {self.settings.url}")
                if ready is not None:
                    await ready(self)
            await self._stop.wait()
        finally:
            # In any order: what is not acknowledged stays with its sender.
            await asyncio.gather(*(child.stop() for child in self._children))
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if postgres is not None:
                await postgres.stop()
            held.close()

    def environ(self) -> dict[str, str]:
        """The environment of our child processes: the settings as they were resolved here."""
        return {
            **os.environ,
            "WARDBRIDGE_RESOLVED": msgspec.json.encode(self.settings).decode(),
            "WARDBRIDGE_DSN": self.dsn,
        }

    def start(self, name: str, words: list[str]) -> asyncio.Task[None]:
        """Run a further process and keep it alive."""
        child = Child(name, words, self.environ(), self.clock, self._ended)
        self._children.append(child)
        return asyncio.create_task(child.run(), name=f"child-{name}")

    async def _ended(self, name: str) -> None:
        """What the process said of itself no longer holds: ``/readyz`` says so until it is back."""
        try:
            pool = await open_pool(self.dsn, size=1, name="wardbridge-serve", timeout_seconds=5)
            try:
                await store.forget_states(pool, name)
            finally:
                pool.terminate()
        except (*AWAY, Unavailable, TimeoutError) as error:
            log.info("process.state_kept", name=name, reason=type(error).__name__)

    async def _watch(self, postgres: Embedded) -> None:
        """Start PostgreSQL again whenever it is gone."""
        while True:
            await self.clock.sleep(0.5)
            if self._stop.is_set():
                return
            if postgres.pid() is None:
                log.error("postgres.gone")
                try:
                    await postgres.start()
                except (SettingsError, Unavailable) as error:
                    log.error("postgres.failed", reason=error.message)

    async def _until_ready(self, tasks: list[asyncio.Task[None]]) -> None:
        """Wait until ``/readyz`` says yes."""
        while not self._stop.is_set():
            if await answers(self.settings, "/readyz"):
                return
            for task in tasks:
                if task.done() and task.exception() is not None:
                    raise task.exception() or Unavailable("a process failed")
            for child in self._children:
                if child.restarts >= START_TRIES:
                    raise Unavailable(f"the process {child.name} does not start; its log says why", child.name)
            await self.clock.sleep(0.1)


async def answers(settings: Settings, path: str) -> bool:
    """Whether our own web server answers ``path`` with 200."""
    host = settings.host if settings.host not in {"0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104
    context = None
    if settings.tls_cert:
        import ssl

        # Whether it answers is the question here; who it is, is known, even with a certificate that has expired.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        reader, writer = await asyncio.open_connection(host, settings.port, ssl=context)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        line = await asyncio.wait_for(reader.readline(), 5)
        writer.close()
        return b" 200 " in line
    except (OSError, TimeoutError):
        return False
