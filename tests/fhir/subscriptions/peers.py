"""Real peers on loopback: an HTTP receiver that keeps what it gets, and waiting with a bound."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Got:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def bundle(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def status(self) -> dict[str, Any]:
        """The parameters of the first entry, by name; notification events under ``events``."""
        out: dict[str, Any] = {"events": []}
        for part in self.bundle["entry"][0]["resource"]["parameter"]:
            if part["name"] == "notification-event":
                out["events"].append({p["name"]: _value(p) for p in part["part"]})
            else:
                out[part["name"]] = _value(part)
        return out

    @property
    def numbers(self) -> list[int]:
        return [int(event["event-number"]) for event in self.status["events"]]


def _value(part: dict[str, Any]) -> Any:
    value = next(v for k, v in part.items() if k.startswith("value"))
    return value.get("reference", value) if isinstance(value, dict) else value


class Receiver:
    """``async with Receiver() as r``. ``answer`` is the status it gives; ``held``: it reads and gives none."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answer = 200
        self.headers = ""
        self.held = False
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Receiver:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for line in self._lines:
            line.close()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def told(self) -> list[Got]:
        """Event notifications."""
        return [got for got in self.got if got.body and got.status["type"] == "event-notification"]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split(" ")
                headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.got.append(Got(method, path, headers, body))
                if self.held:
                    await reader.read(1)
                    return
                writer.write(f"HTTP/1.1 {self.answer} X\r\n{self.headers}content-length: 2\r\n\r\nok".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._lines.discard(writer)
            writer.close()


async def until(done: Callable[[], Any] | Callable[[], Awaitable[Any]], seconds: float = 20.0) -> Any:
    """Ask until something true comes; fails after ``seconds``."""
    end = time.monotonic() + seconds
    while True:
        found = done()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < end, "did not come about in time"
        await asyncio.sleep(0.01)  # waits for a real peer: there is no clock to turn
