"""Where notifications may go: a list kept by the operator, so that a Subscription cannot make this server call just
any address (server-side request forgery). An empty list: nothing leaves this house.

An entry is ``host``, ``host:port``, ``*.domain``, an address, a network (``10.1.0.0/16``), or ``*`` for every host
whose addresses are all public. ``http://`` before it allows unencrypted HTTP there; otherwise only loopback has it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from wardbridge.core.errors import WardbridgeError
from wardbridge.fhir.subscriptions.judge import NotJudged

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class Blocked(WardbridgeError):
    """The endpoint is none that notifications may go to."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(item[4][0]) for item in found]


@dataclass(frozen=True)
class Hosts:
    """The list, as in the setting ``subscription_hosts``."""

    entries: tuple[str, ...]
    resolve: Resolve = resolve

    def check(self, url: str, where: str) -> None:
        """By name only, when a subscription is made. Raises NotJudged (422)."""
        try:
            self._entry(url)
        except Blocked as error:
            raise NotJudged(error.message, where) from error

    def permit(self, url: str) -> None:
        """By name only. Raises Blocked."""
        self._entry(url)

    async def address(self, url: str) -> str:
        """The address to connect to, looked up and checked now. Raises Blocked, OSError."""
        entry = self._entry(url)
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        literal = _literal(host)
        found = [host] if literal is not None else list(await self.resolve(host, port))
        if not found:
            raise OSError(f"{host} has no address")
        if entry == "*" and not all(ip_address(text.partition("%")[0]).is_global for text in found):
            raise Blocked(f"{host} is not a public address, and not in the setting subscription_hosts")
        return found[0]

    def _entry(self, url: str) -> str:
        """The entry that allows ``url``, without its ``http://``."""
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
        if parts.scheme == "mailto":
            host, port = url.rpartition("@")[2].lower(), None
        literal = _literal(host)
        for entry in self.entries:
            plain = entry.lower().removeprefix("http://").removeprefix("https://")
            if not _matches(plain, host, port, literal):
                continue
            if parts.scheme == "http" and not entry.lower().startswith("http://") and not _loopback(host, literal):
                continue
            return plain
        if parts.scheme == "http" and any(_matches(e.lower(), host, port, literal) for e in self.entries):
            raise Blocked(f"notifications to {host} must be encrypted (https)")
        raise Blocked(f"{host} is not in the setting subscription_hosts: nothing is sent there")


def _matches(entry: str, host: str, port: int | None, literal: Address | None) -> bool:
    if entry == "*":
        return not _loopback(host, literal)
    if "/" in entry:
        try:
            return literal is not None and literal in ip_network(entry, strict=False)
        except ValueError:
            return False
    if entry.startswith("*."):
        return host.endswith(entry[1:])
    name, colon, number = entry.rpartition(":")
    if colon and number.isdecimal() and (":" not in name or name.endswith("]")):
        return host == name.strip("[]") and port == int(number)
    return host == entry.strip("[]")


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _loopback(host: str, literal: Address | None) -> bool:
    return host == "localhost" or host.endswith(".localhost") or (literal is not None and literal.is_loopback)
