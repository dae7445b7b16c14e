"""The provider of ``provider.py`` as another process, driven from a test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import uuid
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


class Peer:
    """Use as ``async with Peer() as peer``; every peer has its own endpoint reference."""

    def __init__(self, *options: str, epr: str = "") -> None:
        self.uuid = epr or str(uuid.uuid4())
        self.options = options
        self.address = ""
        self.epr = ""
        self.process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Peer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(HERE / "provider.py"),
            "--epr",
            self.uuid,
            *self.options,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=1 << 20,
        )
        hello = await self._answer()
        self.address, self.epr = hello["ready"], hello["epr"]

    async def tell(self, command: str, **arguments: Any) -> dict[str, Any]:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([command, arguments]).encode() + b"\n")
        answer = await self._answer()
        assert "error" not in answer, answer
        return answer

    async def _answer(self) -> dict[str, Any]:
        assert self.process is not None
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            line = await self.process.stdout.readline()
        assert line, "the provider ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def kill(self) -> None:
        """kill -9, as a power cut does."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
            transport = getattr(self.process, "_transport", None)
            if transport is not None:
                transport.close()
