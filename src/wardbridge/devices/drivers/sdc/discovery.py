"""WS-Discovery: which SDC providers answer on an adapter's network (IEEE 11073-20702, DPWS 1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sdc11073.wsdiscovery import WSDiscovery


@dataclass(frozen=True)
class Found:
    """A provider that answered. ``place`` is what its location scope says, as sent; '' for none."""

    epr: str
    address: str
    place: str = ""


def find(adapter: str, seconds: float = 1.0) -> list[Found]:
    """Ask on ``adapter`` (an IPv4 address of ours) and wait ``seconds`` for answers. Blocks; use a thread.

    Raises OSError when the adapter has no such address or UDP 3702 cannot be used.
    """
    discovery: Any = WSDiscovery(adapter)
    discovery.start()
    try:
        services = discovery.search_sdc_services(timeout=seconds)
    finally:
        discovery.stop()
    found = []
    for service in services:
        addresses = list(service.x_addrs)
        if addresses:
            scopes = [str(text) for text in (service.scopes.text if service.scopes else [])]
            place = next((s for s in scopes if s.startswith("sdc.ctxt.loc:")), "")
            found.append(Found(str(service.epr), str(addresses[0]), place))
    return sorted(found, key=lambda one: one.epr)
