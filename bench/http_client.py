"""A small HTTP/1.1 client for load: one keep-alive connection, one request in flight, loopback or not as given."""

from __future__ import annotations

import asyncio
import json
import zlib
from typing import Any
from urllib.parse import urlsplit


class Connection:
    """Connects at the first request and again after the server closed."""

    def __init__(self, base: str, token: str = "", *, gzip: bool = False) -> None:
        """``gzip``: compressed answers are asked for and given out uncompressed."""
        parts = urlsplit(base)
        self.host, self.port, self.path = parts.hostname or "127.0.0.1", parts.port or 80, parts.path.rstrip("/")
        self._head = f"Host: {self.host}:{self.port}\r\nAccept: application/fhir+json\r\n" + (
            f"Authorization: Bearer {token}\r\n" if token else ""
        )
        if gzip:
            self._head += "Accept-Encoding: gzip\r\n"
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """(status, body). ``body``: JSON value or bytes. Raises OSError, asyncio.IncompleteReadError."""
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self.host, self.port, limit=1 << 26)
        reader, writer = self._reader, self._writer
        assert reader is not None
        head = f"{method} {self.path}{path} HTTP/1.1\r\n{self._head}"
        if body is not None:
            head += f"Content-Type: application/fhir+json\r\nContent-Length: {len(raw)}\r\n"
        writer.write(head.encode() + b"\r\n" + raw)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(answer[9:12])
        fields = dict(line.partition(": ")[::2] for line in answer.split("\r\n")[1:] if line)
        if "content-length" in fields:
            out = await reader.readexactly(int(fields["content-length"]))
        elif fields.get("transfer-encoding") == "chunked":
            out = await self._chunks(reader)
        else:
            out = b""
        if fields.get("connection") == "close":
            self.close()
        if fields.get("content-encoding") == "gzip":
            out = zlib.decompress(out, 31)
        return status, out

    @staticmethod
    async def _chunks(reader: asyncio.StreamReader) -> bytes:
        parts = []
        while True:
            size = int((await reader.readline()).split(b";")[0], 16)
            parts.append((await reader.readexactly(size + 2))[:-2])
            if size == 0:
                return b"".join(parts)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None
