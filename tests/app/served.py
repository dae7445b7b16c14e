"""A real ``wardbridge serve`` in a process of its own, with ways to hurt it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg

from wardbridge.core.clock import SystemClock
from wardbridge.core.postgres import Embedded
from wardbridge.security.tokens import Tokens

START_LIMIT = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """One running server. Times in seconds."""

    def __init__(self, data: Path, *words: str, command: str = "serve", scheme: str = "http", **environ: str) -> None:
        self.data = data
        self.scheme = scheme
        self.port = free_port()
        self.mllp_port = free_port()
        self._words = [sys.executable, "-m", "wardbridge.cli", command, "--data", str(data), "--port", str(self.port),
                       "--mllp-port", str(self.mllp_port), *words]  # fmt: skip
        self._environ = {
            **os.environ,
            "WARDBRIDGE_LOG_LEVEL": "warning",
            "WARDBRIDGE_DATABASE_SHARED_MB": "64",
            **environ,
        }
        self.lines: list[str] = []
        self._ready = threading.Event()
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> float:
        """Start and wait for the ready line; how long it took."""
        began = time.monotonic()
        process = self.start_only()
        assert self._ready.wait(START_LIMIT), "no ready line"
        assert process.poll() is None, f"ended with {process.returncode}; see {self.log}"
        return time.monotonic() - began

    def start_only(self) -> subprocess.Popen[str]:
        """Start and wait for nothing."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(self._words, stdout=subprocess.PIPE, stderr=log, text=True, env=self._environ)
        self.process, self._ready = process, threading.Event()
        ready = self._ready

        def read() -> None:
            assert process.stdout is not None
            with process.stdout:
                for line in process.stdout:
                    self.lines.append(line.rstrip("\n"))
                    if line.startswith("ready "):
                        ready.set()
            ready.set()

        threading.Thread(target=read, daemon=True).start()
        return process

    @property
    def log(self) -> Path:
        """What the server wrote to stderr."""
        return self.data.parent / f"{self.data.name}.log"

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)

    def kill(self) -> None:
        """kill -9 of the whole server's main process."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)

    def child(self, name: str) -> int | None:
        """The process id of one of our processes."""
        assert self.process is not None
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if words[-3:-1] == [b"process", name.encode()] and parent == self.process.pid:
                    return int(entry.name)
        return None

    def kill_child(self, name: str) -> bool:
        """kill -9 of one of our processes; False where it was not there."""
        pid = self.postgres.pid() if name == "postgres" else self.child(name)
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    @property
    def postgres(self) -> Embedded:
        return Embedded(self.data, SystemClock())

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def token(self, role: str = "service") -> str:
        return Tokens(self.data / "keys", SystemClock()).issue(role=role)

    def get(self, path: str, role: str = "") -> tuple[int, bytes]:
        """``(status, body)`` of a GET, with a token of ``role`` where one is named."""
        headers = {"authorization": f"Bearer {self.token(role)}"} if role else {}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, headers=headers), timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def fetch(self, statement: str, *arguments: Any) -> list[Any]:
        """Rows straight from the database."""

        async def run() -> list[Any]:
            connection = await asyncpg.connect(self.postgres.dsn)
            try:
                return list(await connection.fetch(statement, *arguments))
            finally:
                await connection.close()

        return asyncio.run(run())

    def until(self, done: Any, seconds: float = 60.0, every: float = 0.2) -> Any:
        """Ask ``done`` until it gives something true; fails after ``seconds``."""
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                found = done()
                if found:
                    return found
            assert time.monotonic() < end, "did not come about in time"
            time.sleep(every)  # waits for another process: there is no clock to turn


@contextlib.contextmanager
def served(data: Path, *words: str, **more: str) -> Iterator[Served]:
    """A server that is stopped, or killed where it does not stop, at the end."""
    server = Served(data, *words, **more)
    try:
        server.start()
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            try:
                server.stop()
            except subprocess.TimeoutExpired:
                server.kill()
        pid = server.postgres.pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
