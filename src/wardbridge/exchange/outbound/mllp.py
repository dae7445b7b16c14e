"""A destination reached over MLLP: one connection that is kept, and made anew after any fault."""

from __future__ import annotations

import asyncio
import ssl

from wardbridge.core.clock import Clock
from wardbridge.exchange.codecs.hl7v2.ack import Answer, Level
from wardbridge.exchange.mllp.client import Client


class MllpSender:
    """Sends over one connection, opened at the first message. ``timeout`` in seconds of the clock, for
    connecting and for each answer; ``level`` waits for the accept or the application acknowledgement,
    None takes the first that comes."""

    def __init__(
        self,
        host: str,
        port: int,
        clock: Clock,
        *,
        tls: ssl.SSLContext | None = None,
        timeout: float = 20.0,
        level: Level | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.clock = clock
        self.tls = tls
        self.timeout = timeout
        self.level = level
        self._client: Client | None = None

    async def send(self, message: bytes) -> Answer:
        """The acknowledgement of ``message``. Raises OSError, TimeoutError or Hl7Error when there is none;
        the connection is then closed, so that no late answer meets the next message."""
        if self._client is not None and not self._client.connected:
            await self.close()
        if self._client is None:
            self._client = await Client.connect(
                self.host, self.port, self.clock, tls=self.tls, server_name=self.host, timeout=self.timeout
            )
        answered = False
        try:
            answer = await self._client.send(message, self.timeout, self.level)
            answered = True
            return answer
        finally:
            if not answered:
                await asyncio.shield(self.close())

    async def close(self) -> None:
        """Close the connection; the next ``send`` opens another."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
