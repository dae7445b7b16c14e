"""``rest-hook`` and ``message``: an HTTP POST to the endpoint (R4 subscription.html; Backport IG, channels).

The body is signed where the subscription has a secret: ``X-Signature-256: t=<seconds>,v1=<hex>`` is the HMAC-SHA-256
of ``<seconds>.<body>``. Redirects are not followed. R4's own criteria without a payload content send an empty POST, or,
with a payload, ``PUT endpoint/Type/id``; ``X-Event-Number`` says there what the Bundle says otherwise.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import ssl
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx

from wardbridge.core.clock import SECOND, Clock
from wardbridge.fhir.subscriptions.channels.hosts import Hosts
from wardbridge.fhir.subscriptions.channels.sender import Undelivered
from wardbridge.fhir.subscriptions.notification import Told, bundle, message
from wardbridge.fhir.subscriptions.plan import written
from wardbridge.fhir.subscriptions.rules import Kept
from wardbridge.fhir.subscriptions.store.events import Event

# httpcore imports sniffio at every request, if it is there; where it is not, each attempt searches the whole path,
# a third of the cost of a notification. Said once that it is not there, it asks no more.
if importlib.util.find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]

SIGNATURE = "X-Signature-256"
_ANSWER_BYTES = 65_536
_KEEP_ADDRESS = 30.0
_MOST = 200


def signature(secret: str, body: bytes, seconds: int) -> str:
    """The value of the signature header."""
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


class Web:
    """Sends over kept connections; one for the whole process. Open it with ``async with``."""

    def __init__(self, hosts: Hosts, clock: Clock, tls: ssl.SSLContext | None = None) -> None:
        self._hosts = hosts
        self._clock = clock
        self._addresses: dict[str, tuple[str, float]] = {}
        self._client = httpx.AsyncClient(
            verify=tls or ssl.create_default_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(30.0),
            limits=httpx.Limits(max_connections=_MOST, max_keepalive_connections=_MOST, keepalive_expiry=30.0),
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, told: Told, events: Sequence[Event], kept: Kept) -> None:
        """Raises Undelivered with the answer's status, or that there was none; Blocked."""
        channel = told.plan.channel
        method, url, body = "POST", channel.endpoint, b""
        if channel.kind == "message":
            body = message(told, events, channel.content)
            if not url.rstrip("/").endswith("/$process-message"):
                url = f"{url.rstrip('/')}/$process-message"
        elif channel.content:
            body = bundle(told, events, channel.content)
        elif channel.payload and events and events[0].body is not None:
            event = events[0]
            method, url, body = "PUT", f"{url.rstrip('/')}/{event.type}/{event.id}", events[0].body
        headers = dict(kept.headers)
        if body:
            body = written(body, channel.payload)
            headers["Content-Type"] = channel.payload or "application/fhir+json"
        if events:
            headers["X-Event-Number"] = str(events[-1].number)
        if kept.secret:
            headers[SIGNATURE] = signature(kept.secret, body, self._clock.now() // SECOND)
        await self._request(method, url, headers, body)

    async def _request(self, method: str, url: str, headers: dict[str, str], body: bytes) -> None:
        parts = urlsplit(url)
        address = await self._address(url)
        port = f":{parts.port}" if parts.port else ""
        host = f"[{address}]" if ":" in address else address
        # To the address that was checked, by the name that was asked for: nobody can move the name in between.
        target = parts._replace(netloc=f"{host}{port}").geturl()
        headers = {**headers, "Host": parts.netloc}
        try:
            request = self._client.build_request(
                method, target, headers=headers, content=body, extensions={"sni_hostname": parts.hostname}
            )
            answer = await self._client.send(request, stream=True)
            try:
                await _drain(answer)
            finally:
                await answer.aclose()
        except httpx.HTTPError as error:
            self._addresses.pop(parts.netloc, None)
            text = str(error) or type(error).__name__
            raise Undelivered(f"no answer: {text}"[:300]) from error
        if not answer.is_success:
            raise Undelivered(f"the endpoint answered {answer.status_code}", final=answer.status_code == 410)

    async def _address(self, url: str) -> str:
        name, now = urlsplit(url).netloc, self._clock.monotonic()
        found = self._addresses.get(name)
        if found is None or found[1] < now:
            found = await self._hosts.address(url), now + _KEEP_ADDRESS
            self._addresses[name] = found
        return found[0]


async def _drain(answer: httpx.Response) -> None:
    """Read a short answer, so that the connection can be kept; give up on a long one."""
    size = 0
    async for chunk in answer.aiter_raw():
        size += len(chunk)
        if size > _ANSWER_BYTES:
            return
